/** The class users hold, over any backend. Entries derive theirs with `definePq`. */
import type { BackendPq } from "../backend/pq.js";
import { CallQueue } from "../core/call-queue.js";
import { checkOptions, checkThreads, invalid } from "../core/checks.js";
import { SLAB_BYTES } from "../core/constants.js";
import { DiskAnnError } from "../core/errors.js";
import type { CodeSearchOptions, EncodeOptions, ReconstructionError } from "../core/pq-types.js";
import { nextTask } from "../core/task.js";
import type { CallOptions, SearchHit, Vector, VectorSource } from "../core/types.js";
import { queryFloats } from "../core/vectors.js";
import { writeCodes, writePivots } from "../storage/pq-files.js";
import { shiftRow } from "./batch.js";
import { beginLongCall, type LongCall } from "./long-call.js";
import { type CheckedCodeSearch, checkCodeSearch, checkCodes } from "./pq-options.js";
import { hitsOfOne } from "./results.js";
import { type RowReader, readFloats } from "./rows.js";

/** Codes that are copied for one call of the core. */
const CODE_SLAB_BYTES = 4 * SLAB_BYTES;

const made = new WeakSet<object>();

/** What the constructor takes: only this library makes one. */
export interface MadePq {
  readonly core: BackendPq;
  readonly backend: "native" | "wasm";
  readonly threads: number | undefined;
}

/** Marks what the constructor accepts. */
export function sealPq(parts: MadePq): MadePq {
  made.add(parts);
  return parts;
}

function closedError(): DiskAnnError {
  return new DiskAnnError("ERR_CLOSED", "the product quantizer is closed: open or train it again to use it");
}

/** What is done with every slab of rows; `first` is the number of its first row. */
type OnSlab = (rows: Float32Array, first: number) => Promise<void>;

/**
 * A product quantiser: `await ProductQuantizer.train(...)` or `.open(...)` makes one. It writes a vector as `chunks` bytes, and estimates
 * distances from them. It never changes; any number of calls may run side by side.
 */
export class ProductQuantizer implements AsyncDisposable {
  /** Length of every vector. */
  readonly dimensions: number;
  /** Bytes of a code. */
  readonly chunks: number;
  /** Centroids of each chunk. */
  readonly centroids: number;
  /** What runs it here. */
  readonly backend: "native" | "wasm";
  readonly #core: BackendPq;
  readonly #threads: number | undefined;
  readonly #queue = new CallQueue(closedError);
  #closed: Promise<void> | undefined;

  /** Not for use: call `ProductQuantizer.train` or `ProductQuantizer.open`. */
  protected constructor(parts: object) {
    if (!made.has(parts)) {
      throw invalid(
        "ProductQuantizer has no public constructor: use await ProductQuantizer.train() or .open()",
      );
    }
    const { core, backend, threads } = parts as MadePq;
    this.#core = core;
    this.#threads = threads;
    this.backend = backend;
    this.dimensions = core.shape.dimensions;
    this.chunks = core.shape.chunks;
    this.centroids = core.shape.centroids;
  }

