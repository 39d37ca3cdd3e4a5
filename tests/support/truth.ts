/** Brute force in plain JavaScript: a truth that shares no code with what it judges. */
import type { Vectors } from "./data.js";

/** The k nearest of each query, nearest first, ties by id. */
export interface Truth {
  readonly queries: number;
  readonly k: number;
  readonly ids: Uint32Array;
  readonly distances: Float32Array;
}

/** Squared Euclidean distance, or `bound` as soon as it is certain to be no smaller. */
function squaredDistance(
  a: Float32Array,
  ai: number,
  b: Float32Array,
  bi: number,
  d: number,
  bound: number,
): number {
  let sum = 0;
  for (let start = 0; start < d; start += 32) {
    const end = Math.min(start + 32, d);
    let even = 0;
    let odd = 0;
    let i = start;
    for (; i + 1 < end; i += 2) {
      const x = (a[ai + i] as number) - (b[bi + i] as number);
      const y = (a[ai + i + 1] as number) - (b[bi + i + 1] as number);
      even += x * x;
      odd += y * y;
    }
    if (i < end) {
      const x = (a[ai + i] as number) - (b[bi + i] as number);
      even += x * x;
    }
    sum += even + odd;
    if (sum >= bound) {
      return bound;
    }
  }
  return sum;
}

function innerProduct(a: Float32Array, ai: number, b: Float32Array, bi: number, d: number): number {
  let even = 0;
  let odd = 0;
  let i = 0;
  for (; i + 1 < d; i += 2) {
    even += (a[ai + i] as number) * (b[bi + i] as number);
    odd += (a[ai + i + 1] as number) * (b[bi + i + 1] as number);
  }
  return i < d ? even + odd + (a[ai + i] as number) * (b[bi + i] as number) : even + odd;
}

/** The k smallest of one query so far, ascending. */
class Nearest {
  readonly ids: Uint32Array;
  readonly distances: Float64Array;
  #count = 0;

  constructor(k: number) {
    this.ids = new Uint32Array(k);
    this.distances = new Float64Array(k).fill(Number.POSITIVE_INFINITY);
  }

  get worst(): number {
    return this.distances[this.distances.length - 1] as number;
  }

  /** Ids come ascending, so an equal distance goes behind. */
  offer(id: number, distance: number): void {
    if (distance >= this.worst) {
      return;
    }
    let at = Math.min(this.#count, this.ids.length - 1);
    while (at > 0 && (this.distances[at - 1] as number) > distance) {
      this.distances[at] = this.distances[at - 1] as number;
      this.ids[at] = this.ids[at - 1] as number;
      at--;
    }
    this.distances[at] = distance;
    this.ids[at] = id;
    this.#count = Math.min(this.#count + 1, this.ids.length);
  }
}

/** Scans `base`; `cosine` expects rows of length 1. */
export function exactTruth(base: Vectors, queries: Vectors, metric: "l2" | "cosine", k: number): Truth {
  const d = base.dimensions;
  const kept = Math.min(k, base.rows);
  const lists = Array.from({ length: queries.rows }, () => new Nearest(kept));
  for (let row = 0; row < base.rows; row++) {
    for (let q = 0; q < queries.rows; q++) {
      const list = lists[q] as Nearest;
      const distance =
        metric === "l2"
          ? squaredDistance(queries.values, q * d, base.values, row * d, d, list.worst)
          : 1 - innerProduct(queries.values, q * d, base.values, row * d, d);
      list.offer(row, distance);
    }
  }
  const truth = { queries: queries.rows, k: kept, ids: new Uint32Array(kept * queries.rows) };
  const distances = new Float32Array(kept * queries.rows);
  for (const [q, list] of lists.entries()) {
    truth.ids.set(list.ids, q * kept);
    distances.set(list.distances, q * kept);
  }
  return { ...truth, distances };
}

/**
 * recall@k by Microsoft's rule: the truth of a query is its k nearest and all that tie with the k-th. `ids`: `stride`
 * hits a query, of which the first k count; an id that comes twice counts once, and NaN is no hit.
 */
export function recallAt(k: number, truth: Truth, ids: ArrayLike<number>, stride = k): number {
  if (k > truth.k || k > stride) {
    throw new Error(`recall@${k} of ${stride} hits and a truth of ${truth.k}`);
  }
  let found = 0;
  for (let q = 0; q < truth.queries; q++) {
    const base = q * truth.k;
    const worst = truth.distances[base + k - 1] as number;
    const right = new Set<number>();
    for (let i = 0; i < truth.k && (i < k || truth.distances[base + i] === worst); i++) {
      right.add(truth.ids[base + i] as number);
    }
    for (let i = 0; i < k; i++) {
      found += right.delete(ids[q * stride + i] as number) ? 1 : 0;
    }
  }
  return found / (truth.queries * k);
}
