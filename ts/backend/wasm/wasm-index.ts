/**
 * An index in an instance of its own. Searches run at once on the calling thread, one crossing each; everything that
 * may take long is an operation, driven in slices.
 */
import type { AbortSignalLike, VerifyReport } from "../../core/types.js";
import { dataTypeOf, type TypedRows } from "../../core/vectors.js";
import type { ByteSource } from "../../storage/storage.js";
import type {
  BackendIndex,
  BackendInsert,
  Control,
  CoreConfig,
  CoreHits,
  CoreLayout,
  CoreSearch,
  CoreSource,
  CoreStats,
  CoreTarget,
} from "../backend.js";
import { allocate, emptyHits, searchFlags, throwIfAborted } from "../common.js";
import { failureError, NOWHERE, STATUS_ERR_NO_MEMORY, statusError } from "../failure.js";
import { acquireCore, type Core, MEMORY_BYTES_MAX, releaseCore, Scratch } from "./core.js";
import { operate, Pace } from "./drive.js";
import { type Address, type CoreExports, SEARCHED, STATS } from "./exchange.js";

/** Queries and answers of one crossing of a batch fill about this much. */
const BATCH_BYTES = 2 ** 19;
const FLOAT_BYTES = 4;
const ID_BYTES = 8;
/** Queries of a batch that is worth a look at threads. */
const THREADED_MIN = 16;
/** More threads than this wait for each other between stages. */
const THREADS_MAX = 16;

const ERR_NOT_FOUND = -5;

/** Not every page opens or saves. */
const loadStorage = (): Promise<typeof import("../../storage/select.js")> =>
  import("../../storage/select.js");

export class WasmInsert implements BackendInsert {
  readonly #core: Core;
  readonly #dimensions: number;
  #op: Address;

  constructor(core: Core, op: Address, dimensions: number) {
    this.#core = core;
    this.#op = op;
    this.#dimensions = dimensions;
  }

  append(rows: TypedRows, ids: Float64Array | undefined): void {
    const core = this.#core;
    const count = rows.length / this.#dimensions;
    const idBytes = (ids?.length ?? 0) * ID_BYTES;
    const area = core.allocate(idBytes + rows.byteLength);
    try {
      if (ids) core.f64.set(ids, area / 8);
      core.u8.set(new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength), area + idBytes);
      const dataType = dataTypeOf(rows);
      const status = core.run((exports) =>
        exports.op_rows(this.#op, area + idBytes, dataType, ids ? area : 0, count),
      );
      if (status < 0) throw statusError(status);
    } finally {
      core.release(area);
    }
  }

