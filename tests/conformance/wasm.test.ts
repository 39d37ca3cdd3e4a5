import { ProductQuantizer } from "../../ts/pq-wasm.js";
import { VectorIndex } from "../../ts/wasm.js";
import { conformanceInNode } from "./node.js";

await conformanceInNode("WebAssembly in Node", VectorIndex, "wasm", ProductQuantizer);
