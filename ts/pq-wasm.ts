/** `diskann/pq` in browsers, Deno, Bun and workers: product quantisation in WebAssembly. */
import { definePq } from "./api/define-pq.js";
import type { WasmOptions } from "./backend/wasm/load.js";
import { wasmPqBackend } from "./backend/wasm/wasm-pq.js";
import { wasmFile } from "./wasm-file.js";

export * from "./pq-exports.js";
export type { WasmOptions };

/** A product quantiser in WebAssembly. `train` and `open` also take where `diskann.wasm` lies. */
export class ProductQuantizer extends definePq<WasmOptions>((options) => wasmPqBackend(options, wasmFile)) {}
