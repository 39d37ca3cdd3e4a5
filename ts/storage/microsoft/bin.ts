/**
 * Microsoft's plainest file: `i32 rows, i32 columns`, then the elements row by row. Vectors, tags, numbers of deleted points and norms
 * are such. All numbers are little-endian; sizes are held against the length before anything is made of them.
 */
import { DiskAnnError } from "../../core/errors.js";

export const BIN_HEADER_BYTES = 8;

export type Elements = Float32Array | Int8Array | Uint8Array | Uint32Array;
export type ElementName = "f32" | "i8" | "u8" | "u32";

const ARRAYS = { f32: Float32Array, i8: Int8Array, u8: Uint8Array, u32: Uint32Array } as const;

export function corrupt(what: string): DiskAnnError {
  return new DiskAnnError("ERR_CORRUPT", what);
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A number of 64 bits that must be one of ours. */
export function readU64(view: DataView, at: number, what: string): number {
  const value = Number(view.getBigUint64(at, true));
  if (!Number.isSafeInteger(value)) throw corrupt(`${what} is ${value}, which cannot be`);
  return value;
}

/** Elements that begin anywhere, copied. The machine is little-endian, as WebAssembly is. */
export function copyElements<Name extends ElementName>(
  bytes: Uint8Array,
  name: Name,
  at: number,
  count: number,
): InstanceType<(typeof ARRAYS)[Name]> {
  const width = ARRAYS[name].BYTES_PER_ELEMENT;
  const copy = new Uint8Array(count * width); // not slice(), which is another thing of a Buffer
  copy.set(bytes.subarray(at, at + count * width));
  return new ARRAYS[name](copy.buffer) as InstanceType<(typeof ARRAYS)[Name]>;
}

export function bytesOf(elements: Elements): Uint8Array {
  return new Uint8Array(elements.buffer, elements.byteOffset, elements.byteLength);
}

export interface Bin<Name extends ElementName> {
  readonly rows: number;
  readonly columns: number;
  readonly elements: InstanceType<(typeof ARRAYS)[Name]>;
}

/** Rows and columns, where elements of `width` bytes fill the file exactly. `what`: the file, for messages. */
export function readShape(bytes: Uint8Array, width: number, what: string): { rows: number; columns: number } {
  if (bytes.length < BIN_HEADER_BYTES)
    throw corrupt(`${what}: ${bytes.length} bytes are too few for a header of 8`);
  const rows = viewOf(bytes).getUint32(0, true);
  const columns = viewOf(bytes).getUint32(4, true);
  const wanted = BIN_HEADER_BYTES + rows * columns * width;
  if (bytes.length !== wanted)
    throw corrupt(`${what}: ${rows} x ${columns} elements make ${wanted} bytes, but it has ${bytes.length}`);
  return { rows, columns };
}

export function readBin<Name extends ElementName>(bytes: Uint8Array, name: Name, what: string): Bin<Name> {
  const { rows, columns } = readShape(bytes, ARRAYS[name].BYTES_PER_ELEMENT, what);
  return { rows, columns, elements: copyElements(bytes, name, BIN_HEADER_BYTES, rows * columns) };
}

export function writeBin(rows: number, columns: number, elements: Elements): Uint8Array {
  const bytes = new Uint8Array(BIN_HEADER_BYTES + elements.byteLength);
  viewOf(bytes).setUint32(0, rows, true);
  viewOf(bytes).setUint32(4, columns, true);
  bytes.set(bytesOf(elements), BIN_HEADER_BYTES);
  return bytes;
}

/** Tags: one number of 4 or 8 bytes for each of `rows` points; the length tells which. */
export function readTags(bytes: Uint8Array, rows: number): { tags: Float64Array; width: 4 | 8 } {
  const width = bytes.length === BIN_HEADER_BYTES + 8 * rows ? 8 : 4;
  const shape = readShape(bytes, width, "the tags");
  if (shape.rows !== rows || shape.columns !== 1)
    throw corrupt(`the tags are ${shape.rows} x ${shape.columns}, the graph has ${rows} points`);
  const view = viewOf(bytes);
  const tags = new Float64Array(rows);
  for (let i = 0; i < rows; i++) {
    const at = BIN_HEADER_BYTES + i * width;
    tags[i] = width === 4 ? view.getUint32(at, true) : readU64(view, at, `tag ${i}`);
  }
  return { tags, width };
}

export function writeTags(tags: ArrayLike<number>, width: 4 | 8): Uint8Array {
  const bytes = new Uint8Array(BIN_HEADER_BYTES + tags.length * width);
  const view = viewOf(bytes);
  view.setUint32(0, tags.length, true);
  view.setUint32(4, 1, true);
  for (let i = 0; i < tags.length; i++) {
    const at = BIN_HEADER_BYTES + i * width;
    if (width === 4) view.setUint32(at, tags[i] as number, true);
    else view.setBigUint64(at, BigInt(tags[i] as number), true);
  }
  return bytes;
}