  /** Codes of vectors, `chunks` bytes each: of every chunk the number of the nearest centroid, of equally near ones the lowest. */
  async encode(vectors: VectorSource, options?: EncodeOptions): Promise<Uint8Array> {
    const codes: Uint8Array[] = [];
    await this.#eachSlab(vectors, options, async (rows, _first, threads, signal) => {
      codes.push(await this.#core.encode(rows, { threads, signal }));
    });
    return joined(codes);
  }

  /** The vectors that codes stand for, row after row. */
  async decode(codes: Uint8Array, options?: CallOptions): Promise<Float32Array> {
    const call = beginLongCall(options);
    const bytes = checkCodes(codes, this);
    const count = bytes.length / this.chunks;
    const step = Math.max(1, Math.floor(SLAB_BYTES / 4 / this.dimensions));
    return this.#turn(call, async () => {
      const out = floats(count * this.dimensions);
      for (let first = 0; first < count; first += step) {
        if (call.signal?.aborted) throw call.signal.reason;
        const end = Math.min(count, first + step);
        out.set(
          this.#core.decode(part(bytes, first * this.chunks, end * this.chunks)),
          first * this.dimensions,
        );
        call.onProgress?.({ phase: "decode", done: end, total: count });
        if (end < count) await nextTask();
      }
      return out;
    });
  }

  /**
   * The codes nearest to a query, nearest first, equal distances by place: an id is the place of a code in `codes`. The query itself
   * is not encoded (asymmetric distances), so only the codes lose precision. Compares with every code.
   */
  async search(codes: Uint8Array, query: Vector, options?: CodeSearchOptions): Promise<SearchHit[]> {
    const search = checkCodeSearch(options);
    const call = beginLongCall(options?.signal === undefined ? undefined : { signal: options.signal });
    const bytes = checkCodes(codes, this);
    const floats = queryFloats(query, this.dimensions).slice();
    return this.#turn(call, () => this.#searchSlabs(bytes, floats, search, call));
  }

  /** Encodes, decodes and compares: how far vectors are from what their codes stand for. */
  async error(vectors: VectorSource, options?: EncodeOptions): Promise<ReconstructionError> {
    const sums = { count: 0, error: 0, norm: 0 };
    await this.#eachSlab(vectors, options, async (rows, _first, threads, signal) => {
      const own = rows.slice();
      const codes = await this.#core.encode(own, { threads, signal });
      addErrors(sums, own, this.#core.decode(codes));
      sums.count += own.length / this.dimensions;
    });
    const { count, error, norm } = sums;
    return {
      count,
      meanSquaredError: count === 0 ? 0 : error / count,
      relative: error === 0 ? 0 : error / norm,
    };
  }

  /** The bytes of Microsoft's file of pivots (`*_pq_pivots.bin`), which `open` reads. */
  async toBytes(): Promise<Uint8Array> {
    return this.#turn(beginLongCall(undefined), async () => writePivots(this.#core.parts()));
  }

  /** The bytes of Microsoft's file of codes (`*_pq_compressed.bin`), which `ProductQuantizer.readCodes` reads. */
  codesToBytes(codes: Uint8Array): Uint8Array {
    return writeCodes(checkCodes(codes, this), this.chunks);
  }

  /** Frees all it holds. Calls that have started end first. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#queue.close().then(() => this.#core.close());
    return this.#closed;
  }

  /** `await using quantizer = ...` closes it at the end of the block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #searchSlabs(
    codes: Uint8Array,
    query: Float32Array,
    { k, metric, threads }: CheckedCodeSearch,
    call: LongCall,
  ): Promise<SearchHit[]> {
    const count = codes.length / this.chunks;
    const step = Math.max(1, Math.floor(CODE_SLAB_BYTES / this.chunks));
    const control = { signal: call.signal, threads: threads ?? this.#threads };
    let best: SearchHit[] = [];
    for (let first = 0; first < count || first === 0; first += step) {
      if (call.signal?.aborted) throw call.signal.reason;
      const end = Math.min(count, first + step);
      const slab = part(codes, first * this.chunks, end * this.chunks);
      const wanted = Math.max(1, Math.min(k, end - first));
      const hits = await this.#core.search(slab, query, metric, wanted, control).catch((error: unknown) => {
        throw shiftRow(error, first);
      });
      const found = hitsOfOne(hits);
      best = first === 0 ? found : nearest(best, found, first, k);
    }
    return best;
  }

  /** Rows of a call, slab by slab, in its turn. */
  async #eachSlab(
    vectors: VectorSource,
    options: EncodeOptions | undefined,
    work: (
      rows: Float32Array,
      first: number,
      threads: number | undefined,
      signal: LongCall["signal"],
    ) => Promise<void>,
  ): Promise<void> {
    checkOptions("options", options);
    const call = beginLongCall(options);
    const threads = checkThreads(options?.threads) ?? this.#threads;
    const rows = readFloats(vectors, this.dimensions, call.signal);
    await this.#turn(call, () =>
      readSlabs(rows, this.dimensions, call, (slab, first) =>
        work(slab, first, threads, call.signal).catch((error: unknown) => {
          throw shiftRow(error, first);
        }),
      ),
    ).finally(() => rows.close());
  }

  async #turn<T>(call: LongCall, body: () => Promise<T>): Promise<T> {
    await this.#queue.enter(false, call.signal);
    try {
      const result = await body();
      call.finish();
      return result;
    } catch (error) {
      throw call.errorOf(error);
    } finally {
      this.#queue.leave();
    }
  }
}

async function readSlabs(
  rows: RowReader<Float32Array>,
  dimensions: number,
  call: LongCall,
  work: OnSlab,
): Promise<void> {
  for (let first = 0; ; ) {
    if (call.signal?.aborted) throw call.signal.reason;
    const slab = await rows.next();
    if (slab.length === 0) return;
    await work(slab, first);
    first += slab.length / dimensions;
    call.onProgress?.({ phase: "encode", done: first, total: rows.total ?? first });
    if (first !== rows.total) await nextTask();
  }
}

/** A part of codes that are still there. */
function part(codes: Uint8Array, begin: number, end: number): Uint8Array {
  const piece = codes.subarray(begin, end);
  if (piece.length !== end - begin) throw invalid("codes was transferred or resized during the call");
  return piece;
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  if (pieces.length === 1) return pieces[0] as Uint8Array;
  const all = new Uint8Array(pieces.reduce((bytes, piece) => bytes + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

function floats(count: number): Float32Array {
  try {
    return new Float32Array(count);
  } catch (cause) {
    const text = `the decoded vectors take ${4 * count} bytes: decode fewer codes at a time`;
    throw new DiskAnnError("ERR_NO_MEMORY", text, { cause });
  }
}

/** The k nearest of two lists, of which the second's ids begin at `first`. */
function nearest(a: readonly SearchHit[], b: readonly SearchHit[], first: number, k: number): SearchHit[] {
  const moved = b.map(({ id, distance }) => ({ id: id + first, distance }));
  return [...a, ...moved].sort((x, y) => x.distance - y.distance || x.id - y.id).slice(0, k);
}

function addErrors(sums: { error: number; norm: number }, rows: Float32Array, decoded: Float32Array): void {
  let { error, norm } = sums;
  for (let i = 0; i < rows.length; i++) {
    const value = rows[i] as number;
    const difference = value - (decoded[i] as number);
    error += difference * difference;
    norm += value * value;
  }
  sums.error = error;
  sums.norm = norm;
}
