/** The class users hold, over any backend. Entries derive theirs with `defineVectorIndex`. */
import type { BackendIndex, Control, CoreConfig, CoreHits, CoreStats } from "../backend/backend.js";
import { CallQueue, closedError } from "../core/call-queue.js";
import {
  type CheckedSearch,
  checkId,
  checkOptions,
  checkSearch,
  checkSignal,
  checkThreads,
  invalid,
} from "../core/checks.js";
import { DATA_TYPES, METRICS } from "../core/constants.js";
import type {
  BuildControl,
  CallOptions,
  DataType,
  Id,
  IndexStats,
  Metric,
  SaveOptions,
  SaveTarget,
  SearchBatch,
  SearchHit,
  SearchHits,
  SearchOptions,
  StorageStats,
  Vector,
  VectorSource,
  VerifyReport,
} from "../core/types.js";
import { queryFloats } from "../core/vectors.js";
import { readQueries, searchQueries } from "./batch.js";
import { type Insertion, insertRows, keepIds, noteAdded } from "./insertion.js";
import { beginLongCall, type LongCall } from "./long-call.js";
import { hitsOfOne, statsOf, withCounters } from "./results.js";
import { readIds, readRows } from "./rows.js";

declare global {
  // Of lib ESNext.Disposable, for projects that do not list it; identical declarations merge.
  interface SymbolConstructor {
    readonly dispose: unique symbol;
    readonly asyncDispose: unique symbol;
  }
  interface Disposable {
    [Symbol.dispose](): void;
  }
  interface AsyncDisposable {
    [Symbol.asyncDispose](): PromiseLike<void>;
  }
}

/** What the constructor takes: only this library makes one. */
export interface Made {
  readonly core: BackendIndex;
  readonly backend: "native" | "wasm";
  readonly config: CoreConfig;
  readonly threads: number | undefined;
  readonly defaults: CheckedSearch;
  /** Just after it was made. */
  readonly stats: CoreStats;
  readonly storage: StorageStats | undefined;
}

const made = new WeakSet<object>();

/** Marks what the constructor accepts. */
export function sealMade(parts: Made): Made {
  made.add(parts);
  return parts;
}

/** Searches report no progress. */
function signalOnly(options: SearchOptions | undefined): CallOptions | undefined {
  checkOptions("options", options);
  return options?.signal === undefined ? undefined : { signal: options.signal };
}

/** Frees an index that was dropped without close(). A net, not a plan: when it runs is up to the engine. */
const dropped =
  typeof FinalizationRegistry === "function"
    ? new FinalizationRegistry<BackendIndex>((core) => void core.close())
    : undefined; // some server runtimes have none

/**
 * A vector index: `await VectorIndex.create(...)`, `.build(...)` or `.open(...)` makes one.
 *
 * Calls on one index take effect in call order: reads run side by side; `add`, `save`, `toBytes` and `close` wait for
 * earlier calls and later calls wait for them. A search after an un-awaited add sees it.
 */
export class VectorIndex implements AsyncDisposable {
  /** Length of every vector. */
  readonly dimensions: number;
  readonly metric: Metric;
  /** Of what goes in and comes out; `stats().quantization` tells whether it is kept as less. */
  readonly dataType: DataType;
  /** What runs it here. */
  readonly backend: "native" | "wasm";
  readonly #core: BackendIndex;
  readonly #queue = new CallQueue();
  readonly #threads: number | undefined;
  readonly #defaults: CheckedSearch;
  #size: number;
  #nextId: number;
  /** As of the last quiet moment somebody asked; undefined after a change. */
  #stats: CoreStats;
  #statsFresh = true;
  #storage: StorageStats | undefined;
  #closed: Promise<void> | undefined;

  /** Not for use: call `VectorIndex.create`, `VectorIndex.build` or `VectorIndex.open`. */
  protected constructor(parts: object) {
    if (!made.has(parts)) {
      throw invalid("VectorIndex has no public constructor: use VectorIndex.create(), .build() or .open()");
    }
    const { core, backend, config, threads, defaults, stats, storage } = parts as Made;
    this.#core = core;
    this.backend = backend;
    this.dimensions = config.dimensions;
    this.metric = METRICS[config.metric] as Metric;
    this.dataType = DATA_TYPES[config.dataType] ?? "f32";
    this.#threads = threads;
    this.#defaults = defaults;
    this.#stats = stats;
    this.#storage = storage;
    this.#size = stats.size;
    this.#nextId = stats.nextId;
    dropped?.register(this, core, this);
  }

  /** Number of vectors, as of the last `add` that ended. */
  get size(): number {
    return this.#size;
  }

