/** From an index of Microsoft's, in memory or on disk, to one of ours: the same vectors and lists, under the ids of its tags. */
import { checkInteger, checkOptions, choice, describe, invalid } from "../core/checks.js";
import { LIMITS } from "../core/constants.js";
import { DiskAnnError } from "../core/errors.js";
import type {
  BuildControl,
  CallOptions,
  Codes,
  GraphLists,
  IndexOptions,
  IndexSource,
  VectorSource,
} from "../core/types.js";
import { type Bin, readBin, readTags } from "../storage/microsoft/bin.js";
import { type DiskType, readDiskFile } from "../storage/microsoft/disk.js";
import { readGraph } from "../storage/microsoft/graph.js";
import { openSource, type StorageSource } from "../storage/select.js";
import { checkSource } from "./location.js";
import { hangRows } from "./microsoft-tree.js";
import type { VectorIndex } from "./vector-index.js";

const TYPES = ["f32", "i8", "u8"] as const;
const METRICS = ["l2", "cosine", "ip"] as const;
const SUFFIX = "_disk.index";

/** What is used of an entry's `VectorIndex`. */
export interface Builder {
  build(
    vectors: VectorSource,
    options: IndexOptions & BuildControl & { graph?: GraphLists | undefined },
  ): Promise<VectorIndex>;
}

export interface ImportOptions extends CallOptions {
  /** How the index stores vectors, which its files do not tell; default `"f32"`. */
  dataType?: "f32" | "i8" | "u8" | undefined;
  /** Default `"l2"`. */
  metric?: "l2" | "cosine" | "ip" | undefined;
  /** Whether it is `"memory"`, a graph with its vectors beside it, or `"disk"`; default: by the name, `<prefix>_disk.index`. */
  kind?: "memory" | "disk" | undefined;
  /** The vectors of one in memory; default `<graph>.data`. */
  data?: IndexSource | undefined;
  /**
   * The ids of its vectors; default `<graph>.tags`, or of a disk index `<prefix>_disk.index_ids.bin`, if there is such a file, else ids
   * are numbers of vectors.
   */
  tags?: IndexSource | undefined;
  /** Vectors that are left out; default `<graph>.del` if there is such a file. */
  deleted?: IndexSource | undefined;
  /** Room in a list, 4 .. 512; default: the longest list. More leaves room for `add`. */
  maxDegree?: number | undefined;
  /** As for `VectorIndex.build`. */
  codes?: Codes | undefined;
  codeBytes?: number | undefined;
  threads?: number | undefined;
}

export interface Imported {
  readonly index: VectorIndex;
  /** What could not be left as it was. */
  readonly changes: ImportChanges;
}

export interface ImportChanges {
  /** Edges made for vectors that no search could reach, or that hung on others too many. */
  readonly added: number;
  /** Edges that had to go: for those, to vectors that were left out, from a vector to itself, there twice. */
  readonly dropped: number;
  /** Vectors left out: deleted ones, and frozen points, which are none. */
  readonly omitted: number;
}

/** Points as they are in the files. */
interface Points {
  readonly dimensions: number;
  readonly vectors: Float32Array | Int8Array | Uint8Array;
  readonly start: number;
  readonly degrees: Uint32Array;
  readonly neighbours: Uint32Array;
  readonly tags: Float64Array | undefined;
  /** 1: left out. */
  readonly omitted: Uint8Array;
}

async function readAll(source: StorageSource, { signal }: CallOptions): Promise<Uint8Array> {
  const opened = await openSource(source, signal);
  try {
    const bytes = new Uint8Array(opened.size);
    await opened.read(0, bytes);
    return bytes;
  } finally {
    await opened.close();
  }
}

function isMissing(error: unknown): boolean {
  const cause = (error as { cause?: { code?: unknown } } | null)?.cause;
  return cause?.code === "ENOENT";
}

