/**
 * Data sets of tests, gates and benchmarks: the real ones where they are, else generated ones of the same size.
 * They are looked for in the folder that DISKANN_DATA names, or in `../shared/data` beside the repository.
 */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { generate } from "./generate.js";
import { exactTruth, type Truth } from "./truth.js";

export interface Vectors {
  readonly rows: number;
  readonly dimensions: number;
  readonly values: Float32Array;
}

export type { Truth };

export type DatasetName = "image" | "text";

export interface Dataset {
  readonly name: DatasetName;
  /** For tables. */
  readonly title: string;
  /** False: the real data are absent and these are generated. */
  readonly real: boolean;
  readonly metric: "l2" | "cosine";
  readonly base: Vectors;
  readonly queries: Vectors;
  readonly truth: Truth;
}

const FILES = {
  image: { base: "sift100k.base.u8bin", queries: "sift.query.u8bin", truth: "sift100k.gt100.bin" },
  text: { base: "docs25k.base.fbin", queries: "docs.query.fbin", truth: "docs25k.gt100.bin" },
} as const;

const NO_TRUTH: Truth = { queries: 0, k: 0, ids: new Uint32Array(0), distances: new Float32Array(0) };

const SIZES = {
  image: { metric: "l2", rows: 100_000, queries: 500, dimensions: 128, title: "image descriptors" },
  text: { metric: "cosine", rows: 25_000, queries: 500, dimensions: 384, title: "text embeddings" },
} as const;

/** The folder of the real data, or undefined. */
export function dataFolder(): string | undefined {
  const named = process.env.DISKANN_DATA;
  const folder = named ? resolve(named) : resolve(repositoryRoot(), "../shared/data");
  return existsSync(folder) ? folder : undefined;
}

/** The nearest folder above this file that has a package.json with our name. */
export function repositoryRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "csrc")) || !existsSync(join(folder, "package.json"))) {
    const parent = dirname(folder);
    if (parent === folder) {
      throw new Error("not inside the repository");
    }
    folder = parent;
  }
  return folder;
}

/** u32 rows, u32 dimensions, then the values, little-endian. `limit`: at most so many rows. */
export function readVectors(path: string, limit = Number.POSITIVE_INFINITY): Vectors {
  const bytes = readFileSync(path);
  const element = path.endsWith(".u8bin") ? 1 : 4;
  const stored = bytes.readUInt32LE(0);
  const dimensions = bytes.readUInt32LE(4);
  if (bytes.length !== 8 + stored * dimensions * element) {
    throw new Error(`${path}: ${bytes.length} bytes are not ${stored} x ${dimensions}`);
  }
  const rows = Math.min(stored, limit);
  const body = new Uint8Array(bytes.subarray(8, 8 + rows * dimensions * element));
  const values = element === 1 ? Float32Array.from(body) : new Float32Array(body.buffer);
  return { rows, dimensions, values };
}

/** u32 queries, u32 k, then all ids as u32, then all distances as f32. */
export function readTruth(path: string): Truth {
  const bytes = readFileSync(path);
  const queries = bytes.readUInt32LE(0);
  const k = bytes.readUInt32LE(4);
  const cells = queries * k;
  if (bytes.length !== 8 + cells * 8) {
    throw new Error(`${path}: ${bytes.length} bytes are not ${queries} x ${k} ids and distances`);
  }
  const body = new Uint8Array(bytes.subarray(8)).buffer;
  return { queries, k, ids: new Uint32Array(body, 0, cells), distances: new Float32Array(body, cells * 4) };
}

/** The first rows of a set. */
export function head(vectors: Vectors, rows: number): Vectors {
  const kept = Math.min(rows, vectors.rows);
  return { ...vectors, rows: kept, values: vectors.values.subarray(0, kept * vectors.dimensions) };
}

export interface DatasetOptions {
  /** Use only so many vectors; the truth is then computed. */
  readonly rows?: number | undefined;
  /** Use only so many queries. */
  readonly queries?: number | undefined;
  /** Generated data although the real ones are there. */
  readonly generated?: boolean | undefined;
  /** False: an empty truth, for those who only search. */
  readonly truth?: boolean | undefined;
  /** Where the fall back is told; default: standard error. */
  readonly notice?: ((line: string) => void) | undefined;
}

/** A data set with its truth: the real one, or a generated one (said through `notice`). */
export function loadDataset(name: DatasetName, options: DatasetOptions = {}): Dataset {
  const size = SIZES[name];
  const folder = options.generated ? undefined : dataFolder();
  const files = FILES[name];
  const real = folder !== undefined && Object.values(files).every((file) => existsSync(join(folder, file)));
  if (!real && !options.generated) {
    const notice = options.notice ?? ((line: string) => void process.stderr.write(`${line}\n`));
    notice(
      `${size.title}: no real data (DISKANN_DATA or ../shared/data); using generated data of the same size`,
    );
  }
  const base = real
    ? readVectors(join(folder, files.base), options.rows)
    : generated(name, options.rows ?? size.rows, 0);
  const allQueries = real ? readVectors(join(folder, files.queries)) : generated(name, size.queries, 1);
  const queries = head(allQueries, options.queries ?? allQueries.rows);
  const whole = real && base.rows === size.rows;
  const stored = () => headTruth(readTruth(join(folder as string, files.truth)), queries.rows);
  const truth =
    options.truth === false ? NO_TRUTH : whole ? stored() : exactTruth(base, queries, size.metric, 100);
  const title = `${real ? "" : "generated "}${size.title}, ${base.rows} x ${base.dimensions}`;
  return { name, title, real, metric: size.metric, base, queries, truth };
}

function generated(name: DatasetName, rows: number, stream: number): Vectors {
  const { dimensions } = SIZES[name];
  return { rows, dimensions, values: generate({ shape: name, rows, dimensions, stream }) };
}

function headTruth(truth: Truth, queries: number): Truth {
  const cells = queries * truth.k;
  return {
    queries,
    k: truth.k,
    ids: truth.ids.subarray(0, cells),
    distances: truth.distances.subarray(0, cells),
  };
}
