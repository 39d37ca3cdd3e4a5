import { VectorIndex } from "../../ts/worker.js";
import { conformanceInNode } from "./node.js";

conformanceInNode("WebAssembly in a worker thread", VectorIndex, "wasm");
