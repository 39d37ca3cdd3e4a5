/**
 * Any VectorSource as slabs of rows, floats or bytes of the index's own type, with the ids that go with them.
 *
 * Input of one slab or less is copied when the call is made; more is copied slab by slab when it is the call's turn,
 * with a turn of the event loop between. Sequences are read in the call's turn: an asynchronous one holds later calls on
 * the index until it ends.
 */
import { checkId, describe, invalid } from "../core/checks.js";
import { SLAB_BYTES } from "../core/constants.js";
import { DiskAnnError } from "../core/errors.js";
import type { AbortSignalLike, DataType, VectorSource } from "../core/types.js";
import { copyVector, isTypedRows, rowsOf, storable, type TypedRows } from "../core/vectors.js";

/** Takes rows from a source until a slab is empty. */
export interface RowReader<Rows extends TypedRows = TypedRows> {
  /** Rows in all, where that is known. */
  readonly total: number | undefined;
  /** The next rows: a view that is good until the next call. */
  next(): Rows | Promise<Rows>;
  /** Ends it early. */
  close(): void;
}

/** As floats, which they may become on their way. */
function rowsPerSlab(dimensions: number): number {
  return Math.max(1, Math.floor(SLAB_BYTES / 4 / dimensions));
}

/** Rows of a flat typed array: floats, and bytes of the index's type, go on without a copy. */
function flatReader(flat: TypedRows, dimensions: number, dataType: DataType): RowReader {
  const { length } = flat;
  const step = rowsPerSlab(dimensions) * dimensions;
  let at = 0;
  return {
    total: length / dimensions,
    next: () => {
      if (flat.length !== length) throw invalid("vectors was transferred or resized during the call");
      const piece = flat.subarray(at, Math.min(at + step, length));
      at += piece.length;
      return storable(piece, dataType);
    },
    close: () => {},
  };
}

/** Copies vectors that `pull` yields into one slab after another. */
function slabReader(
  pull: (row: number) => unknown,
  dimensions: number,
  total: number | undefined,
): RowReader {
  const rows = total === undefined ? rowsPerSlab(dimensions) : Math.min(total, rowsPerSlab(dimensions));
  const slab = new Float32Array(rows * dimensions);
  let row = 0;
  return {
    total,
    next: () => {
      let filled = 0;
      while (filled < rows) {
        const vector = pull(row);
        if (vector === END) break;
        copyVector(vector, row, dimensions, slab, filled * dimensions);
        filled++;
        row++;
      }
      return slab.subarray(0, filled * dimensions);
    },
    close: () => {},
  };
}

const END = Symbol("end");

function arrayReader(vectors: readonly unknown[], dimensions: number): RowReader {
  const { length } = vectors;
  return slabReader((row) => (row < length ? vectors[row] : END), dimensions, length);
}

function iterableReader(vectors: Iterable<unknown>, dimensions: number): RowReader {
  const iterator = vectors[Symbol.iterator]();
  let ended = false;
  const pull = (): unknown => {
    if (ended) return END;
    const step = guarded(() => iterator.next());
    ended = step.done === true;
    return ended ? END : step.value;
  };
  const guarded = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      ended = true;
      throw error;
    }
  };
  const close = (): void => {
    if (ended) return;
    ended = true;
    iterator.return?.();
  };
  return { ...slabReader(pull, dimensions, undefined), close };
}

/** Resolves with `work`, or rejects with the reason of the signal if that comes first. */
function orAborted<T>(work: Promise<T>, signal: AbortSignalLike | undefined): Promise<T> {
  if (!signal) return work;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    const forget = (): void => signal.removeEventListener("abort", onAbort);
    signal.addEventListener("abort", onAbort);
    work.then(resolve, reject).then(forget, forget);
  });
}

function asyncReader(
  vectors: AsyncIterable<unknown>,
  dimensions: number,
  signal: AbortSignalLike | undefined,
): RowReader {
  const iterator = vectors[Symbol.asyncIterator]();
  const rows = rowsPerSlab(dimensions);
  const slab = new Float32Array(rows * dimensions);
  let row = 0;
  let ended = false;
  const fill = async (): Promise<Float32Array> => {
    let filled = 0;
    while (filled < rows && !ended) {
      const step = await orAborted(Promise.resolve(iterator.next()), signal).catch((error: unknown) => {
        ended = !signal?.aborted;
        throw error;
      });
      if (step.done === true) {
        ended = true;
        break;
      }
      copyVector(step.value, row, dimensions, slab, filled * dimensions);
      filled++;
      row++;
    }
    return slab.subarray(0, filled * dimensions);
  };
  const close = (): void => {
    if (ended) return;
    ended = true;
    // A generator that waits for ever never answers: nobody waits for it.
    Promise.resolve(iterator.return?.()).catch(() => {});
  };
  return { total: undefined, next: fill, close };
}

