/**
 * An index that stays in its `PageStore`; the module holds a cache of its pages. Reads land there, so an instance grows by what
 * the cache may take, and by what as many searches need as are under way at once.
 */
import type { AbortSignalLike, SearchCounters } from "../../core/types.js";
import type { PageStore } from "../../storage/page-store.js";
import { openStore } from "../../storage/select.js";
import type {
  BackendIndex,
  Control,
  CoreHits,
  CoreSearch,
  CoreSource,
  CoreStats,
  PagedOptions,
} from "../backend.js";
import { emptyHits, throwIfAborted } from "../common.js";
import { codeOf, NOWHERE, STATUS_ERR_UNSUPPORTED } from "../failure.js";
import { PagedIndex } from "../paged.js";
import { acquireCore, type Core, releaseCore } from "./core.js";
import { operate, Pace } from "./drive.js";
import { type Address, STATS } from "./exchange.js";
import { Reads } from "./paged-reads.js";
import { type Outcome, Searches } from "./paged-searches.js";
import { openIndex } from "./wasm-index.js";

/** Of the 4 GiB there are; the rest is for searches. */
const CACHE_BYTES_MAX = 3 * 2 ** 30;

const NO_WORK: SearchCounters = { distanceComputations: 0, hops: 0, rounds: 0, reads: 0, bytesRead: 0 };

function sum(a: SearchCounters, b: SearchCounters): SearchCounters {
  return {
    distanceComputations: a.distanceComputations + b.distanceComputations,
    hops: a.hops + b.hops,
    rounds: a.rounds + b.rounds,
    reads: a.reads + b.reads,
    bytesRead: a.bytesRead + b.bytesRead,
  };
}

class WasmPagedIndex extends PagedIndex {
  readonly size: number;
  readonly #module: WebAssembly.Module;
  readonly #core: Core;
  readonly #reads: Reads;
  readonly #searches: Searches;
  readonly #dimensions: number;
  /** Searches of a batch that are under way at once. */
  readonly #lanes: number;
  #paged: Address;

  constructor(module: WebAssembly.Module, core: Core, paged: Address, store: PageStore) {
    super();
    const { concurrency } = store.capabilities;
    this.#module = module;
    this.#core = core;
    this.#paged = paged;
    this.#lanes = store.readSync ? 1 : Math.max(1, concurrency);
    this.#reads = new Reads(core, store, paged);
    this.#searches = new Searches(core, paged, this.#reads, this.#lanes);
    const { size, dimensions } = this.stats();
    this.size = size;
    this.#dimensions = dimensions;
  }

  async search(query: Float32Array, params: CoreSearch, signal?: AbortSignalLike): Promise<CoreHits> {
    throwIfAborted(signal);
    const hits = emptyHits(1, params.k);
    const running = this.#searches.run({ floats: query, params, signal, row: NOWHERE, ...hits });
    const outcome = running instanceof Promise ? await running : running;
    if ("error" in outcome) throw outcome.error;
    return { ...hits, ...outcome.counters };
  }

  /** Rows are begun in order; when one fails no more are, and the error is of the first that did. */
  async searchBatch(queries: Float32Array, params: CoreSearch, control: Control): Promise<CoreHits> {
    const { k } = params;
    const { signal } = control;
    const count = queries.length / this.#dimensions;
    const hits = emptyHits(count, k);
    const pace = new Pace();
    let counters = NO_WORK;
    let next = 0;
    const failed = { row: count, error: undefined as unknown };
    const begin = (row: number): Outcome | Promise<Outcome> =>
      this.#searches.run({
        floats: queries.subarray(row * this.#dimensions, (row + 1) * this.#dimensions),
        ...{ params, signal, row: count > 1 ? row : NOWHERE },
        ids: hits.ids.subarray(row * k, (row + 1) * k),
        distances: hits.distances.subarray(row * k, (row + 1) * k),
      });
    const lane = async (): Promise<void> => {
      while (next < count && failed.row === count) {
        throwIfAborted(signal);
        const row = next++;
        const running = begin(row);
        const outcome = running instanceof Promise ? await running : running;
        if ("counters" in outcome) counters = sum(counters, outcome.counters);
        else if (row < failed.row) Object.assign(failed, { row, error: outcome.error });
        const rest = pace.pieceEnded();
        if (rest) await rest;
      }
    };
    await Promise.all(Array.from({ length: Math.min(count, this.#lanes) }, lane));
    if (failed.row < count) throw failed.error;
    return { ...hits, ...counters };
  }

  stats(): CoreStats {
    const core = this.#core;
    core.run((exports) => exports.paged_stats(this.#paged));
    const stats = Object.entries(STATS).map(([name, slot]) => [name, core.slot(slot)]);
    return Object.fromEntries(stats) as unknown as CoreStats;
  }

  async close(): Promise<void> {
    const paged = this.#paged;
    if (paged === 0) return;
    this.#paged = 0;
    try {
      await this.#reads.close();
    } finally {
      this.#searches.close();
      if (this.#core.whole) this.#core.run((exports) => exports.paged_destroy(paged));
      releaseCore(this.#module, this.#core);
    }
  }
}

function isUnsupported(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === codeOf(STATUS_ERR_UNSUPPORTED);
}

async function openPagedStore(
  module: WebAssembly.Module,
  store: PageStore,
  control: Control,
  cacheBytes: number,
): Promise<WasmPagedIndex> {
  const core = await acquireCore(module);
  try {
    const cache = Math.min(cacheBytes, CACHE_BYTES_MAX);
    const op = core.create((exports) => exports.paged_open_begin(store.size, 0, cache));
    const host = {
      read: (offset: number, into: Uint8Array) => store.read([{ offset, into }], control.signal),
    };
    const take = () => core.run((exports) => exports.paged_take(op)) >>> 0;
    const paged = await operate(core, op, control, { host }, take);
    return new WasmPagedIndex(module, core, paged, store);
  } catch (error) {
    releaseCore(module, core);
    throw error;
  }
}

/** Undefined: it is to be opened in memory. */
async function openWhereItIs(
  module: WebAssembly.Module,
  source: CoreSource,
  control: Control,
  { cacheBytes, resident }: PagedOptions,
): Promise<WasmPagedIndex | undefined> {
  let store: PageStore | undefined;
  try {
    store = await openStore(source, control.signal);
    if (resident === "never" || store.size > cacheBytes)
      return await openPagedStore(module, store, control, cacheBytes);
  } catch (error) {
    await store?.close();
    if (resident === "allowed" && isUnsupported(error)) return undefined;
    throw error;
  }
  await store.close();
  return undefined;
}

export async function openPaged(
  module: WebAssembly.Module,
  source: CoreSource,
  control: Control,
  paged: PagedOptions,
): Promise<BackendIndex> {
  throwIfAborted(control.signal);
  const index = await openWhereItIs(module, source, control, paged);
  return index ?? openIndex(module, source, control);
}
