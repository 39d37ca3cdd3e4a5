/** `diskann` in Node: the native addon, or WebAssembly where there is none for this machine. */
import { defineVectorIndex } from "./api/define.js";
import { nativeOrWasm } from "./auto.js";
import { type NativeOptions, nativeBackend } from "./backend/native/index.js";
import { type WasmOptions, wasmBackend } from "./backend/wasm/index.js";
import { wasmFile } from "./wasm-file.js";

export * from "./exports.js";
export type { NativeOptions, WasmOptions };

/** A vector index, in the native addon where there is one for this machine, else in WebAssembly. */
export class VectorIndex extends defineVectorIndex<NativeOptions & WasmOptions>((options) =>
  nativeOrWasm(options, nativeBackend, (choice) =>
    wasmBackend(choice, wasmFile, () => import("./wasm-threads.js")),
  ),
) {}
