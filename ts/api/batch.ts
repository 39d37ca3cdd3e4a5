/** A batch of queries of any size, in slabs: bounded copies on the calling thread, bounded work between two aborts. */
import type { BackendIndex, Control } from "../backend/backend.js";
import { type CheckedSearch, describe, invalid } from "../core/checks.js";
import { SLAB_BYTES } from "../core/constants.js";
import { DiskAnnError } from "../core/errors.js";
import { nextTask } from "../core/task.js";
import type { SearchBatch, Vector } from "../core/types.js";
import { copyVector, isFloats, isTypedRows, rowsOf } from "../core/vectors.js";
import { Batch, countersOf } from "./results.js";

/** Queries, a slab at a time. */
export interface QueryReader {
  readonly count: number;
  /** Queries per slab. */
  readonly step: number;
  take(first: number, count: number): Float32Array;
}

/** Hits that a backend is asked for at a time. */
const SLAB_HITS = 1 << 20;

/** Throws unless `queries` holds vectors. One slab or less is copied now. */
export function readQueries(
  queries: Float32Array | Int8Array | Uint8Array | readonly Vector[],
  dimensions: number,
  k: number,
): QueryReader {
  const step = Math.max(1, Math.min(Math.floor(SLAB_BYTES / 4 / dimensions), Math.floor(SLAB_HITS / k)));
  const reader = isTypedRows(queries) ? flatQueries(queries, dimensions) : listedQueries(queries, dimensions);
  if (reader.count > step) return { ...reader, step };
  const snapshot = reader.take(0, reader.count);
  return { count: reader.count, step, take: () => snapshot };
}

function flatQueries(
  flat: Float32Array | Int8Array | Uint8Array,
  dimensions: number,
): Omit<QueryReader, "step"> {
  const { length } = flat;
  return {
    count: rowsOf(flat, dimensions, "queries"),
    take: (first, count) => {
      if (flat.length !== length) throw invalid("queries was transferred or resized during the call");
      const piece = flat.subarray(first * dimensions, (first + count) * dimensions);
      return isFloats(piece) ? piece.slice() : new Float32Array(piece);
    },
  };
}

function listedQueries(list: readonly Vector[], dimensions: number): Omit<QueryReader, "step"> {
  if (!Array.isArray(list)) {
    throw invalid(
      `queries must be a Float32Array, Int8Array or Uint8Array of rows, or an array of vectors, got ${describe(list)}`,
    );
  }
  if (typeof list[0] === "number") {
    throw invalid(
      "queries holds numbers where vectors are expected: use search() for one query, or wrap it as [query]",
    );
  }
  return {
    count: list.length,
    take: (first, count) => {
      const slab = new Float32Array(count * dimensions);
      for (let i = 0; i < count; i++)
        copyVector(list[first + i], first + i, dimensions, slab, i * dimensions);
      return slab;
    },
  };
}

interface Columns {
  readonly ids: Float64Array;
  readonly distances: Float32Array;
}

function allocate(count: number, k: number): Columns {
  try {
    return { ids: new Float64Array(count * k), distances: new Float32Array(count * k) };
  } catch (cause) {
    const bytes = count * k * 12;
    throw new DiskAnnError(
      "ERR_NO_MEMORY",
      `the answer to ${count} queries with k ${k} takes ${bytes} bytes: ask for fewer at a time`,
      { cause },
    );
  }
}

/** The same error about the row of the whole batch. */
export function shiftRow(error: unknown, first: number): unknown {
  if (!(error instanceof DiskAnnError) || error.row === undefined || first === 0) return error;
  const row = error.row + first;
  const text = error.message.replace(`row ${error.row}`, `row ${row}`);
  const moved = new DiskAnnError(error.code, text, { cause: error });
  moved.row = row;
  if (error.page !== undefined) moved.page = error.page;
  return moved;
}

/** Searches slab after slab, in the turn of the call. */
export async function searchQueries(
  core: BackendIndex,
  queries: QueryReader,
  search: CheckedSearch,
  control: Control,
): Promise<SearchBatch> {
  const { count, step } = queries;
  const { k } = search;
  const { ids, distances } = allocate(count > step ? count : 0, k);
  let counters = countersOf({});
  for (let first = 0; first < count; first += step) {
    if (control.signal?.aborted) throw control.signal.reason;
    if (first > 0) await nextTask();
    const rows = Math.min(step, count - first);
    const hits = await core
      .searchBatch(queries.take(first, rows), search, control)
      .catch((error: unknown) => {
        throw shiftRow(error, first);
      });
    counters = countersOf(hits, counters);
    if (rows === count) return new Batch(count, k, hits.ids, hits.distances, counters);
    ids.set(hits.ids, first * k);
    distances.set(hits.distances, first * k);
  }
  return new Batch(count, k, ids, distances, counters);
}
