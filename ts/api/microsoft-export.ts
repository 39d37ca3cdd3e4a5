/** From an index of ours to the files of one of Microsoft's, as its C++ tools write them. */
import { checkOptions, choice, describe, invalid } from "../core/checks.js";
import { METRICS } from "../core/constants.js";
import { DiskAnnError } from "../core/errors.js";
import type { CodeSearchOptions, TrainOptions } from "../core/pq-types.js";
import type { CallOptions, VectorSource } from "../core/types.js";
import { type IndexFile, type IndexPq, readIndexFile } from "../storage/index-file.js";
import { writeBin, writeTags } from "../storage/microsoft/bin.js";
import { writeDiskFile } from "../storage/microsoft/disk.js";
import { writeGraph } from "../storage/microsoft/graph.js";
import { writeCodes, writePivots } from "../storage/pq-files.js";
import type { ProductQuantizer } from "./product-quantizer.js";
import type { VectorIndex } from "./vector-index.js";

/** What is used of an entry's `ProductQuantizer`. */
export interface Trainer {
  train(vectors: VectorSource, options: TrainOptions): Promise<ProductQuantizer>;
}

export interface ExportOptions extends CallOptions {
  /** `"memory"`, the default: a graph and its vectors. `"disk"`: a disk index, its pivots and codes. */
  kind?: "memory" | "disk" | undefined;
  /** The `ProductQuantizer` of `diskann/pq`, for the codes of a disk index of an index that has none (`codes: "pq"`). */
  quantizer?: Trainer | undefined;
  /** Bytes of a code that the quantizer is trained to; default: one for four dimensions. */
  codeBytes?: number | undefined;
  /** Of the training. */
  seed?: number | undefined;
  threads?: CodeSearchOptions["threads"];
}

/** Files by what their names have behind the prefix: `""`, `".data"`, `"_disk.index"`, ... */
export type MicrosoftFiles = ReadonlyMap<string, Uint8Array>;

/** An index with its points in the order in which they are written. */
interface Ordered {
  readonly points: number;
  readonly dimensions: number;
  readonly start: number;
  readonly vectors: IndexFile["vectors"];
  readonly degrees: Uint32Array;
  readonly neighbours: Uint32Array;
  /** Undefined where they are the numbers of points. */
  readonly ids: Float64Array | undefined;
  /** Point of each place in the order. */
  readonly slots: Uint32Array;
}

/** By ids: those that were given by default are then numbers of points. */
function order(file: IndexFile): Ordered {
  const { size, dimensions, vectors, degrees, neighbours } = file;
  const slots = Uint32Array.from({ length: size }, (_, slot) => slot);
  slots.sort((a, b) => (file.ids[a] as number) - (file.ids[b] as number));
  const places = new Uint32Array(size);
  slots.forEach((slot, place) => {
    places[slot] = place;
  });
  const starts = new Float64Array(size + 1);
  for (let slot = 0; slot < size; slot++)
    starts[slot + 1] = (starts[slot] as number) + (degrees[slot] as number);
  const sorted = new Uint32Array(neighbours.length);
  const rows = vectors.slice();
  let edges = 0;
  slots.forEach((slot, place) => {
    rows.set(vectors.subarray(slot * dimensions, (slot + 1) * dimensions), place * dimensions);
    for (let i = starts[slot] as number; i < (starts[slot + 1] as number); i++)
      sorted[edges++] = places[neighbours[i] as number] as number;
  });
  const ids = Float64Array.from(slots, (slot) => file.ids[slot] as number);
  return {
    ...{ points: size, dimensions, slots, vectors: rows, neighbours: sorted },
    degrees: Uint32Array.from(slots, (slot) => degrees[slot] as number),
    start: size > 0 ? (places[file.entry] as number) : 0,
    ids: ids.every((id, place) => id === place) ? undefined : ids,
  };
}

function squaredLength(row: IndexFile["vectors"]): number {
  let sum = 0;
  for (const value of row) sum += value * value;
  return sum;
}

/** Microsoft's tools store floats of unit length under cosine. */
function normalized(vectors: IndexFile["vectors"], dimensions: number): IndexFile["vectors"] {
  if (!(vectors instanceof Float32Array)) return vectors;
  const unit = vectors.slice();
  for (let at = 0; at < unit.length; at += dimensions) {
    const row = unit.subarray(at, at + dimensions);
    const length = Math.sqrt(squaredLength(row));
    if (length > 0) for (let i = 0; i < dimensions; i++) row[i] = (row[i] as number) / length;
  }
  return unit;
}

/** Under inner products a disk index holds vectors scaled by the longest, and one more coordinate that makes all of length 1. */
function lifted({ vectors, points, dimensions }: Ordered): { rows: Float32Array; norm: number } {
  let longest = 0;
  for (let i = 0; i < points; i++)
    longest = Math.max(longest, squaredLength(vectors.subarray(i * dimensions, (i + 1) * dimensions)));
  const norm = Math.fround(Math.sqrt(longest)) || 1;
  const rows = new Float32Array(points * (dimensions + 1));
  for (let i = 0; i < points; i++) {
    const row = rows.subarray(i * (dimensions + 1), (i + 1) * (dimensions + 1));
    for (let j = 0; j < dimensions; j++) row[j] = (vectors[i * dimensions + j] as number) / norm;
    row[dimensions] = Math.sqrt(Math.max(0, 1 - squaredLength(row)));
  }
  return { rows, norm };
}

function longestOf(degrees: Uint32Array): number {
  return degrees.reduce((most, degree) => Math.max(most, degree), 0);
}

/** Ids that need 8 bytes make all tags so long. */
function tagsOf(ids: Float64Array): Uint8Array {
  return writeTags(ids, (ids.at(-1) as number) > 0xffffffff ? 8 : 4);
}

