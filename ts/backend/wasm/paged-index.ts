/**
 * An index that stays in its `PageStore`; the module holds a cache of its pages. Reads land there, so an instance grows by what
 * the cache may take, and by what as many searches need as are under way at once.
 */
import type { AbortSignalLike, SearchCounters, VerifyReport } from "../../core/types.js";
import type { PageStore } from "../../storage/page-store.js";
import { openStore } from "../../storage/select.js";
import type {
  BackendIndex,
  Control,
  CoreHits,
  CoreSearch,
  CoreSource,
  CoreStats,
  CoreTarget,
  PagedOptions,
} from "../backend.js";
import { PagedIndex, pagesOffsetOf, withoutCodes } from "../paged.js";
import { NOWHERE } from "../status.js";
import type { Core } from "./core.js";
import type { Address } from "./exchange.js";
import type { Kit } from "./index.js";
import { Reads } from "./paged-reads.js";
import * as scans from "./paged-scans.js";
import { type Outcome, Searches } from "./paged-searches.js";
import type { ThreadLoader } from "./wasm-index.js";

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
  readonly #kit: Kit;
  readonly #module: WebAssembly.Module;
  readonly #core: Core;
  readonly #store: PageStore;
  readonly #reads: Reads;
  readonly #searches: Searches;
  readonly #dimensions: number;
  /** Searches of a batch that are under way at once. */
  readonly #lanes: number;
  #paged: Address;

  constructor(kit: Kit, module: WebAssembly.Module, core: Core, paged: Address, store: PageStore) {
    super();
    this.#kit = kit;
    const { concurrency } = store.capabilities;
    this.#module = module;
    this.#core = core;
    this.#paged = paged;
    this.#store = store;
    this.#lanes = store.readSync ? 1 : Math.max(1, concurrency);
    const stats = this.stats();
    const { size, dimensions } = stats;
    this.#reads = new Reads(core, store, paged, pagesOffsetOf(stats));
    this.#searches = new Searches(kit, core, paged, this.#reads, this.#lanes);
    this.size = size;
    this.#dimensions = dimensions;
  }

  async search(query: Float32Array, params: CoreSearch, signal?: AbortSignalLike): Promise<CoreHits> {
    if (signal?.aborted) throw signal.reason;
    const hits = this.#kit.emptyHits(1, params.k);
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
    const hits = this.#kit.emptyHits(count, k);
    const pace = new this.#kit.Pace();
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
        if (signal?.aborted) throw signal.reason;
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

  #scanned(): scans.Scanned {
    const { size } = this;
    return {
      ...{ kit: this.#kit, core: this.#core, store: this.#store, paged: this.#paged },
      ...{ size, dimensions: this.#dimensions },
    };
  }

  searchExact(query: Float32Array, k: number, control: Control): Promise<CoreHits> {
    return scans.searchExact(this.#scanned(), query, k, control);
  }

  get(id: number, control: Control): Promise<Float32Array | undefined> {
    return scans.find(this.#scanned(), id, control);
  }

  async has(id: number, control: Control): Promise<boolean> {
    return (await scans.find(this.#scanned(), id, control)) !== undefined;
  }

  save(target: CoreTarget, control: Control): Promise<void> {
    return scans.save(this.#scanned(), target, control);
  }

  toBytes(control: Control): Promise<Uint8Array> {
    return scans.toBytes(this.#scanned(), control);
  }

  verify(control: Control): Promise<VerifyReport> {
    return scans.verify(this.#scanned(), control);
  }

  stats(): CoreStats {
    const core = this.#core;
    core.run((exports) => exports.paged_stats(this.#paged));
    return core.take(this.#kit.STATS);
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
      this.#kit.releaseCore(this.#module, this.#core);
    }
  }
}

function isUnsupported(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === "ERR_UNSUPPORTED";
}

export async function openPagedStore(
  kit: Kit,
  module: WebAssembly.Module,
  store: PageStore,
  control: Control,
  { cacheBytes, microsoft }: PagedOptions,
): Promise<WasmPagedIndex> {
  const core = await kit.acquireCore(module);
  try {
    const cache = Math.min(cacheBytes, CACHE_BYTES_MAX);
    const op = microsoft
      ? await (await import("./paged-microsoft.js")).beginMicrosoft(
          kit,
          core,
          store.size,
          cache,
          microsoft,
          control,
        )
      : core.create((exports) => exports.paged_open_begin(store.size, 0, cache));
    const host = {
      read: (offset: number, into: Uint8Array) => store.read([{ offset, into }], control.signal),
    };
    const take = () => core.run((exports) => exports.paged_take(op)) >>> 0;
    const paged = await kit.operate(core, op, control, { host }, take);
    return new WasmPagedIndex(kit, module, core, paged, store);
  } catch (error) {
    kit.releaseCore(module, core);
    throw error;
  }
}

/** Undefined: it is to be opened in memory. */
async function openWhereItIs(
  kit: Kit,
  module: WebAssembly.Module,
  source: CoreSource,
  control: Control,
  paged: PagedOptions,
): Promise<WasmPagedIndex | undefined> {
  const { cacheBytes, resident } = paged;
  const allowed = resident === "allowed";
  // What cannot be read in parts may still be read as a whole; what can be neither says so then.
  const store = await openStore(source, control.signal).catch((error: unknown) => {
    if (!allowed) throw error;
  });
  try {
    if (store && (!allowed || store.size > cacheBytes))
      return await openPagedStore(kit, module, store, control, paged);
  } catch (error) {
    await store?.close();
    if (allowed && isUnsupported(error)) return undefined;
    throw isUnsupported(error) && !paged.microsoft ? withoutCodes(error) : error;
  }
  await store?.close();
  return undefined;
}

export async function openPaged(
  kit: Kit,
  module: WebAssembly.Module,
  source: CoreSource,
  control: Control,
  paged: PagedOptions,
  threads?: ThreadLoader,
): Promise<BackendIndex> {
  if (control.signal?.aborted) throw control.signal.reason;
  const index = await openWhereItIs(kit, module, source, control, paged);
  return index ?? kit.openIndex(module, source, control, threads);
}
