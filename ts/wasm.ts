/** `diskann/wasm`: the WebAssembly core, anywhere. Also what `diskann` is in browsers, Deno, Bun and workers. */
import { defineVectorIndex } from "./api/define.js";
import { type WasmOptions, wasmBackend } from "./backend/wasm/index.js";
import { wasmFile } from "./wasm-file.js";

export * from "./exports.js";
export type { WasmOptions };

/** A vector index in WebAssembly. `create`, `build` and `open` also take where `diskann.wasm` lies. */
export class VectorIndex extends defineVectorIndex<WasmOptions>((options) =>
  wasmBackend(options, wasmFile, () => import("./wasm-threads.js")),
) {}