/** A file that goes with a graph: where the options say, or beside it. */
async function readBeside(
  place: StorageSource,
  suffix: string,
  given: IndexSource | undefined,
  options: ImportOptions,
): Promise<Uint8Array | undefined> {
  if (given !== undefined) return readAll(await checkSource(given)(), options);
  if (place.kind !== "path") return undefined;
  try {
    return await readAll({ kind: "path", path: place.path + suffix }, options);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function readDeleted(bytes: Uint8Array | undefined, omitted: Uint8Array): void {
  if (bytes === undefined) return;
  const { columns, elements } = readBin(bytes, "u32", "the deleted points");
  const wrong = elements.find((point) => point >= omitted.length);
  if (columns !== 1 || wrong !== undefined)
    throw new DiskAnnError(
      "ERR_CORRUPT",
      `the deleted points are ${columns} in a row and name ${wrong}: there are ${omitted.length} points`,
    );
  for (const point of elements) omitted[point] = 1;
}

async function readMemory(place: StorageSource, type: DiskType, options: ImportOptions): Promise<Points> {
  const graph = readGraph(await readAll(place, options));
  const bytes = await readBeside(place, ".data", options.data, options);
  if (bytes === undefined) throw invalid("the vectors of the graph are not beside it: say where, in data");
  const data: Bin<DiskType> = readBin(bytes, type, "the vectors");
  const points = graph.degrees.length;
  if (data.rows !== points)
    throw new DiskAnnError("ERR_CORRUPT", `there are ${data.rows} vectors for ${points} points of the graph`);
  const omitted = new Uint8Array(points).fill(1, points - graph.frozen);
  readDeleted(await readBeside(place, ".del", options.deleted, options), omitted);
  const tagBytes = await readBeside(place, ".tags", options.tags, options);
  const tags = tagBytes && readTags(tagBytes, points).tags;
  const { start, degrees, neighbours } = graph;
  return { dimensions: data.columns, vectors: data.elements, start, degrees, neighbours, tags, omitted };
}

async function readDisk(place: StorageSource, type: DiskType, options: ImportOptions): Promise<Points> {
  for (const name of ["data", "deleted"] as const)
    if (options[name] !== undefined)
      throw invalid(`${name} is for an index in memory: a disk index has none`);
  const file = readDiskFile(await readAll(place, options), type);
  const omitted = new Uint8Array(file.points);
  if (file.frozen === 1) omitted[file.frozenAt] = 1;
  const ids = await readBeside(place, "_ids.bin", options.tags, options);
  return { ...file, tags: ids && readTags(ids, file.points).tags, omitted };
}

/** What is left of the points, renumbered; lists without what does not belong there. */
interface Kept {
  readonly rows: number;
  readonly vectors: Points["vectors"];
  readonly ids: Float64Array | undefined;
  readonly degrees: Uint32Array;
  readonly neighbours: Uint32Array;
  readonly entry: number;
  readonly dropped: number;
}

const NONE = 0xffffffff;

function renumber(omitted: Uint8Array): { rows: number; numbers: Uint32Array } {
  const numbers = new Uint32Array(omitted.length);
  let rows = 0;
  omitted.forEach((gone, point) => {
    numbers[point] = gone ? NONE : rows++;
  });
  return { rows, numbers };
}

/** The point where searches start, or the first they come to that is not left out. */
function findEntry({ start, degrees, neighbours, omitted }: Points): number {
  if (!omitted[start]) return start;
  let at = 0;
  for (let point = 0; point < start; point++) at += degrees[point] as number;
  const list = neighbours.subarray(at, at + (degrees[start] as number));
  return list.find((point) => !omitted[point]) ?? omitted.indexOf(0);
}

function keptVectors({ vectors, dimensions, omitted }: Points, rows: number): Points["vectors"] {
  if (rows === omitted.length) return vectors;
  const kept = vectors.slice(0, rows * dimensions);
  let row = 0;
  for (let point = 0; point < omitted.length; point++)
    if (!omitted[point])
      kept.set(vectors.subarray(point * dimensions, (point + 1) * dimensions), row++ * dimensions);
  return kept;
}

function keep(points: Points): Kept {
  const { omitted, tags } = points;
  const { rows, numbers } = renumber(omitted);
  const degrees = new Uint32Array(rows);
  const neighbours = new Uint32Array(points.neighbours.length);
  const namedBy = new Uint32Array(rows).fill(NONE);
  let edges = 0;
  let at = 0;
  for (let point = 0; point < omitted.length; point++) {
    const row = numbers[point] as number;
    const end = at + (points.degrees[point] as number);
    for (; at < end && row !== NONE; at++) {
      const neighbour = numbers[points.neighbours[at] as number] as number;
      if (neighbour === NONE || neighbour === row || namedBy[neighbour] === row) continue;
      namedBy[neighbour] = row;
      neighbours[edges++] = neighbour;
      degrees[row] = (degrees[row] as number) + 1;
    }
    at = end;
  }
  return {
    ...{ rows, degrees, neighbours: neighbours.subarray(0, edges), vectors: keptVectors(points, rows) },
    ids: tags?.filter((_, point) => !omitted[point]),
    entry: rows > 0 ? (numbers[findEntry(points)] as number) : 0,
    dropped: points.neighbours.length - edges,
  };
}

function chooseDegree(degrees: Uint32Array, wanted: number | undefined): number {
  const longest = degrees.reduce((most, degree) => Math.max(most, degree), 0);
  const { maxDegreeMin, maxDegreeMax } = LIMITS;
  if (longest > maxDegreeMax)
    throw new DiskAnnError(
      "ERR_UNSUPPORTED",
      `a list has ${longest} neighbours, at most ${maxDegreeMax} are possible`,
    );
  if (wanted === undefined) return Math.max(maxDegreeMin, longest);
  return checkInteger("maxDegree", wanted, Math.max(maxDegreeMin, longest), maxDegreeMax);
}

/**
 * Makes an index of the files of one of Microsoft's: a graph in memory (`P`, with `P.data`, and `P.tags` and `P.del` where there
 * are such) or a disk index (`<prefix>_disk.index`). Lists stay as they are, but for tree edges coming first, and but for what
 * `changes` counts. All of it is read into memory. With metric `"ip"` a disk index has one dimension more than the vectors it was
 * made of, and its vectors are scaled: it stays so.
 */
export async function importIndex(
  VectorIndex: Builder,
  source: IndexSource,
  options: ImportOptions = {},
): Promise<Imported> {
  checkOptions("options", options);
  if (typeof VectorIndex?.build !== "function")
    throw invalid(`the first argument must be the VectorIndex of an entry, got ${describe(VectorIndex)}`);
  const dataType = choice("dataType", options.dataType, TYPES, "f32");
  const metric = choice("metric", options.metric, METRICS, "l2");
  const place = await checkSource(source)();
  const byName = place.kind === "path" && place.path.endsWith(SUFFIX) ? "disk" : "memory";
  const kind = choice("kind", options.kind, ["memory", "disk"] as const, byName);
  const points = await (kind === "disk" ? readDisk : readMemory)(place, dataType, options);
  const { rows, vectors, ids, degrees, neighbours, entry, dropped } = keep(points);
  const maxDegree = chooseDegree(degrees, options.maxDegree);
  const { codes, codeBytes, threads, signal, onProgress } = options;
  const graph = rows > 0 ? hangRows(degrees, neighbours, entry, maxDegree) : undefined;
  const index = await VectorIndex.build(vectors, {
    ...{
      dimensions: points.dimensions,
      dataType,
      metric,
      maxDegree,
      codes,
      codeBytes,
      threads,
      signal,
      onProgress,
    },
    ...{ ids, graph },
  });
  const changes = {
    added: graph?.added ?? 0,
    dropped: dropped + (graph?.displaced ?? 0),
    omitted: points.omitted.length - rows,
  };
  return { index, changes };
}
