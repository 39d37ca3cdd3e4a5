/**
 * Microsoft's files of product quantisers, read and written in memory. All numbers are little-endian.
 *
 *     pivots        0  i32 4, i32 1, u64 offset[4]: of the three parts and of the end; zeros up to the first
 *                      i32 centroids, i32 dimensions, f32 [centroids][dimensions]
 *                      i32 dimensions, i32 1, f32 [dimensions]: what is subtracted before encoding
 *                      i32 chunks + 1, i32 1, u32 [chunks + 1]: where chunks begin, and the last one's end
 *     compressed    i32 rows, i32 chunks, u8 [rows][chunks]
 *
 * An older kind of pivots has five offsets, of which the third is of a part that nobody needs. Sizes in a file are held against
 * its length before anything is allocated.
 */
import { DiskAnnError } from "../core/errors.js";

/** The parts of a quantiser; see `diskann_pq_create`. */
export interface PivotFile {
  readonly dimensions: number;
  readonly chunks: number;
  readonly centroids: number;
  readonly offsets: Uint32Array;
  readonly pivots: Float32Array;
  readonly centre: Float32Array;
}

export interface CodeFile {
  readonly count: number;
  readonly chunks: number;
  /** A view of the bytes that were read. */
  readonly codes: Uint8Array;
}

const METADATA_BYTES = 4096;
const PART_HEADER_BYTES = 8;
const CENTROIDS_MAX = 256;
const DIMENSIONS_MAX = 65535;

/** No file of pivots is longer; the old kind may hold one more number for each dimension. */
export const PIVOT_BYTES_MAX =
  METADATA_BYTES + 4 * PART_HEADER_BYTES + 4 * (CENTROIDS_MAX * DIMENSIONS_MAX + 3 * (DIMENSIONS_MAX + 1));

