/** Paged indexes over a store that the test holds in its hands: which read ends when, and how. */
import { readFile } from "node:fs/promises";
import type { BackendIndex, CoreHits, CoreSearch } from "../../ts/backend/backend.js";
import { kit } from "../../ts/backend/wasm/index.js";
import { openPaged } from "../../ts/backend/wasm/paged-index.js";
import { createIndex } from "../../ts/backend/wasm/wasm-index.js";
import type { PageRead, PageStore, StoreCapabilities } from "../../ts/storage/page-store.js";
import { sample } from "../conformance/model.js";

export const DIMENSIONS = 16;
export const SUPERBLOCK_BYTES = 4096;
const CONFIG = {
  dimensions: DIMENSIONS,
  metric: 0,
  dataType: 0,
  maxDegree: 12,
  buildListSize: 40,
  alpha: 1.2,
  seed: 0,
  codes: 3,
  codeBytes: 0,
  pageBytes: 0,
};
export const PARAMS: CoreSearch = { k: 5, listSize: 20, beamWidth: 4, pageSearch: true };

export async function freshModule(): Promise<WebAssembly.Module> {
  return WebAssembly.compile(await readFile(new URL("../../dist/diskann.wasm", import.meta.url)));
}

/** An index in memory and the bytes of its file. */
export async function built(module: WebAssembly.Module, rows = 700) {
  const index = await createIndex(module, CONFIG);
  const insert = await index.insert("build", 1);
  await insert.append(sample(rows, DIMENSIONS), undefined);
  await insert.run({});
  return { index, bytes: await index.toBytes({}), pageBytes: index.stats().pageBytes };
}

const queries = sample(400, DIMENSIONS, 1);

export function query(i: number): Float32Array {
  return queries.subarray(i * DIMENSIONS, (i + 1) * DIMENSIONS);
}

export function answers(hits: CoreHits) {
  return { ids: [...hits.ids], distances: [...hits.distances] };
}

interface Pending {
  readonly requests: readonly PageRead[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Every read waits until the test lets it end. */
export class HeldStore implements PageStore {
  readonly size: number;
  readonly capabilities: StoreCapabilities;
  readonly pending: Pending[] = [];
  signal: AbortSignal | undefined;
  closed = 0;
  /** Once the index is open. */
  holding = false;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array, concurrency = 4) {
    this.#bytes = bytes;
    this.size = bytes.length;
    const rest = { granularity: 4096, synchronous: false, writable: false };
    this.capabilities = { kind: "file", concurrency, ...rest };
  }

  read(requests: readonly PageRead[], signal?: AbortSignal): Promise<void> {
    this.signal = signal;
    return new Promise((resolve, reject) => {
      this.pending.push({ requests, resolve, reject });
      if (!this.holding) this.deliver();
    });
  }

  /** The n-th of the reads that wait ends well, or with `error`. */
  deliver(n = 0, error?: Error): void {
    const [read] = this.pending.splice(n, 1);
    if (!read) return;
    if (error) {
      // what a broken read leaves behind
      for (const { into } of read.requests) into.fill(0xee);
      read.reject(error);
      return;
    }
    for (const { offset, into } of read.requests)
      into.set(this.#bytes.subarray(offset, offset + into.length));
    read.resolve();
  }

  async close(): Promise<void> {
    this.closed++;
  }
}

export async function openHeld(
  module: WebAssembly.Module,
  store: PageStore,
  cacheBytes: number,
): Promise<BackendIndex> {
  const source = { kind: "bytes", bytes: new Uint8Array(0) } as const;
  const options = { cacheBytes, resident: "never" } as const;
  const index = await openPaged(kit, module, source, {}, options, async () => store);
  if (store instanceof HeldStore) store.holding = true;
  return index;
}

/** Macrotasks: what follows from a delivery has happened. */
export async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