/** Throws unless `vectors` is a VectorSource. `signal` frees a call that waits for an asynchronous sequence. */
export function readRows(
  vectors: VectorSource,
  dimensions: number,
  dataType: DataType,
  signal: AbortSignalLike | undefined,
): RowReader {
  if (isTypedRows(vectors)) {
    rowsOf(vectors, dimensions, "vectors");
    const small = vectors.byteLength <= SLAB_BYTES;
    return flatReader(small ? vectors.slice() : vectors, dimensions, dataType);
  }
  if (Array.isArray(vectors)) return arraySnapshot(vectors, dimensions);
  const source = vectors as Partial<Iterable<unknown> & AsyncIterable<unknown>> | null | undefined;
  if (typeof source === "object" && source !== null && !ArrayBuffer.isView(source)) {
    if (typeof source[Symbol.asyncIterator] === "function") {
      return asyncReader(source as AsyncIterable<unknown>, dimensions, signal);
    }
    if (typeof source[Symbol.iterator] === "function") {
      return iterableReader(source as Iterable<unknown>, dimensions);
    }
  }
  throw invalid(
    `vectors must be a Float32Array, Int8Array or Uint8Array of rows, or a sequence of vectors, got ${describe(vectors)}`,
  );
}

/** The same rows as floats, whatever they come as. */
export function readFloats(
  vectors: VectorSource,
  dimensions: number,
  signal: AbortSignalLike | undefined,
): RowReader<Float32Array> {
  return readRows(vectors, dimensions, "f32", signal) as RowReader<Float32Array>;
}

function arraySnapshot(vectors: readonly unknown[], dimensions: number): RowReader {
  if (typeof vectors[0] === "number") {
    throw invalid(
      "vectors holds numbers where vectors are expected: wrap one vector as [vector], or pass rows as a Float32Array",
    );
  }
  const reader = arrayReader(vectors, dimensions);
  if (vectors.length > rowsPerSlab(dimensions)) return reader;
  const rows = reader.next() as TypedRows;
  return flatReader(rows, dimensions, "f32");
}

/** The ids of the rows as they are needed, checked; undefined when the core assigns them. */
export interface IdReader {
  /** Ids of rows [first, first + count). */
  take(first: number, count: number): Float64Array;
  /** Throws unless there are as many ids as rows. */
  checkCount(rows: number): void;
}

export function readIds(ids: ArrayLike<number> | undefined, rows: number | undefined): IdReader | undefined {
  if (ids === undefined) return undefined;
  if (typeof ids !== "object" || ids === null || !Number.isSafeInteger(ids.length)) {
    throw invalid(`ids must be an array of numbers, one per row, got ${describe(ids)}`);
  }
  const { length } = ids;
  const checkCount = (count: number): void => {
    if (count !== length) {
      throw new DiskAnnError(
        "ERR_INVALID_ARGUMENT",
        `ids has ${length} entries for ${count} rows: give one per row`,
      );
    }
  };
  if (rows !== undefined) checkCount(rows);
  const copy = (first: number, count: number): Float64Array => {
    const taken = new Float64Array(count);
    for (let i = 0; i < count; i++) taken[i] = checkId(ids[first + i], `ids[${first + i}]`);
    return taken;
  };
  if (length * 8 <= SLAB_BYTES) {
    const snapshot = copy(0, length);
    return {
      checkCount,
      take: (first, count) => within(first + count, length, snapshot.subarray(first, first + count)),
    };
  }
  return {
    checkCount,
    take: (first, count) => within(first + count, length, copy(first, Math.min(count, length - first))),
  };
}

function within(end: number, length: number, ids: Float64Array): Float64Array {
  if (end > length) {
    throw invalid(`ids has ${length} entries for at least ${end} rows: give one per row`);
  }
  return ids;
}
