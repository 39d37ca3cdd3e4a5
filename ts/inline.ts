/** `diskann/inline`: the WebAssembly core within this one file, for where no bundler or server brings a .wasm along. */
import { defineVectorIndex } from "./api/define.js";
import { wasmBackend } from "./backend/wasm/index.js";
import { DiskAnnError } from "./core/errors.js";

export * from "./exports.js";

/** The build puts the module here. */
const WASM_BASE64 = "__DISKANN_WASM_BASE64__";

let wasmBinary: Uint8Array | undefined;

function decode(): Uint8Array {
  if (WASM_BASE64.startsWith("__")) {
    throw new DiskAnnError("ERR_UNSUPPORTED", "diskann/inline exists as a built file only");
  }
  return Uint8Array.from(atob(WASM_BASE64), (char) => char.charCodeAt(0));
}

/** A vector index in WebAssembly. */
export class VectorIndex extends defineVectorIndex<object>(async () => {
  wasmBinary ??= decode();
  return wasmBackend({ wasmBinary }, () => new URL("about:blank"));
}) {}
