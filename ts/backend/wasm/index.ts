/** The WebAssembly backend. */
import type { Backend } from "../backend.js";
import { loadModule, type WasmOptions } from "./load.js";
import { createIndex, openIndex, type ThreadLoader } from "./wasm-index.js";

export type { WasmOptions } from "./load.js";

/** Who says where the module lies says nothing about the one with threads. */
const ownPlace = ({ module, wasmBinary, wasmUrl }: WasmOptions): boolean =>
  module === undefined && wasmBinary === undefined && wasmUrl === undefined;

/** `beside`: where `diskann.wasm` lies when the options do not say. `threads`: for builds, where the entry has them. */
export async function wasmBackend(
  options: WasmOptions,
  beside: () => URL,
  threads?: ThreadLoader,
): Promise<Backend> {
  const module = await loadModule(options, beside);
  const loader = ownPlace(options) ? threads : undefined;
  return {
    name: "wasm",
    simd: "wasm128",
    create: (config) => createIndex(module, config, loader),
    open: (source, control) => openIndex(module, source, control),
  };
}