function memoryFiles(ordered: Ordered): MicrosoftFiles {
  const { points, dimensions, start, vectors, degrees, neighbours, ids } = ordered;
  const graph = writeGraph({ maxDegree: longestOf(degrees), start, frozen: 0, degrees, neighbours });
  const files = new Map([
    ["", graph],
    [".data", writeBin(points, dimensions, vectors)],
  ]);
  if (ids !== undefined) files.set(".tags", tagsOf(ids));
  return files;
}

/** The quantiser of an index, whose chunks follow from their number. */
function pivotsOf({ codeBytes, centroids, centre }: IndexPq): Uint8Array {
  const dimensions = centre.length;
  const width = Math.floor(dimensions / codeBytes);
  const wider = dimensions % codeBytes;
  const offsets = Uint32Array.from({ length: codeBytes + 1 }, (_, c) => c * width + Math.min(c, wider));
  const pivots = new Float32Array(256 * dimensions);
  for (let c = 0; c < codeBytes; c++) {
    const first = offsets[c] as number;
    const length = (offsets[c + 1] as number) - first;
    for (let k = 0; k < 256; k++)
      pivots.set(
        centroids.subarray(256 * first + k * length, 256 * first + (k + 1) * length),
        k * dimensions + first,
      );
  }
  return writePivots({ dimensions, chunks: codeBytes, centroids: 256, offsets, pivots, centre });
}

interface Coded {
  readonly pivots: Uint8Array;
  readonly codes: Uint8Array;
}

function codesOf(pq: IndexPq, slots: Uint32Array): Coded {
  const { codeBytes, codes } = pq;
  const sorted = new Uint8Array(slots.length * codeBytes);
  slots.forEach((slot, place) => {
    sorted.set(codes.subarray(slot * codeBytes, (slot + 1) * codeBytes), place * codeBytes);
  });
  return { pivots: pivotsOf(pq), codes: writeCodes(sorted, codeBytes) };
}

async function train(
  rows: IndexFile["vectors"],
  dimensions: number,
  center: boolean,
  options: ExportOptions,
): Promise<Coded> {
  const { quantizer, codeBytes, seed, threads, signal, onProgress } = options;
  if (quantizer === undefined)
    throw invalid(
      "the index has no codes for a disk index: give the ProductQuantizer of diskann/pq as quantizer",
    );
  if (typeof quantizer?.train !== "function")
    throw invalid(`quantizer must be a ProductQuantizer, got ${describe(quantizer)}`);
  const chunks = codeBytes ?? Math.ceil(dimensions / 4);
  const trained = await quantizer.train(rows, {
    dimensions,
    chunks,
    center,
    seed,
    threads,
    signal,
    onProgress,
  });
  try {
    const codes = await trained.encode(rows, { threads, signal, onProgress });
    return { pivots: await trained.toBytes(), codes: trained.codesToBytes(codes) };
  } finally {
    await trained.close();
  }
}

async function diskFiles(
  file: IndexFile,
  ordered: Ordered,
  isIp: boolean,
  options: ExportOptions,
): Promise<MicrosoftFiles> {
  const { points, start, degrees, neighbours, ids } = ordered;
  if (points === 0) throw new DiskAnnError("ERR_UNSUPPORTED", "a disk index has at least one vector");
  const scaled = isIp ? lifted(ordered) : undefined;
  const vectors = scaled?.rows ?? ordered.vectors;
  const dimensions = ordered.dimensions + (isIp ? 1 : 0);
  const hasCodes =
    file.pq !== undefined && !isIp && (options.codeBytes ?? file.pq.codeBytes) === file.pq.codeBytes;
  const coded = hasCodes
    ? codesOf(file.pq as IndexPq, ordered.slots)
    : await train(vectors, dimensions, !isIp, options);
  const index = writeDiskFile({
    ...{ variant: "c++", blockBytes: 4096, frozen: 0, frozenAt: 0 },
    ...{ points, dimensions, start, vectors, degrees, neighbours },
    maxDegree: Math.max(1, longestOf(degrees)),
  });
  const files = new Map([
    ["_disk.index", index],
    ["_pq_pivots.bin", coded.pivots],
    ["_pq_compressed.bin", coded.codes],
  ]);
  if (scaled) files.set("_disk.index_max_base_norm.bin", writeBin(1, 1, Float32Array.of(scaled.norm)));
  if (ids !== undefined) files.set("_disk.index_ids.bin", tagsOf(ids));
  return files;
}

/**
 * The files that Microsoft's C++ tools write of such an index, points in order of their ids. Ids that are not 0, 1, 2, ... go into
 * tags; of a disk index, which has none, into `_disk.index_ids.bin` with the same layout. Floats of `"f16"` and of `quantize` become
 * `f32`; under cosine floats get unit length, and under inner products those of a disk index are scaled, as theirs are.
 */
export async function exportIndex(index: VectorIndex, options: ExportOptions = {}): Promise<MicrosoftFiles> {
  checkOptions("options", options);
  const kind = choice("kind", options.kind, ["memory", "disk"] as const, "memory");
  if (typeof index?.toBytes !== "function")
    throw invalid(`index must be a VectorIndex, got ${describe(index)}`);
  if (index.metric === "l1")
    throw new DiskAnnError("ERR_UNSUPPORTED", "Microsoft's tools do not know the metric l1");
  const file = readIndexFile(await index.toBytes({ signal: options.signal }));
  const metric = METRICS[file.metric];
  const ordered = order(file);
  const vectors = metric === "cosine" ? normalized(ordered.vectors, ordered.dimensions) : ordered.vectors;
  const ready = { ...ordered, vectors };
  return kind === "memory" ? memoryFiles(ready) : diskFiles(file, ready, metric === "ip", options);
}
