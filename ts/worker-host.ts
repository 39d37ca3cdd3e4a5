/** The script of the worker behind `diskann/worker`: the WebAssembly core, at the service of the page. */
import { type WasmOptions, wasmBackend } from "./backend/wasm/index.js";
import { wasmFile } from "./wasm-file.js";
import { serve } from "./worker/host.js";

const loadThreads = () => import("./wasm-threads.js");

void serve((options) => wasmBackend(options as WasmOptions, wasmFile, loadThreads));
