/** `diskann` in Node: the native addon, or WebAssembly where there is none for this machine. */
import { defineVectorIndex } from "./api/define.js";
import type { Backend } from "./backend/backend.js";
import { type NativeOptions, nativeBackend } from "./backend/native/index.js";
import { type WasmOptions, wasmBackend } from "./backend/wasm/index.js";
import { DiskAnnError } from "./core/errors.js";
import { wasmFile } from "./wasm-file.js";

export * from "./exports.js";
export type { NativeOptions, WasmOptions };

let noticed = false;

/** Says once why everything is slower than it could be. */
function notice(cause: DiskAnnError): void {
  if (noticed) return;
  noticed = true;
  const text = `diskann runs in WebAssembly, on one core: ${cause.message}`;
  process.emitWarning(text, { type: "DiskAnnWarning", code: "DISKANN_WASM" });
}

async function load(options: NativeOptions & WasmOptions): Promise<Backend> {
  try {
    return await nativeBackend(options);
  } catch (error) {
    const absent = error instanceof DiskAnnError && error.code === "ERR_UNSUPPORTED";
    // Who names an addon or a kernel family means it.
    if (!absent || options.nativeBinding !== undefined || process.env.DISKANN_SIMD) throw error;
    notice(error);
    return wasmBackend(options, wasmFile);
  }
}

/** A vector index, in the native addon where there is one for this machine, else in WebAssembly. */
export class VectorIndex extends defineVectorIndex<NativeOptions & WasmOptions>(load) {}
