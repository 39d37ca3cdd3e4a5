/** Ground truth in the layouts of the usual benchmarks, and recall as Microsoft's tools count it. */
import { DiskAnnError } from "../../core/errors.js";
import { InputFile, writeWholeFile } from "./files.js";
import { findFormat } from "./kinds.js";
import { VectorFile } from "./reader.js";

/** The nearest ids of each query, nearest first; row-major `queries` x `k`. */
export interface GroundTruth {
  readonly queries: number;
  readonly k: number;
  readonly ids: ArrayLike<number>;
  /** Absent in the layout without distances; ties can then not be told. */
  readonly distances?: Float32Array | undefined;
}

/**
 * `.ivecs`: ids alone. Everything else: `u32 queries, u32 k, ids u32[queries * k]`, and `f32[queries * k]` distances
 * where the size of the file leaves room for them.
 */
export async function readTruth(path: string): Promise<GroundTruth> {
  const extension = findFormat(path)?.extension;
  if (extension === ".ivecs") return readIvecsTruth(path);
  if (extension !== undefined && extension !== ".bin")
    throw new DiskAnnError(
      "ERR_INVALID_ARGUMENT",
      `${path}: a ${extension} file holds vectors, not ground truth`,
    );
  const file = await InputFile.open(path);
  try {
    if (file.size < 8)
      throw new DiskAnnError("ERR_CORRUPT", `${path}: ${file.size} bytes are less than a header of 8`);
    const view = new DataView((await file.read(0, 8)).buffer);
    const queries = view.getUint32(0, true);
    const k = view.getUint32(4, true);
    const cells = queries * k;
    const withDistances = file.size === 8 + 8 * cells;
    if (cells === 0 || (!withDistances && file.size !== 8 + 4 * cells))
      throw new DiskAnnError(
        "ERR_CORRUPT",
        `${path}: its header says ${queries} queries x ${k} neighbours, which is ${8 + 4 * cells} bytes without or ` +
          `${8 + 8 * cells} with distances; the file has ${file.size}: it is cut off or no ground truth`,
      );
    const bytes = await file.read(8, file.size - 8);
    const ids = new Uint32Array(bytes.buffer, 0, cells);
    const distances = withDistances ? new Float32Array(bytes.buffer, 4 * cells, cells) : undefined;
    return { queries, k, ids, distances };
  } finally {
    await file.close();
  }
}

async function readIvecsTruth(path: string): Promise<GroundTruth> {
  const file = await VectorFile.open(path);
  try {
    const ids = (await file.readAll()) as Int32Array;
    return { queries: file.count, k: file.dimensions, ids };
  } finally {
    await file.close();
  }
}

/** Writes the `.bin` layout, with distances where there are any. Ids above 2^32 - 1 do not fit. */
export async function writeTruth(path: string, truth: GroundTruth): Promise<void> {
  const cells = truth.queries * truth.k;
  const bytes = new Uint8Array(8 + (truth.distances === undefined ? 4 : 8) * cells);
  new Uint32Array(bytes.buffer, 0, 2).set([truth.queries, truth.k]);
  const ids = new Uint32Array(bytes.buffer, 8, cells);
  for (let i = 0; i < cells; i++) ids[i] = checkedId(path, truth.ids[i] as number, 0xffffffff);
  if (truth.distances !== undefined)
    new Float32Array(bytes.buffer, 8 + 4 * cells, cells).set(truth.distances);
  await writeWholeFile(path, bytes);
}

/** An id that a file with 32-bit ids can hold. */
export function checkedId(path: string, id: number, max: number): number {
  if (Number.isInteger(id) && id >= 0 && id <= max) return id;
  throw new DiskAnnError(
    "ERR_UNSUPPORTED",
    `${path}: id ${id} does not fit this format; write .json instead`,
  );
}

/**
 * Mean recall@k of answers, 0 .. 1. With distances the true set of a query grows by all that tie with its k-th
 * neighbour, so that any of the equally near ones counts.
 * `ids`: row-major, `stride` a row, of which the first k count; padding (NaN) finds nothing.
 */
export function recallAt(truth: GroundTruth, ids: ArrayLike<number>, stride: number, k: number): number {
  if (k > truth.k)
    throw new DiskAnnError(
      "ERR_INVALID_ARGUMENT",
      `recall@${k} needs ${k} true neighbours a query; the ground truth has ${truth.k}: lower k`,
    );
  const count = Math.floor(ids.length / stride);
  if (count > truth.queries)
    throw new DiskAnnError(
      "ERR_INVALID_ARGUMENT",
      `the ground truth is for ${truth.queries} queries, there are ${count}: it belongs to another file`,
    );
  let found = 0;
  for (let row = 0; row < count; row++) {
    const answers = new Set<number>();
    for (let i = 0; i < Math.min(k, stride); i++) answers.add(ids[row * stride + i] as number);
    const end = row * truth.k + tiedCount(truth, row, k);
    const matched = new Set<number>();
    for (let i = row * truth.k; i < end; i++) {
      const id = truth.ids[i] as number;
      if (answers.has(id)) matched.add(id);
    }
    found += matched.size;
  }
  return count === 0 ? 0 : found / (count * k);
}

/** How many of a row's true neighbours count: k, and those at the distance of the k-th. */
function tiedCount(truth: GroundTruth, row: number, k: number): number {
  if (truth.distances === undefined) return k;
  const last = truth.distances[row * truth.k + k - 1];
  let count = k;
  while (count < truth.k && truth.distances[row * truth.k + count] === last) count++;
  return count;
}
