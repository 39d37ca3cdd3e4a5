import { VectorIndex } from "../../ts/worker.js";
import { conformanceInNode } from "./node.js";

await conformanceInNode("WebAssembly in a worker thread", VectorIndex, "wasm");
