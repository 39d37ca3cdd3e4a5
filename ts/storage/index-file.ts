/**
 * The file of an index, read by those who write other formats: it is the bytes of `save` or `toBytes` of an index that is open, so
 * that what it says is believed (csrc/FORMAT.md).
 */
import { checkSuperblock, SUPERBLOCK_BYTES } from "./check-file.js";

const PAGE_HEADER_BYTES = 16;
const CENTROIDS = 256;
const CODES_PQ = 4;
const F16 = 1;
const SQ8 = 4;
const SQ8_HEAD_BYTES = 16;
/** By `data_type`. */
const ELEMENT_BYTES = [4, 2, 1, 1, 1] as const;

export interface IndexFile {
  readonly size: number;
  readonly dimensions: number;
  readonly metric: number;
  readonly entry: number;
  /** By slot, as all that follows. */
  readonly ids: Float64Array;
  /** Floats of what is stored as such or was made of floats, else bytes. */
  readonly vectors: Float32Array | Int8Array | Uint8Array;
  readonly degrees: Uint32Array;
  readonly neighbours: Uint32Array;
  readonly pq: IndexPq | undefined;
}

/** Codes by product quantisation, whose chunks are of even width, the first ones one wider. */
export interface IndexPq {
  readonly codeBytes: number;
  /** Chunk after chunk: 256 centroids. */
  readonly centroids: Float32Array;
  readonly centre: Float32Array;
  readonly codes: Uint8Array;
}

interface Layout {
  readonly dataType: number;
  readonly dimensions: number;
  readonly size: number;
  readonly pages: number;
  readonly pageBytes: number;
  /** Where page 0 lies. */
  readonly pagesAt: number;
  readonly recordsPerPage: number;
  readonly recordBytes: number;
}

function floatOfHalf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 31;
  const fraction = half & 1023;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
}

/** A vector of floats into its row. */
function readFloats(view: DataView, at: number, { dataType, dimensions }: Layout, row: Float32Array): void {
  const least = dataType === SQ8 ? view.getFloat32(at, true) : 0;
  const step = dataType === SQ8 ? view.getFloat32(at + 4, true) : 0;
  for (let i = 0; i < dimensions; i++) {
    if (dataType === F16) row[i] = floatOfHalf(view.getUint16(at + 2 * i, true));
    else if (dataType === SQ8) row[i] = least + Math.fround(step * view.getUint8(at + SQ8_HEAD_BYTES + i));
    else row[i] = view.getFloat32(at + 4 * i, true);
  }
}

function emptyRows({ dataType, size, dimensions }: Layout): IndexFile["vectors"] {
  const count = size * dimensions;
  return dataType === 2
    ? new Int8Array(count)
    : dataType === 3
      ? new Uint8Array(count)
      : new Float32Array(count);
}

type Records = Pick<IndexFile, "ids" | "vectors" | "degrees" | "neighbours">;

function readRecords(bytes: Uint8Array, view: DataView, layout: Layout): Records {
  const { dataType, dimensions, size, pageBytes, pagesAt, recordsPerPage, recordBytes } = layout;
  const used = dimensions * (ELEMENT_BYTES[dataType] as number) + (dataType === SQ8 ? SQ8_HEAD_BYTES : 0);
  const idAt = Math.ceil(used / 8) * 8;
  const ids = new Float64Array(size);
  const degrees = new Uint32Array(size);
  const vectors = emptyRows(layout);
  const lists: Uint32Array[] = [];
  for (let slot = 0; slot < size; slot++) {
    const page = pagesAt + Math.floor(slot / recordsPerPage) * pageBytes;
    const at = page + PAGE_HEADER_BYTES + (slot % recordsPerPage) * recordBytes;
    const degree = view.getUint16(at + idAt + 12, true);
    const list = new Uint32Array(degree);
    for (let i = 0; i < degree; i++) list[i] = view.getUint32(at + idAt + 16 + 4 * i, true);
    lists.push(list);
    degrees[slot] = degree;
    ids[slot] = Number(view.getBigUint64(at + idAt, true));
    const row = vectors.subarray(slot * dimensions, (slot + 1) * dimensions);
    if (row instanceof Float32Array) readFloats(view, at, layout, row);
    else row.set(new Int8Array(bytes.buffer, bytes.byteOffset + at, dimensions));
  }
  const neighbours = new Uint32Array(degrees.reduce((sum, degree) => sum + degree, 0));
  let edges = 0;
  for (const list of lists) {
    neighbours.set(list, edges);
    edges += list.length;
  }
  return { ids, vectors, degrees, neighbours };
}

/** The stream behind the headers of pages of codes. */
function readPq(bytes: Uint8Array, codeBytes: number, layout: Layout): IndexPq {
  const { dimensions, size, pages, pageBytes, pagesAt } = layout;
  const payload = pageBytes - PAGE_HEADER_BYTES;
  const floats = (CENTROIDS + 1) * dimensions;
  const stream = new Uint8Array(4 * floats + size * codeBytes);
  for (let at = 0, page = pages; at < stream.length; at += payload, page++) {
    const from = pagesAt + page * pageBytes + PAGE_HEADER_BYTES;
    stream.set(bytes.subarray(from, from + Math.min(payload, stream.length - at)), at);
  }
  return {
    codeBytes,
    centroids: new Float32Array(stream.buffer, 0, CENTROIDS * dimensions),
    centre: new Float32Array(stream.buffer, 4 * CENTROIDS * dimensions, dimensions),
    codes: stream.subarray(4 * floats),
  };
}

export function readIndexFile(bytes: Uint8Array): IndexFile {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { pageBytes, navigatorPages, nodePages } = checkSuperblock(
    bytes.subarray(0, SUPERBLOCK_BYTES),
    bytes.length,
  );
  const layout = {
    dataType: view.getUint32(84, true),
    dimensions: view.getUint32(76, true),
    size: Number(view.getBigUint64(40, true)),
    pages: nodePages,
    pageBytes,
    pagesAt: SUPERBLOCK_BYTES + navigatorPages * pageBytes,
    recordsPerPage: view.getUint32(68, true),
    recordBytes: view.getUint32(72, true),
  };
  const { size, dimensions } = layout;
  const codeBytes = view.getUint32(108, true) === CODES_PQ && size > 0 ? view.getUint32(112, true) : 0;
  return {
    ...{
      size,
      dimensions,
      metric: view.getUint32(80, true),
      entry: size > 0 ? view.getUint32(104, true) : 0,
    },
    ...readRecords(bytes, view, layout),
    pq: codeBytes > 0 ? readPq(bytes, codeBytes, layout) : undefined,
  };
}
