/** The native addon where there is one for this machine, else WebAssembly, with one notice. */
import type { NativeOptions } from "./backend/native/load.js";
import { DiskAnnError } from "./core/errors.js";

let noticed = false;

/** Says once why everything is slower than it could be. */
function notice(cause: DiskAnnError): void {
  if (noticed) return;
  noticed = true;
  const text = `diskann runs in WebAssembly, on one core: ${cause.message}`;
  process.emitWarning(text, { type: "DiskAnnWarning", code: "DISKANN_WASM" });
}

export async function nativeOrWasm<Backend, Options extends NativeOptions>(
  options: Options,
  native: (options: Options) => Promise<Backend>,
  wasm: (options: Options) => Promise<Backend>,
): Promise<Backend> {
  try {
    return await native(options);
  } catch (error) {
    const absent = error instanceof DiskAnnError && error.code === "ERR_UNSUPPORTED";
    // Who names an addon or a kernel family means it.
    if (!absent || options.nativeBinding !== undefined || process.env.DISKANN_SIMD) throw error;
    notice(error);
    return wasm(options);
  }
}
