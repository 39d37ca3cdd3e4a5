/** Brute force over the rows of a file, for an index that keeps less than them. */
import type { Metric } from "../core/types.js";
import { type Rows, rowOf } from "./engine.js";
import { convertElements, type GroundTruth, type VectorFile } from "./formats/index.js";
import type { ProgressView } from "./progress.js";

/** The distance of a query and the row that begins at `at`. */
type Measure = (rows: Float32Array, at: number) => number;

function dot(a: Float32Array, rows: Float32Array, at: number): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (rows[at + i] as number);
  return sum;
}

const MEASURES: Readonly<Record<Metric, (query: Float32Array) => Measure>> = {
  l2: (query) => (rows, at) => {
    let sum = 0;
    for (let i = 0; i < query.length; i++) sum += ((query[i] as number) - (rows[at + i] as number)) ** 2;
    return sum;
  },
  l1: (query) => (rows, at) => {
    let sum = 0;
    for (let i = 0; i < query.length; i++) sum += Math.abs((query[i] as number) - (rows[at + i] as number));
    return sum;
  },
  ip: (query) => (rows, at) => -dot(query, rows, at),
  cosine: (query) => {
    const length = Math.sqrt(dot(query, query, 0));
    return (rows, at) => {
      const row = rows.subarray(at, at + query.length);
      const lengths = length * Math.sqrt(dot(row, row, 0));
      return lengths > 0 ? 1 - dot(query, row, 0) / lengths : 1;
    };
  },
};

interface Nearest {
  readonly queries: number;
  readonly k: number;
  readonly ids: Float64Array;
  readonly distances: Float32Array;
}

/** Puts one into the row of a query, ascending; of equal distances the first that came stays first. */
function offer({ k, ids, distances }: Nearest, query: number, id: number, distance: number): void {
  const first = query * k;
  let place = first + k - 1;
  if (!(distance < (distances[place] as number))) return;
  for (; place > first && distance < (distances[place - 1] as number); place--) {
    distances[place] = distances[place - 1] as number;
    ids[place] = ids[place - 1] as number;
  }
  distances[place] = distance;
  ids[place] = id;
}

/** Rows of a file as queries. */
export async function originalRows(file: VectorFile, positions: readonly number[]): Promise<Rows> {
  const { path, dimensions } = file;
  const data = new Float32Array(positions.length * dimensions);
  for (const [row, position] of positions.entries()) {
    const origin = { path, firstRow: position, dimensions };
    data.set(convertElements(await file.read(position, 1), file.type, "f32", origin), row * dimensions);
  }
  return { path, count: positions.length, dimensions, data };
}

/** The true neighbours among the rows of a file. `ids`: theirs in the index, if they are not their places. */
export async function originalTruth(
  file: VectorFile,
  metric: Metric,
  queries: Rows,
  k: number,
  options: { ids: ArrayLike<number> | undefined; signal: AbortSignal; progress: ProgressView },
): Promise<GroundTruth> {
  const { path, dimensions, count } = file;
  const width = Math.min(k, count);
  const nearest: Nearest = {
    queries: queries.count,
    k: width,
    ids: new Float64Array(queries.count * width),
    distances: new Float32Array(queries.count * width).fill(Number.POSITIVE_INFINITY),
  };
  for await (const slab of file.slabs({ signal: options.signal })) {
    const origin = { path, firstRow: slab.first, dimensions };
    const rows = convertElements(slab.elements, file.type, "f32", origin) as Float32Array;
    for (let query = 0; query < queries.count; query++) {
      const measure = MEASURES[metric](rowOf(queries, query));
      for (let row = 0; row < slab.count; row++) {
        const position = slab.first + row;
        const id = options.ids?.[position] ?? position;
        offer(nearest, query, id, measure(rows, row * dimensions));
      }
    }
    options.progress.update({ phase: "brute force", done: slab.first + slab.count, total: count }, "vectors");
  }
  return nearest;
}
