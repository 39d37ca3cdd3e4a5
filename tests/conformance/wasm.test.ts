import { VectorIndex } from "../../ts/wasm.js";
import { conformanceInNode } from "./node.js";

conformanceInNode("WebAssembly in Node", VectorIndex, "wasm");
