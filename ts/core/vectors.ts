/**
 * Vectors as users give them, turned into rows of floats or of the index's own bytes. Whether their numbers are ones that the
 * index can store is checked by the core, on the copy.
 */
import { describe, invalid } from "./checks.js";
import { DATA_TYPES } from "./constants.js";
import { DiskAnnError } from "./errors.js";
import type { DataType, Vector } from "./types.js";

export type TypedRows = Float32Array | Int8Array | Uint8Array;

/** Typed arrays by brand, not by class: they may come from another realm (a frame, a test runner's sandbox). */
export function isTypedRows(value: unknown): value is TypedRows {
  if (value instanceof Float32Array) return true;
  if (!ArrayBuffer.isView(value)) return false;
  const brand = (value as { [Symbol.toStringTag]?: string })[Symbol.toStringTag];
  return brand === "Float32Array" || brand === "Uint8Array" || brand === "Int8Array";
}

export function isFloats(value: TypedRows): value is Float32Array {
  return value instanceof Float32Array || value[Symbol.toStringTag] === ("Float32Array" as string);
}

/** The number of `DATA_TYPES` that the elements of these rows are of. */
export function dataTypeOf(rows: TypedRows): number {
  if (isFloats(rows)) return DATA_TYPES.indexOf("f32");
  return DATA_TYPES.indexOf(rows[Symbol.toStringTag] === "Int8Array" ? "i8" : "u8");
}

/** A piece of rows as it goes to an index: itself where its elements are floats or of the index's type, else a copy. */
export function storable(piece: TypedRows, dataType: DataType): TypedRows {
  const own = isFloats(piece) || DATA_TYPES[dataTypeOf(piece)] === dataType;
  return own ? piece : new Float32Array(piece);
}

/** Other typed arrays: what to write instead. */
function refuse(value: unknown, what: string): DiskAnnError {
  if (ArrayBuffer.isView(value)) {
    return invalid(
      `${what} is ${describe(value)}: pass a Float32Array, Int8Array, Uint8Array or an array of numbers, e.g. Float32Array.from(values, Number)`,
    );
  }
  return invalid(`${what} must be a typed array or an array of numbers, got ${describe(value)}`);
}

function mismatch(what: string, length: number, dimensions: number): DiskAnnError {
  return new DiskAnnError(
    "ERR_DIMENSION_MISMATCH",
    `${what} has ${length} numbers where there are ${dimensions} dimensions`,
  );
}

/** Copies one vector to `into[at ..]`. `row` < 0: a query. */
export function copyVector(
  vector: unknown,
  row: number,
  dimensions: number,
  into: Float32Array,
  at: number,
): void {
  if (isTypedRows(vector)) {
    if (vector.length !== dimensions) throw withRow(mismatch(rowName(row), vector.length, dimensions), row);
    into.set(vector, at);
    return;
  }
  if (!Array.isArray(vector)) throw withRow(refuse(vector, rowName(row)), row);
  if (vector.length !== dimensions) throw withRow(mismatch(rowName(row), vector.length, dimensions), row);
  for (let i = 0; i < dimensions; i++) {
    const value: unknown = vector[i];
    if (typeof value !== "number") {
      throw withRow(invalid(`${rowName(row)}, component ${i} must be a number, got ${describe(value)}`), row);
    }
    into[at + i] = value;
  }
}

function rowName(row: number): string {
  return row < 0 ? "the query" : `row ${row}`;
}

function withRow(error: DiskAnnError, row: number): DiskAnnError {
  if (row >= 0) error.row = row;
  return error;
}

/** A query as floats: the array itself if it is one, else a copy. */
export function queryFloats(query: Vector, dimensions: number): Float32Array {
  if (query instanceof Float32Array) {
    if (query.length !== dimensions) throw mismatch("the query", query.length, dimensions);
    return query;
  }
  const floats = new Float32Array(dimensions);
  copyVector(query, -1, dimensions, floats, 0);
  return floats;
}

/** Rows in a flat array. */
export function rowsOf(flat: TypedRows, dimensions: number, name: string): number {
  if (flat.length % dimensions !== 0) {
    throw new DiskAnnError(
      "ERR_DIMENSION_MISMATCH",
      `${name} has ${flat.length} numbers, which is not a multiple of the ${dimensions} dimensions`,
    );
  }
  return flat.length / dimensions;
}
