/** `diskann/pq` in Node: product quantisation in the native addon, or in WebAssembly where there is none for this machine. */
import { definePq } from "./api/define-pq.js";
import { nativeOrWasm } from "./auto.js";
import type { NativeOptions } from "./backend/native/load.js";
import { nativePqBackend } from "./backend/native/native-pq.js";
import type { WasmOptions } from "./backend/wasm/load.js";
import { wasmPqBackend } from "./backend/wasm/wasm-pq.js";
import { wasmFile } from "./wasm-file.js";

export * from "./pq-exports.js";
export type { NativeOptions, WasmOptions };

/** A product quantiser, in the native addon where there is one for this machine, else in WebAssembly. */
export class ProductQuantizer extends definePq<NativeOptions & WasmOptions>((options) =>
  nativeOrWasm(options, nativePqBackend, (choice) => wasmPqBackend(choice, wasmFile)),
) {}
