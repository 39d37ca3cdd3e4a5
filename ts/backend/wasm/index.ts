/** The WebAssembly backend. */
import type { Backend, CoreSource, PagedOptions } from "../backend.js";
import { loadModule, type WasmOptions } from "./load.js";
import { createIndex, openIndex } from "./wasm-index.js";

export type { WasmOptions } from "./load.js";

/** That it goes into memory is known without a look at it. */
function fits(source: CoreSource, { cacheBytes, resident }: PagedOptions): boolean {
  const size = source.kind === "bytes" ? source.bytes.length : source.kind === "blob" && source.blob.size;
  return resident === "allowed" && size !== false && size <= cacheBytes;
}

/** `beside`: where `diskann.wasm` lies when the options do not say. */
export async function wasmBackend(options: WasmOptions, beside: () => URL): Promise<Backend> {
  const module = await loadModule(options, beside);
  return {
    name: "wasm",
    simd: "wasm128",
    create: (config) => createIndex(module, config),
    open: async (source, control, paged) =>
      paged === undefined || fits(source, paged)
        ? openIndex(module, source, control)
        : (await import("./paged-index.js")).openPaged(module, source, control, paged),
  };
}