  links(lists: Uint32Array, rows: number): void {
    const core = this.#core;
    const area = core.allocate(lists.byteLength);
    try {
      core.u8.set(new Uint8Array(lists.buffer, lists.byteOffset, lists.byteLength), area);
      const status = core.run((exports) => exports.op_links(this.#op, area, rows));
      if (status < 0) throw statusError(status);
    } finally {
      core.release(area);
    }
  }

  async run(control: Control): Promise<void> {
    const op = this.#op;
    this.#op = 0;
    await operate(this.#core, op, control, {}, () => {});
  }

  discard(): void {
    const op = this.#op;
    this.#op = 0;
    if (op !== 0 && this.#core.whole) this.#core.run((exports) => exports.op_end(op));
  }
}

/** What a build in threads needs of the index that it is for. */
export interface ThreadedBuild {
  readonly config: CoreConfig;
  readonly threads: number;
  /** The same build on this thread. */
  onOne(): WasmInsert;
  /** Takes the result. */
  take(bytes: Uint8Array, control: Control): Promise<void>;
}

/** Batches of an index on several threads. */
export interface ThreadedBatches {
  /** Undefined: not worth it, or not to be had. */
  search(queries: Float32Array, params: CoreSearch, control: Control): Promise<CoreHits | undefined>;
  /** The index is another, or gone. */
  end(): void;
}

/** What threads do. */
export interface ThreadWork {
  build(build: ThreadedBuild): BackendInsert;
  batches(index: BackendIndex, dimensions: number): ThreadedBatches;
}

/** Brings the code that works in threads; only calls that may use it load it. */
export type ThreadLoader = () => Promise<{ readonly work: ThreadWork }>;

export class WasmIndex implements BackendIndex {
  readonly paged = false;
  readonly #module: WebAssembly.Module;
  readonly #threads: ThreadLoader | undefined;
  readonly #core: Core;
  readonly #dimensions: number;
  readonly #vectors: Scratch;
  readonly #hits: Scratch;
  #index: Address;
  #searcher: Address = 0;
  #batches: ThreadedBatches | undefined;

  constructor(module: WebAssembly.Module, core: Core, index: Address, threads?: ThreadLoader) {
    this.#module = module;
    this.#threads = threads;
    this.#core = core;
    this.#index = index;
    this.#vectors = new Scratch(core);
    this.#hits = new Scratch(core);
    this.#dimensions = this.stats().dimensions;
  }

  get size(): number {
    return this.#core.run((exports) => exports.index_size(this.#index));
  }

  async search(query: Float32Array, params: CoreSearch, signal?: AbortSignalLike): Promise<CoreHits> {
    throwIfAborted(signal);
    const hits = emptyHits(1, params.k);
    return { ...hits, ...this.#searchRows(query, 0, 1, params, hits) };
  }

  async searchBatch(queries: Float32Array, params: CoreSearch, control: Control): Promise<CoreHits> {
    const count = queries.length / this.#dimensions;
    const several = count < THREADED_MIN ? undefined : await this.#several(control.threads);
    if (several) this.#batches ??= several.work.batches(this, this.#dimensions);
    const found = await (several && this.#batches?.search(queries, params, { ...control, ...several }));
    if (found) return found;
    const hits = emptyHits(count, params.k);
    const rowBytes = this.#dimensions * FLOAT_BYTES + params.k * (ID_BYTES + FLOAT_BYTES);
    const rowsMax = Math.max(1, Math.floor(BATCH_BYTES / rowBytes));
    const pace = new Pace();
    let distanceComputations = 0;
    let hops = 0;
    let rounds = 0;
    for (let row = 0; row < count; ) {
      throwIfAborted(control.signal);
      const rows = Math.min(count - row, rowsMax, pace.items);
      const work = this.#searchRows(queries, row, rows, params, hits);
      distanceComputations += work.distanceComputations;
      hops += work.hops;
      rounds += work.rounds;
      row += rows;
      if (row < count) await pace.pieceEnded();
    }
    return { ...hits, distanceComputations, hops, rounds };
  }

  /** Undefined where one is to be used. */
  async #several(wanted: number | undefined): Promise<{ work: ThreadWork; threads: number } | undefined> {
    const threads = threadsToUse(wanted);
    const loaded = threads > 1 ? await this.#threads?.().catch(() => undefined) : undefined;
    return loaded && { ...loaded, threads };
  }

  /** Answers queries [begin, begin + rows) in one crossing and copies the answers to their rows of `hits`. */
  #searchRows(
    queries: Float32Array,
    begin: number,
    rows: number,
    params: CoreSearch,
    hits: { readonly ids: Float64Array; readonly distances: Float32Array },
  ): { distanceComputations: number; hops: number; rounds: number } {
    const core = this.#core;
    const dimensions = this.#dimensions;
    const { k, listSize, beamWidth } = params;
    if (this.#searcher === 0) this.#searcher = core.create((exports) => exports.searcher_create(this.#index));
    const vectors = this.#vectors.take(rows * dimensions * FLOAT_BYTES);
    const ids = this.#hits.take(rows * k * (ID_BYTES + FLOAT_BYTES));
    const distances = ids + rows * k * ID_BYTES;
    core.f32.set(queries.subarray(begin * dimensions, (begin + rows) * dimensions), vectors / 4);
    const flags = searchFlags(params);
    const status = core.run(({ search }) =>
      search(this.#searcher, vectors, dimensions, rows, k, listSize, beamWidth, flags, ids, distances),
    );
    if (status < 0) {
      const row = queries.length > dimensions ? begin + core.slot(SEARCHED.row) : NOWHERE;
      throw failureError({ status, detail: 0, row, page: NOWHERE, value: 0 });
    }
    hits.ids.set(core.f64.subarray(ids / 8, ids / 8 + rows * k), begin * k);
    hits.distances.set(core.f32.subarray(distances / 4, distances / 4 + rows * k), begin * k);
    return {
      distanceComputations: core.slot(SEARCHED.distances),
      hops: core.slot(SEARCHED.hops),
      rounds: core.slot(SEARCHED.rounds),
    };
  }

  async searchExact(query: Float32Array, k: number, control: Control): Promise<CoreHits> {
    const { exactHits } = await import("./exact.js");
    return exactHits(this.#core, this.#index, query, emptyHits(1, k), operate, control);
  }

  async get(id: number): Promise<Float32Array | undefined> {
    const core = this.#core;
    const out = this.#vectors.take(this.#dimensions * FLOAT_BYTES);
    const status = core.run((exports) => exports.index_get(this.#index, id, out));
    if (status === ERR_NOT_FOUND) return undefined;
    if (status < 0) throw statusError(status);
    return core.f32.slice(out / 4, out / 4 + this.#dimensions);
  }

  async has(id: number): Promise<boolean> {
    return this.#core.run((exports) => exports.index_has(this.#index, id)) === 1;
  }

  async insert(kind: "build" | "add", threads: number | undefined): Promise<BackendInsert> {
    const onOne = (): WasmInsert => {
      const begin = (exports: CoreExports): number =>
        kind === "build" ? exports.build_begin(this.#index, 1) : exports.insert_begin(this.#index);
      return new WasmInsert(this.#core, this.#core.create(begin), this.#dimensions);
    };
    this.#batches?.end();
    const several = kind === "build" ? await this.#several(threads) : undefined;
    if (!several) return onOne();
    const take = (bytes: Uint8Array, control: Control): Promise<void> => this.#replace(bytes, control);
    return several.work.build({ ...several, config: this.stats(), onOne, take });
  }

  /** Becomes the index of these bytes. */
  async #replace(bytes: Uint8Array, control: Control): Promise<void> {
    const core = this.#core;
    const { openSource } = await loadStorage();
    const index = await readIndex(core, await openSource({ kind: "bytes", bytes }), control);
    core.run((exports) => exports.index_destroy(this.#index));
    this.#index = index;
  }

  async save(target: CoreTarget, control: Control, layout?: CoreLayout): Promise<void> {
    throwIfAborted(control.signal);
    await this.#laidOut(layout, control, async (index, fileBytes) => {
      const sink = await (await loadStorage()).openSink(target, fileBytes);
      try {
        const op = this.#core.create((exports) => exports.save_begin(index));
        await operate(this.#core, op, control, { host: sink }, () => {});
      } catch (error) {
        await sink.abort(error);
        throw error;
      }
      await sink.commit();
    });
  }

  toBytes(control: Control, layout?: CoreLayout): Promise<Uint8Array> {
    return this.#laidOut(layout, control, (index, fileBytes) => {
      const bytes = allocate(fileBytes, () => new Uint8Array(fileBytes));
      const host = {
        write: async (offset: number, piece: Uint8Array): Promise<void> => bytes.set(piece, offset),
      };
      const op = this.#core.create((exports) => exports.save_begin(index));
      return operate(this.#core, op, control, { host }, () => bytes);
    });
  }

  /** What is to be saved, with the size of its file: the index, or what it is made into for that. */
  async #laidOut<Result>(
    layout: CoreLayout | undefined,
    control: Control,
    use: (index: Address, fileBytes: number) => Promise<Result>,
  ): Promise<Result> {
    if (!layout) return use(this.#index, this.stats().fileBytes);
    const { withConverted } = await import("./convert.js");
    return withConverted(this.#core, this.#index, layout, control, operate, (index) =>
      use(index, this.#statsOf(index).fileBytes),
    );
  }

  async verify(control: Control): Promise<VerifyReport> {
    const { readFindings } = await import("./verify.js");
    const core = this.#core;
    const op = core.create((exports) => exports.verify_begin(this.#index));
    return operate(core, op, control, {}, () => readFindings(core, op));
  }

  stats(): CoreStats {
    return this.#statsOf(this.#index);
  }

  #statsOf(index: Address): CoreStats {
    const core = this.#core;
    core.run((exports) => exports.index_stats(index));
    return core.take(STATS);
  }

  close(): void {
    const core = this.#core;
    if (this.#index === 0) return;
    this.#batches?.end();
    const { whole } = core;
    if (whole) {
      core.run((exports) => {
        if (this.#searcher !== 0) exports.searcher_destroy(this.#searcher);
        exports.index_destroy(this.#index);
      });
      this.#vectors.release();
      this.#hits.release();
      releaseCore(this.#module, core);
    }
    this.#index = 0;
    this.#searcher = 0;
  }
}

/** 1 where memory cannot be shared between threads: pages have to be isolated for that. */
function threadsToUse(wanted: number | undefined): number {
  const { crossOriginIsolated, navigator } = globalThis as Partial<typeof globalThis>;
  if (typeof SharedArrayBuffer !== "function" || crossOriginIsolated === false) return 1;
  return Math.min(wanted ?? navigator?.hardwareConcurrency ?? 1, THREADS_MAX);
}

/** An empty index in an instance. */
export function newIndex(core: Core, config: CoreConfig): Address {
  const { dimensions, metric, dataType, maxDegree, buildListSize, alpha, seed } = config;
  const { codes, codeBytes, pageBytes } = config;
  return core.create(({ index_create }) =>
    index_create(
      ...([dimensions, metric, dataType, maxDegree, buildListSize, alpha, seed] as const),
      ...([codes, codeBytes, pageBytes, 0] as const),
    ),
  );
}

export async function createIndex(
  module: WebAssembly.Module,
  config: CoreConfig,
  threads?: ThreadLoader,
): Promise<WasmIndex> {
  const core = await acquireCore(module);
  try {
    return new WasmIndex(module, core, newIndex(core, config), threads);
  } catch (error) {
    releaseCore(module, core);
    throw error;
  }
}

/** An index of these bytes, beside whatever the instance holds. */
export async function readIndex(core: Core, host: ByteSource, control: Control): Promise<Address> {
  const op = core.create((exports) => exports.open_begin(host.size, 0));
  return operate(core, op, control, { host }, () => core.run((exports) => exports.open_take(op)) >>> 0);
}

export async function openIndex(
  module: WebAssembly.Module,
  source: CoreSource,
  control: Control,
  threads?: ThreadLoader,
): Promise<WasmIndex> {
  throwIfAborted(control.signal);
  const host = await (await loadStorage()).openSource(source, control.signal);
  try {
    if (host.size > MEMORY_BYTES_MAX) throw statusError(STATUS_ERR_NO_MEMORY, undefined, host.size);
    const core = await acquireCore(module);
    try {
      return new WasmIndex(module, core, await readIndex(core, host, control), threads);
    } catch (error) {
      releaseCore(module, core);
      throw error;
    }
  } finally {
    await host.close();
  }
}
