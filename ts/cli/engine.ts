/** The library as the commands use it: opening an index, queries as rows, brute force, the self-check. */
import type { ProductQuantizerEntry } from "../api/define-pq.js";
import type { ProductQuantizer } from "../api/product-quantizer.js";
import type { VectorIndex } from "../api/vector-index.js";
import { DiskAnnError } from "../core/errors.js";
import type {
  BuildControl,
  GraphLists,
  IndexOptions,
  IndexSource,
  OpenOptions,
  VectorSource,
} from "../core/types.js";
import { type BackendChoice, type Context, UsageError } from "./context.js";
import {
  convertElements,
  type ElementType,
  type GroundTruth,
  InputFile,
  ioError,
  VectorFile,
} from "./formats/index.js";
import { type MicrosoftDiskOptions, microsoftOf, type PlaceOptions } from "./options.js";
import type { ProgressView } from "./progress.js";

export type { ProductQuantizer, VectorIndex };

/** The static side of an entry's `VectorIndex`, as far as it is used here. */
export interface Engine {
  build(
    vectors: VectorSource,
    options: IndexOptions & BuildControl & { graph?: GraphLists | undefined },
  ): Promise<VectorIndex>;
  open(source: IndexSource, options?: OpenOptions): Promise<VectorIndex>;
}

/** The static side of an entry's `ProductQuantizer`. */
export type QuantizerEngine = ProductQuantizerEntry<object>;

/** How to load each backend; the entry of the program knows. */
export type EngineLoaders = Readonly<Record<BackendChoice, () => Promise<Engine>>>;
export type QuantizerLoaders = Readonly<Record<BackendChoice, () => Promise<QuantizerEngine>>>;

/** The same failure, with the file it is about. */
function aboutFile(error: unknown, path: string): unknown {
  if (!(error instanceof DiskAnnError) || error.message.includes(path)) return error;
  const named = new DiskAnnError(error.code, `${path}: ${error.message}`, { cause: error });
  if (error.page !== undefined) named.page = error.page;
  return named;
}

/** The first bytes of an index. */
const INDEX_MAGIC = "DISKANN\0";

/** Whether a file begins as an index does; its name may be any. */
export async function hasIndexMagic(path: string): Promise<boolean> {
  const file = await InputFile.open(path);
  try {
    return new TextDecoder().decode(await file.head(INDEX_MAGIC.length)) === INDEX_MAGIC;
  } finally {
    await file.close();
  }
}

async function explainOpening(error: unknown, path: string): Promise<unknown> {
  if (!(error instanceof DiskAnnError)) return error;
  if (error.code === "ERR_IO") return ioError("read", path, error);
  if (error.code !== "ERR_CORRUPT" || (await hasIndexMagic(path))) return aboutFile(error, path);
  return new DiskAnnError("ERR_CORRUPT", `${path}: not an index: it does not begin as one`, { cause: error });
}

async function openIndex(
  engine: Engine,
  path: string,
  context: Context,
  options: OpenOptions,
): Promise<VectorIndex> {
  const progress = await context.progress();
  const { signal } = context;
  try {
    return await engine.open(path, {
      ...options,
      signal,
      onProgress: (event) => progress.update(event, "pages"),
    });
  } catch (error) {
    throw options.microsoft ? aboutFile(error, path) : await explainOpening(error, path);
  } finally {
    progress.stop();
  }
}

/** Opens an index, in memory unless `options` say more, works with it, closes it. */
export async function withIndex<T>(
  engine: Engine,
  path: string,
  context: Context,
  use: (index: VectorIndex) => Promise<T>,
  options: OpenOptions = { mode: "resident" },
): Promise<T> {
  const index = await openIndex(engine, path, context, options);
  try {
    return await use(index);
  } finally {
    await index.close();
  }
}

/** `all`: the option because of which the work needs all of the index. */
export function openOptions(
  path: string,
  options: PlaceOptions & MicrosoftDiskOptions,
  all: string | undefined,
): OpenOptions {
  const { cache, beamWidth, pageSearch, fileAccess } = options;
  const microsoft = microsoftOf(path, options);
  if (microsoft && all)
    throw new UsageError(
      `a disk index of Microsoft's is searched only: ${all}, or make an index of it, diskann import`,
    );
  const mode = options.mode ?? (all ? "resident" : "auto");
  return { mode, cacheBytes: cache, beamWidth, pageSearch, fileAccess, microsoft };
}

export interface Rows {
  readonly path: string;
  readonly count: number;
  readonly dimensions: number;
  readonly data: Float32Array;
}

/** The first `limit` rows of a vector file as single floats. */
export async function readRows(
  path: string,
  type: ElementType | undefined,
  limit: number | undefined,
  signal: AbortSignal,
): Promise<Rows> {
  const file = await VectorFile.open(path, { type });
  try {
    const count = Math.min(limit ?? file.count, file.count);
    if (count === 0) throw new DiskAnnError("ERR_INVALID_ARGUMENT", `${path}: there are no vectors in it`);
    const { dimensions } = file;
    const data = new Float32Array(count * dimensions);
    for await (const slab of file.slabs({ end: count, signal })) {
      const origin = { path, firstRow: slab.first, dimensions };
      data.set(convertElements(slab.elements, file.type, "f32", origin), slab.first * dimensions);
    }
    return { path, count, dimensions, data };
  } finally {
    await file.close();
  }
}

/** Queries must have the dimensions of the index; says so with the names of the files. */
export function checkDimensions(rows: Rows, index: VectorIndex, indexPath: string): void {
  if (rows.dimensions === index.dimensions) return;
  throw new DiskAnnError(
    "ERR_DIMENSION_MISMATCH",
    `${rows.path} has ${rows.dimensions} dimensions, the index ${indexPath} has ${index.dimensions}`,
  );
}

export function rowOf(rows: Rows, row: number): Float32Array {
  return rows.data.subarray(row * rows.dimensions, (row + 1) * rows.dimensions);
}

/** Runs `work` for 0 .. count - 1, `width` at a time, in order of start. The first failure ends it. */
export async function forEachConcurrent(
  count: number,
  width: number,
  work: (i: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  const lanes = Array.from({ length: Math.min(width, count) }, lane);
  try {
    await Promise.all(lanes);
  } finally {
    next = count;
    await Promise.allSettled(lanes);
  }
}

export async function coreCount(): Promise<number> {
  const { availableParallelism } = await import("node:os");
  return availableParallelism();
}

/** Brute force over the whole index: ids and distances, nearest first. */
export async function exactTruth(
  index: VectorIndex,
  rows: Rows,
  k: number,
  options: { signal: AbortSignal; threads: number; progress: ProgressView },
): Promise<GroundTruth> {
  const width = Math.min(k, index.size);
  const ids = new Float64Array(rows.count * width);
  const distances = new Float32Array(rows.count * width);
  let done = 0;
  await forEachConcurrent(rows.count, options.threads, async (row) => {
    const hits = await index.searchExact(rowOf(rows, row), {
      k: width,
      threads: 1,
      signal: options.signal,
    });
    hits.forEach((hit, i) => {
      ids[row * width + i] = hit.id;
      distances[row * width + i] = hit.distance;
    });
    options.progress.update({ phase: "brute force", done: ++done, total: rows.count }, "queries");
  });
  return { queries: rows.count, k: width, ids, distances };
}