  /**
   * Adds vectors; resolves to their ids in order. All of the input is validated before anything changes. An abort or a
   * failure half way leaves whole batches of rows in the index: the error says how many in `added`.
   *
   * A sequence that is not an array is read when it is the call's turn, and an asynchronous one holds later calls on
   * this index until it ends: it must not wait for one of them.
   */
  async add(vectors: VectorSource, options?: BuildControl): Promise<Id[]> {
    const call = beginLongCall(options);
    this.#checkOpen();
    const rows = readRows(vectors, this.dimensions, this.dataType, call.signal);
    const insertion: Insertion = {
      kind: "add",
      rows,
      ids: readIds(options?.ids, rows.total),
      threads: this.#threads,
    };
    try {
      await this.#queue.enter(true, call.signal);
    } catch (error) {
      rows.close();
      throw noteAdded(call.errorOf(error), 0);
    }
    return this.#turn(call, () => this.#insert(insertion, call));
  }

  async #insert(insertion: Insertion, call: LongCall): Promise<Id[]> {
    const before = this.#size;
    const first = this.#nextId;
    const ids: Id[] = [];
    try {
      const count = await insertRows(this.#core, this.dimensions, keepIds(insertion, ids), call);
      if (!insertion.ids) for (let i = 0; i < count; i++) ids.push(first + i);
      this.#size = before + count;
      for (const id of ids) if (id >= this.#nextId) this.#nextId = id + 1;
      this.#statsFresh &&= count === 0;
      call.finish();
      return ids;
    } catch (error) {
      const added = this.#core.size - before;
      if (added > 0) this.#refresh();
      throw noteAdded(call.errorOf(error), added);
    }
  }

  /**
   * The vector of an id as it is stored, undefined when there is none: to the bit what was added, but for `"f16"`, which
   * rounds to the nearest half, and for `quantize`. Paged, no map from ids to records is in memory: the page of a hit that is still
   * in the cache costs nothing, else the file is read up to the page that has the id, half of it in the mean; all of it for an id
   * that is not there.
   */
  async get(id: Id, options?: CallOptions): Promise<Float32Array | undefined> {
    const checked = checkId(id, "id");
    return this.#look(options, (control) => this.#core.get(checked, control));
  }

  /** Whether the index holds this id. Paged it costs what `get` does. */
  async has(id: Id, options?: CallOptions): Promise<boolean> {
    const checked = checkId(id, "id");
    return this.#look(options, (control) => this.#core.has(checked, control));
  }

  /**
   * The nearest vectors, nearest first, equal distances by id: min(k, size) of them. A larger `searchListSize` finds
   * more of the true neighbours and takes longer. Paged, a page that cannot be read or is damaged fails the searches that want it
   * (`ERR_IO`, `ERR_CORRUPT`; the error has its number in `page`), and no other.
   */
  search(query: Vector, options?: SearchOptions): Promise<SearchHits> {
    try {
      const search = options === undefined ? this.#defaults : checkSearch(options, this.#defaults);
      const signal = options === undefined ? undefined : checkSignal(options.signal);
      const floats = queryFloats(query, this.dimensions);
      if (search.counters || signal !== undefined || !this.#queue.tryRead())
        return this.#searchLater(floats, search, signal);
      return this.#searchNow(floats, this.#narrow(search));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** The usual case: nothing to wait for, no signal. One promise beside the backend's. */
  #searchNow(query: Float32Array, search: CheckedSearch): Promise<SearchHit[]> {
    let answer: Promise<CoreHits>;
    try {
      answer = this.#core.search(query, search, undefined);
    } catch (error) {
      this.#queue.leave();
      throw error;
    }
    return answer.then(this.#onHits, this.#onFailure);
  }

  readonly #onHits = (hits: CoreHits): SearchHit[] => {
    this.#queue.leave();
    return hitsOfOne(hits);
  };

  readonly #onFailure = (error: unknown): never => {
    this.#queue.leave();
    throw error;
  };

  /** A search that has to wait, or may be aborted. The query is copied: the caller may reuse its array. */
  async #searchLater(
    query: Float32Array,
    search: CheckedSearch,
    signal: SearchOptions["signal"],
  ): Promise<SearchHits> {
    const copy = query.slice();
    await this.#queue.enter(false, signal);
    try {
      const hits = await this.#core.search(copy, this.#narrow(search), signal);
      return search.counters ? withCounters(hits) : hitsOfOne(hits);
    } catch (error) {
      throw signal?.aborted ? signal.reason : error;
    } finally {
      this.#queue.leave();
    }
  }

  /** No more hits than there are vectors: the answer is the same, and no padding is made. */
  #narrow(search: CheckedSearch): CheckedSearch {
    return search.k <= this.#size ? search : { ...search, k: Math.max(1, this.#size) };
  }

