/**
 * A disk index of Microsoft's (`<prefix>_disk.index`), read and written whole. `csrc/store/microsoft.c` reads the same where it lies.
 *
 *     C++      0   i32 9 (12 with vectors for reordering, which are not read here), i32 1, then u64:
 *              8   points  dimensions  medoid  bytes of a node  nodes in a block (0: a node fills blocks)  frozen points
 *              56  where they are  whether there are vectors for reordering  bytes of the file
 *     Rust     0   i32 96, i32 1, the same, then u64 bytes of data beside a node, u64 bytes of a block, u32 1, u32 0
 *     from the next block on: T [dimensions], u32 degree, u32 [degree] neighbours, zeros to the end of the node
 *
 * Blocks have 4096 bytes, in Rust those that the header says. The variant of Rust was written from its description only.
 */
import { DiskAnnError } from "../../core/errors.js";
import { copyElements, corrupt, readU64, viewOf } from "./bin.js";
import { checkNeighbours } from "./graph.js";

export type DiskType = "f32" | "i8" | "u8";

export interface MicrosoftDiskFile {
  readonly variant: "c++" | "rust";
  readonly blockBytes: number;
  readonly points: number;
  readonly dimensions: number;
  readonly start: number;
  /** Neighbours that a node has room for. */
  readonly maxDegree: number;
  /** 0 or 1, and which point it is. */
  readonly frozen: number;
  readonly frozenAt: number;
  readonly vectors: Float32Array | Int8Array | Uint8Array;
  readonly degrees: Uint32Array;
  readonly neighbours: Uint32Array;
}

const BLOCK_BYTES = 4096;
const BLOCK_BYTES_MAX = 2 ** 20;
const KIND = { plain: 9, reorder: 12, rust: 96 } as const;
const DEGREE_MAX = 512;
const WIDTHS = { f32: 4, i8: 1, u8: 1 } as const;

interface Shape {
  readonly nodeBytes: number;
  /** In a block; 0: a node fills some. */
  readonly perBlock: number;
  readonly blockBytes: number;
  readonly points: number;
}

/** Where a node lies. */
function nodeAt({ nodeBytes, perBlock, blockBytes }: Shape, node: number): number {
  if (perBlock === 0) return blockBytes * (1 + node * Math.ceil(nodeBytes / blockBytes));
  return blockBytes * (1 + Math.floor(node / perBlock)) + (node % perBlock) * nodeBytes;
}

function fileBytes(shape: Shape): number {
  const { nodeBytes, perBlock, blockBytes, points } = shape;
  const blocks = perBlock === 0 ? points * Math.ceil(nodeBytes / blockBytes) : Math.ceil(points / perBlock);
  return blockBytes * (1 + blocks);
}

function unsupported(what: string): DiskAnnError {
  return new DiskAnnError("ERR_UNSUPPORTED", `this disk index ${what}, which is not supported`);
}

/** Block size by the kind of the header. */
function readKind(view: DataView): { variant: "c++" | "rust"; blockBytes: number } {
  const kind = view.getInt32(0, true);
  if (view.getInt32(4, true) !== 1 || !Object.values<number>(KIND).includes(kind))
    throw corrupt(
      `a disk index begins with 9, 12 or 96 and 1, this file with ${kind} and ${view.getInt32(4, true)}`,
    );
  if (view.getBigUint64(64, true) !== 0n) throw unsupported("keeps vectors for reordering");
  if (kind === KIND.reorder)
    throw corrupt("the header has room for vectors for reordering, but says there are none");
  if (kind === KIND.plain) return { variant: "c++", blockBytes: BLOCK_BYTES };
  const blockBytes = readU64(view, 88, "the size of a block");
  const version = view.getUint32(96, true);
  if (version !== 1)
    throw new DiskAnnError("ERR_VERSION", `the layout of this disk index has version ${version}, not 1`);
  if (blockBytes < BLOCK_BYTES || blockBytes > BLOCK_BYTES_MAX || blockBytes % BLOCK_BYTES !== 0)
    throw corrupt(`blocks of ${blockBytes} bytes cannot be`);
  if (view.getBigUint64(80, true) !== 0n) throw unsupported("keeps data beside its nodes");
  return { variant: "rust", blockBytes };
}

