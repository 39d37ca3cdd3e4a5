/** The truth in a few lines: what an exact index answers. Sums in float64; ties by id. */
import type { DataType, Metric } from "../../ts/core/types.js";
import { generate } from "../support/generate.js";

export interface ModelHit {
  readonly id: number;
  readonly distance: number;
}

export function distance(metric: Metric, a: ArrayLike<number>, b: ArrayLike<number>): number {
  let dot = 0;
  let square = 0;
  let absolute = 0;
  let aa = 0;
  let bb = 0;
  for (let i = 0; i < a.length; i++) {
    const x = a[i] as number;
    const y = b[i] as number;
    dot += x * y;
    aa += x * x;
    bb += y * y;
    square += (x - y) * (x - y);
    absolute += Math.abs(x - y);
  }
  if (metric === "l2") return square;
  if (metric === "l1") return absolute;
  if (metric === "ip") return -dot;
  return aa === 0 || bb === 0 ? 1 : 1 - dot / Math.sqrt(aa * bb);
}

export function nearest(
  metric: Metric,
  rows: readonly (readonly [number, ArrayLike<number>])[],
  query: ArrayLike<number>,
  k: number,
): ModelHit[] {
  const hits = rows.map(([id, row]) => ({ id, distance: distance(metric, row, query) }));
  hits.sort((a, b) => a.distance - b.distance || a.id - b.id);
  return hits.slice(0, k);
}

export function rowsOf(flat: Float32Array, dimensions: number): [number, Float32Array][] {
  const rows: [number, Float32Array][] = [];
  for (let i = 0; i * dimensions < flat.length; i++) {
    rows.push([i, flat.subarray(i * dimensions, (i + 1) * dimensions)]);
  }
  return rows;
}

/** Clustered vectors of low inner dimension, always the same; `stream` 1: queries of the same kind. */
export function sample(rows: number, dimensions: number, stream = 0): Float32Array {
  const shape = { latent: 8, clusters: 40, decay: 1, spread: [0.5, 0.5], noise: 0.1, unit: false } as const;
  return generate({ shape, rows, dimensions, stream, seed: 7 });
}

/** As `sample`, but of numbers that an index of a type holds exactly. */
export function sampleOf(dataType: DataType = "f32"): typeof sample {
  if (dataType === "f32") return sample;
  const hold = HOLD[dataType];
  return (rows, dimensions, stream) => sample(rows, dimensions, stream).map(hold);
}

const between = (low: number, high: number, value: number): number =>
  Math.max(low, Math.min(high, Math.round(value)));

const HOLD = {
  f16: (value: number) => between(-1023, 1023, 64 * value) / 64,
  i8: (value: number) => between(-128, 127, 24 * value),
  u8: (value: number) => between(0, 255, 128 + 24 * value),
} as const;

/** What an index with `quantize: "i8"` keeps of a row, to the bit. */
export function quantized(row: ArrayLike<number>): Float32Array {
  const { fround } = Math;
  const floats = Float32Array.from(row);
  const least = floats.reduce((a, b) => (b < a ? b : a));
  const range = fround(floats.reduce((a, b) => (b > a ? b : a)) - least);
  const isFlat = range <= 2 ** -118;
  const step = isFlat ? 0 : fround(range / 255);
  const inverse = isFlat ? 0 : fround(255 / range);
  return floats.map((value) => {
    const code = Math.min(255, Math.floor(fround(fround(fround(value - least) * inverse) + 0.5)));
    return fround(least + fround(step * code));
  });
}

/** Share of the true neighbours that were found; a hit as near as the last true one counts. */
export function recall(found: readonly ModelHit[], truth: readonly ModelHit[]): number {
  const last = truth.at(-1)?.distance ?? 0;
  const limit = last + Math.abs(last) * 1e-5 + 1e-5;
  return found.filter((hit) => hit.distance <= limit).length / truth.length;
}