  /** Many queries at once, on all cores where the backend has threads: a typed array of rows, or an array of vectors. */
  async searchBatch(
    queries: Float32Array | Int8Array | Uint8Array | readonly Vector[],
    options?: SearchOptions,
  ): Promise<SearchBatch> {
    const call = beginLongCall(signalOnly(options));
    const search = options === undefined ? this.#defaults : checkSearch(options, this.#defaults);
    const threads = checkThreads(options?.threads) ?? this.#threads;
    const reader = readQueries(queries, this.dimensions, search.k);
    await this.#queue.enter(false, call.signal);
    return this.#turn(call, () =>
      searchQueries(this.#core, reader, search, { signal: call.signal, threads }),
    );
  }

  /** The true nearest vectors, by comparing with every one of them; paged, all of the file is read. */
  async searchExact(query: Vector, options?: SearchOptions): Promise<SearchHit[]> {
    const call = beginLongCall(signalOnly(options));
    const { k } = options === undefined ? this.#defaults : checkSearch(options, this.#defaults);
    const threads = checkThreads(options?.threads) ?? this.#threads;
    const copy = queryFloats(query, this.dimensions).slice();
    await this.#queue.enter(false, call.signal);
    return this.#turn(call, async () => {
      const control = { signal: call.signal, threads };
      return hitsOfOne(await this.#core.searchExact(copy, Math.max(1, Math.min(k, this.#size)), control));
    });
  }

  /**
   * Writes the index to a file or another place, all or nothing: what was there stays until the new one is complete. Paged: a copy,
   * each page checked on its way.
   */
  async save(target: SaveTarget, options?: SaveOptions): Promise<void> {
    const call = beginLongCall(options);
    await this.#queue.enter(true, call.signal);
    return this.#turn(call, async () => {
      const { saveCore } = await import("./open.js");
      this.#storage = await saveCore(this.#core, target, this.#control(call), options);
      call.finish();
    });
  }

  /** The bytes of the file that `save` writes. */
  async toBytes(options?: SaveOptions): Promise<Uint8Array> {
    const call = beginLongCall(options);
    await this.#queue.enter(true, call.signal);
    return this.#turn(call, async () => {
      const { layoutOf } = await import("./open.js");
      const bytes = await this.#core.toBytes(this.#control(call), await layoutOf(this.#core, options));
      call.finish();
      return bytes;
    });
  }

  /**
   * Audits checksums, records and graph. Resolves whatever it finds. Paged, it reads the file once, with 12 to 32 bytes of memory a
   * record, and leaves two things to an index in memory: to make `"1bit"` codes anew, and to tell a record that no search can reach
   * from one that is not in the tree only.
   */
  async verify(options?: CallOptions): Promise<VerifyReport> {
    const call = beginLongCall(options);
    await this.#queue.enter(false, call.signal);
    return this.#turn(call, async () => {
      const report = await this.#core.verify(this.#control(call));
      call.finish();
      return report;
    });
  }

  /** Shape, degrees and memory. While an `add` or `save` is under way: as it was when last asked, with today's size. */
  stats(): IndexStats {
    this.#checkOpen();
    // Those of a paged index change with every search.
    if ((!this.#statsFresh || this.#core.paged) && !this.#queue.writing) {
      this.#stats = this.#core.stats();
      this.#statsFresh = true;
    }
    const stats = statsOf(this.#stats, this.backend, this.#core.paged, this.#defaults, this.#storage);
    return stats.size === this.#size ? stats : { ...stats, size: this.#size };
  }

  /** Frees all it holds. Calls that have started end first, calls that wait reject with `ERR_CLOSED`. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#queue.close().then(async () => {
      dropped?.unregister(this);
      await this.#core.close();
    });
    return this.#closed;
  }

  /** `await using index = ...` closes it at the end of the block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #control(call: LongCall): Control {
    return { signal: call.signal, onProgress: call.onProgress, threads: this.#threads };
  }

  #checkOpen(): void {
    if (this.#queue.closed) throw closedError();
  }

  /** The body of a long call, in its turn. */
  async #turn<T>(call: LongCall, body: () => Promise<T>): Promise<T> {
    try {
      return await body();
    } catch (error) {
      throw call.errorOf(error);
    } finally {
      this.#queue.leave();
    }
  }

  async #look<T>(options: CallOptions | undefined, body: (control: Control) => Promise<T>): Promise<T> {
    const call = beginLongCall(options);
    await this.#queue.enter(false, call.signal);
    return this.#turn(call, async () => {
      const found = await body(this.#control(call));
      call.finish();
      return found;
    });
  }

  /** After an insertion that ended half way. */
  #refresh(): void {
    this.#stats = this.#core.stats();
    this.#statsFresh = true;
    this.#size = this.#stats.size;
    this.#nextId = this.#stats.nextId;
  }
}