function readHeader(
  bytes: Uint8Array,
  type: DiskType,
): Omit<MicrosoftDiskFile, "vectors" | "degrees" | "neighbours"> & Shape {
  if (bytes.length < BLOCK_BYTES)
    throw corrupt(`${bytes.length} bytes are no disk index: its first block has 4096`);
  const view = viewOf(bytes);
  const { variant, blockBytes } = readKind(view);
  const names = [
    "points",
    "dimensions",
    "medoid",
    "node size",
    "nodes in a block",
    "frozen points",
    "frozen point",
  ];
  const [points, dimensions, start, nodeBytes, perBlock, frozen, frozenAt] = names.map((name, i) =>
    readU64(view, 8 + 8 * i, `the number of ${name}`),
  ) as [number, number, number, number, number, number, number];
  const fixed = dimensions * WIDTHS[type] + 4;
  const maxDegree = (nodeBytes - fixed) / 4;
  if (
    points < 1 ||
    points > 2 ** 31 - 2 ||
    dimensions < 1 ||
    dimensions > 65535 ||
    start >= points ||
    frozen > 1
  )
    throw corrupt(
      `${points} points of ${dimensions} dimensions, ${frozen} frozen, start ${start}: this cannot be`,
    );
  if (frozen === 1 && frozenAt >= points)
    throw corrupt(`point ${frozenAt} is frozen, but there are ${points}`);
  if (!Number.isInteger(maxDegree) || maxDegree < 1)
    throw corrupt(
      `a node of ${nodeBytes} bytes does not hold ${dimensions} elements of ${type} and neighbours`,
    );
  if (maxDegree > DEGREE_MAX) throw unsupported(`has a degree of ${maxDegree}`);
  const shape = { nodeBytes, perBlock, blockBytes, points };
  if (perBlock !== Math.floor(blockBytes / nodeBytes))
    throw corrupt(`${perBlock} nodes in a block cannot be`);
  const stated = readU64(view, 72, "the size of the file");
  if (stated !== bytes.length || fileBytes(shape) !== bytes.length)
    throw corrupt(
      `${points} nodes make ${fileBytes(shape)} bytes, the header says ${stated}, the file has ${bytes.length}`,
    );
  return { variant, dimensions, start, maxDegree, frozen, frozenAt, ...shape };
}

/** Every number is checked: `ERR_CORRUPT`, `ERR_UNSUPPORTED` and `ERR_VERSION` say what is wrong. */
export function readDiskFile(bytes: Uint8Array, type: DiskType): MicrosoftDiskFile {
  const { nodeBytes, perBlock, ...header } = readHeader(bytes, type);
  const { points, dimensions, maxDegree } = header;
  const shape = { nodeBytes, perBlock, blockBytes: header.blockBytes, points };
  const view = viewOf(bytes);
  const vectorBytes = dimensions * WIDTHS[type];
  const vectors = new Uint8Array(points * vectorBytes);
  const degrees = new Uint32Array(points);
  for (let node = 0; node < points; node++) {
    const at = nodeAt(shape, node);
    const degree = view.getUint32(at + vectorBytes, true);
    if (degree > maxDegree) throw corrupt(`node ${node} has ${degree} neighbours, and room for ${maxDegree}`);
    vectors.set(bytes.subarray(at, at + vectorBytes), node * vectorBytes);
    degrees[node] = degree;
  }
  const neighbours = new Uint32Array(degrees.reduce((sum, degree) => sum + degree, 0));
  for (let node = 0, edges = 0; node < points; node++) {
    const at = nodeAt(shape, node) + vectorBytes + 4;
    for (let i = 0; i < (degrees[node] as number); i++)
      neighbours[edges++] = view.getUint32(at + 4 * i, true);
  }
  checkNeighbours(neighbours, points);
  return { ...header, vectors: copyElements(vectors, type, 0, points * dimensions), degrees, neighbours };
}

function writeHeader(view: DataView, file: MicrosoftDiskFile, shape: Shape): void {
  const { nodeBytes, perBlock, blockBytes, points } = shape;
  const { dimensions, start, frozen, frozenAt } = file;
  const isRust = file.variant === "rust";
  view.setInt32(0, isRust ? KIND.rust : KIND.plain, true);
  view.setInt32(4, 1, true);
  const fields = [points, dimensions, start, nodeBytes, perBlock, frozen, frozenAt, 0, fileBytes(shape)];
  if (isRust) fields.push(0, blockBytes);
  fields.forEach((field, i) => {
    view.setBigUint64(8 + 8 * i, BigInt(field), true);
  });
  if (isRust) view.setUint32(96, 1, true);
}

export function writeDiskFile(file: MicrosoftDiskFile): Uint8Array {
  const { blockBytes, points, dimensions, maxDegree, vectors, degrees, neighbours } = file;
  const vectorBytes = dimensions * vectors.BYTES_PER_ELEMENT;
  const nodeBytes = vectorBytes + 4 * (maxDegree + 1);
  const shape = { nodeBytes, perBlock: Math.floor(blockBytes / nodeBytes), blockBytes, points };
  const bytes = new Uint8Array(fileBytes(shape));
  const view = viewOf(bytes);
  const rows = new Uint8Array(vectors.buffer, vectors.byteOffset, vectors.byteLength);
  writeHeader(view, file, shape);
  for (let node = 0, edges = 0; node < points; node++) {
    const at = nodeAt(shape, node);
    const degree = degrees[node] as number;
    bytes.set(rows.subarray(node * vectorBytes, (node + 1) * vectorBytes), at);
    view.setUint32(at + vectorBytes, degree, true);
    for (let i = 0; i < degree; i++)
      view.setUint32(at + vectorBytes + 4 + 4 * i, neighbours[edges++] as number, true);
  }
  return bytes;
}
