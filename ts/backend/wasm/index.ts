/** The WebAssembly backend. */

import type { BlobLike } from "../../core/types.js";
import type { Backend, CoreSource, PagedOptions } from "../backend.js";
import { allocate, CONFIG_FIELDS, emptyHits, IDS_PER_SLAB, throwIfAborted } from "../common.js";
import { failureError, statusError } from "../failure.js";
import { acquireCore, releaseCore, Scratch } from "./core.js";
import { operate, Pace, readFailure } from "./drive.js";
import { STATS } from "./exchange.js";
import { loadModule, type WasmOptions } from "./load.js";
import { createIndex, openIndex, type ThreadLoader } from "./wasm-index.js";

export type { WasmOptions } from "./load.js";

/**
 * What paged indexes and builds into a file are made of. They are loaded when one is wanted; if that part imported these, bundlers
 * would cut the part that is loaded at once in pieces, to share them, and make it longer.
 */
export const kit = {
  ...{ allocate, emptyHits, throwIfAborted, failureError, statusError },
  ...{ acquireCore, releaseCore, Scratch, operate, Pace, readFailure, openIndex },
  ...{ STATS, CONFIG_FIELDS, IDS_PER_SLAB },
};
export type Kit = typeof kit;

/** That it goes into memory is known without a look at it. */
function fits(source: CoreSource, { cacheBytes, resident }: PagedOptions): boolean {
  const { bytes, blob } = source as { bytes?: Uint8Array; blob?: BlobLike };
  return resident === "allowed" && (bytes?.length ?? blob?.size ?? Infinity) <= cacheBytes;
}

/** Who says where the module lies says nothing about the one with threads. */
const ownPlace = ({ module, wasmBinary, wasmUrl }: WasmOptions): boolean =>
  module === undefined && wasmBinary === undefined && wasmUrl === undefined;

/** `beside`: where `diskann.wasm` lies when the options do not say. `threads`: where the entry has them. */
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
    open: async (source, control, paged) =>
      paged === undefined || fits(source, paged)
        ? openIndex(module, source, control, loader)
        : (await import("./paged-index.js")).openPaged(kit, module, source, control, paged, loader),
    fileBuilder: async () => (await import("./file-build.js")).fileBuilder(kit, module),
  };
}