function corrupt(what: string): DiskAnnError {
  return new DiskAnnError("ERR_CORRUPT", what);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

interface Part {
  readonly rows: number;
  readonly columns: number;
  /** 4-byte elements, copied. */
  readonly elements: Uint32Array;
}

/** A part between two offsets, which its header must fill exactly. */
function readPart(bytes: Uint8Array, name: string, begin: number, end: number): Part {
  const view = viewOf(bytes);
  const rows = view.getInt32(begin, true);
  const columns = view.getInt32(begin + 4, true);
  const room = (end - begin - PART_HEADER_BYTES) / 4;
  if (rows < 1 || columns < 1 || rows * columns !== room)
    throw corrupt(`the ${name} say they are ${rows} x ${columns}, but there is room for ${room} numbers`);
  const elements = new Uint32Array(room);
  for (let i = 0; i < room; i++) elements[i] = view.getUint32(begin + PART_HEADER_BYTES + 4 * i, true);
  return { rows, columns, elements };
}

/** Beginnings of the three parts that count, and where each ends. */
function readLayout(bytes: Uint8Array): [number, number][] {
  const { length } = bytes;
  if (length < METADATA_BYTES) throw corrupt(`${length} bytes are no file of pivots: they begin with 4096`);
  const view = viewOf(bytes);
  const count = view.getInt32(0, true);
  if ((count !== 4 && count !== 5) || view.getInt32(4, true) !== 1)
    throw corrupt(
      `a file of pivots begins with 4 (or 5) and 1, this one with ${count} and ${view.getInt32(4, true)}`,
    );
  const offsets = Array.from({ length: count }, (_, i) => Number(view.getBigUint64(8 + 8 * i, true)));
  let last = METADATA_BYTES - PART_HEADER_BYTES;
  for (const offset of offsets) {
    if (!(offset >= last + PART_HEADER_BYTES && offset <= length))
      throw corrupt(
        `the parts of the pivots begin at ${offsets.join(", ")} in ${length} bytes, which cannot be`,
      );
    last = offset;
  }
  if (last !== length) throw corrupt(`the pivots end at byte ${last}, the file at ${length}`);
  const ranges = offsets.slice(1).map((end, i): [number, number] => [offsets[i] as number, end]);
  // The third of four parts is what only the old kind has.
  return ranges.length === 4
    ? [ranges[0], ranges[1], ranges[3]].map((range) => range as [number, number])
    : ranges;
}

function checkFinite(elements: Float32Array, what: string): void {
  const at = elements.findIndex((value) => !Number.isFinite(value));
  if (at >= 0) throw corrupt(`${what} are not finite: number ${at} is ${elements[at]}`);
}

function checkOffsets(offsets: Uint32Array, dimensions: number): void {
  const last = offsets.length - 1;
  const ascending = offsets.every((offset, i) => i === 0 || offset > (offsets[i - 1] as number));
  if (offsets[0] !== 0 || offsets[last] !== dimensions || !ascending)
    throw corrupt(
      `the chunks do not divide the ${dimensions} dimensions: one is empty, or some are left out`,
    );
}

/** Every number of the file is checked: `ERR_CORRUPT` says what is wrong. */
export function readPivots(bytes: Uint8Array): PivotFile {
  const [pivotRange, centreRange, offsetRange] = readLayout(bytes) as [
    [number, number],
    [number, number],
    [number, number],
  ];
  const table = readPart(bytes, "pivots", ...pivotRange);
  const mean = readPart(bytes, "numbers of the centre", ...centreRange);
  const cuts = readPart(bytes, "offsets of the chunks", ...offsetRange);
  const { rows: centroids, columns: dimensions } = table;
  if (centroids > CENTROIDS_MAX || dimensions > DIMENSIONS_MAX)
    throw corrupt(`the pivots are ${centroids} x ${dimensions}: at most 256 x 65535 are possible`);
  if (mean.rows !== dimensions || mean.columns !== 1)
    throw corrupt(`the centre is ${mean.rows} x ${mean.columns}, the pivots have ${dimensions} dimensions`);
  if (cuts.columns !== 1 || cuts.rows < 2 || cuts.rows > dimensions + 1)
    throw corrupt(`${cuts.rows} x ${cuts.columns} offsets cannot cut ${dimensions} dimensions into chunks`);
  const pivots = new Float32Array(table.elements.buffer);
  const centre = new Float32Array(mean.elements.buffer);
  checkFinite(pivots, "the pivots");
  checkFinite(centre, "the numbers of the centre");
  checkOffsets(cuts.elements, dimensions);
  return { dimensions, chunks: cuts.rows - 1, centroids, offsets: cuts.elements, pivots, centre };
}

function writePart(
  bytes: Uint8Array,
  at: number,
  rows: number,
  columns: number,
  elements: Float32Array | Uint32Array,
): number {
  const view = viewOf(bytes);
  const words = new Uint32Array(elements.buffer, elements.byteOffset, elements.length);
  view.setInt32(at, rows, true);
  view.setInt32(at + 4, columns, true);
  for (let i = 0; i < words.length; i++)
    view.setUint32(at + PART_HEADER_BYTES + 4 * i, words[i] as number, true);
  return at + PART_HEADER_BYTES + 4 * words.length;
}

/** The bytes of a file of pivots. */
export function writePivots(parts: PivotFile): Uint8Array {
  const { dimensions, chunks, centroids, offsets, pivots, centre } = parts;
  const numbers = pivots.length + centre.length + offsets.length;
  const bytes = new Uint8Array(METADATA_BYTES + 3 * PART_HEADER_BYTES + 4 * numbers);
  const centreAt = writePart(bytes, METADATA_BYTES, centroids, dimensions, pivots);
  const offsetsAt = writePart(bytes, centreAt, dimensions, 1, centre);
  const end = writePart(bytes, offsetsAt, chunks + 1, 1, offsets);
  const view = viewOf(bytes);
  view.setInt32(0, 4, true);
  view.setInt32(4, 1, true);
  [METADATA_BYTES, centreAt, offsetsAt, end].forEach((offset, i) => {
    view.setBigUint64(8 + 8 * i, BigInt(offset), true);
  });
  return bytes;
}

const CODE_HEADER_BYTES = 8;

/** Rows and chunks of a file of codes, from its first 8 bytes and its length. */
export function readCodeHeader(head: Uint8Array, length: number): { count: number; chunks: number } {
  if (head.length < CODE_HEADER_BYTES)
    throw corrupt(`${length} bytes are no file of codes: its header has 8`);
  const view = viewOf(head);
  const count = view.getUint32(0, true);
  const chunks = view.getUint32(4, true);
  if (chunks < 1 || chunks > DIMENSIONS_MAX)
    throw corrupt(`codes of ${chunks} bytes cannot be: 1 to 65535 are possible`);
  if (length !== CODE_HEADER_BYTES + count * chunks)
    throw corrupt(
      `${count} codes of ${chunks} bytes make a file of ${CODE_HEADER_BYTES + count * chunks}, but it has ${length}`,
    );
  return { count, chunks };
}

export function readCodes(bytes: Uint8Array): CodeFile {
  const { count, chunks } = readCodeHeader(bytes, bytes.length);
  return { count, chunks, codes: bytes.subarray(CODE_HEADER_BYTES) };
}

/** The header of a file of codes; the codes follow. */
export function codeHeader(count: number, chunks: number): Uint8Array {
  const bytes = new Uint8Array(CODE_HEADER_BYTES);
  viewOf(bytes).setUint32(0, count, true);
  viewOf(bytes).setUint32(4, chunks, true);
  return bytes;
}

/** The bytes of a file of codes. */
export function writeCodes(codes: Uint8Array, chunks: number): Uint8Array {
  const bytes = new Uint8Array(CODE_HEADER_BYTES + codes.length);
  bytes.set(codeHeader(codes.length / chunks, chunks));
  bytes.set(codes, CODE_HEADER_BYTES);
  return bytes;
}
