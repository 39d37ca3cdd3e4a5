/** The WebAssembly backend. */
import type { Backend } from "../backend.js";
import { loadModule, type WasmOptions } from "./load.js";
import { createIndex, openIndex } from "./wasm-index.js";

export type { WasmOptions } from "./load.js";

/** `beside`: where `diskann.wasm` lies when the options do not say. */
export async function wasmBackend(options: WasmOptions, beside: () => URL): Promise<Backend> {
  const module = await loadModule(options, beside);
  return {
    name: "wasm",
    simd: "wasm128",
    create: (config) => createIndex(module, config),
    open: (source, control) => openIndex(module, source, control),
  };
}
