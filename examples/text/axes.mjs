/**
 * The axes along which vectors differ most (a singular value decomposition, as in latent semantic analysis): texts about one thing come
 * nearer to each other than their words alone are, and searches have it easier.
 */

const ROUNDS = 30;

/** @type {(a: ArrayLike<number>, b: ArrayLike<number>) => number} */
function dot(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}

/** Sums of products of the elements of all vectors. */
function products(/** @type {readonly Float32Array[]} */ vectors, /** @type {number} */ dimensions) {
  const sums = Array.from({ length: dimensions }, () => new Float64Array(dimensions));
  for (const vector of vectors)
    for (const [i, row] of sums.entries()) {
      const factor = vector[i] ?? 0;
      for (let j = 0; j < dimensions; j++) row[j] = (row[j] ?? 0) + factor * (vector[j] ?? 0);
    }
  return sums;
}

/** Makes axes stand upright on each other, and of length 1. */
function straighten(/** @type {Float64Array[]} */ axes) {
  for (const [i, axis] of axes.entries()) {
    for (const other of axes.slice(0, i)) {
      const part = dot(axis, other);
      for (let j = 0; j < axis.length; j++) axis[j] = (axis[j] ?? 0) - part * (other[j] ?? 0);
    }
    const length = Math.sqrt(dot(axis, axis));
    for (let j = 0; j < axis.length; j++) axis[j] = (axis[j] ?? 0) / length;
  }
}

/**
 * The strongest axes, one after the other in one array, by orthogonal iteration.
 *
 * @param {readonly Float32Array[]} vectors
 * @param {number} count
 */
export function principalAxes(vectors, count) {
  const dimensions = vectors[0]?.length ?? 0;
  const sums = products(vectors, dimensions);
  /** @type {Float64Array[]} */
  let axes = sums.slice(0, count).map((row) => row.slice());
  for (let round = 0; round < ROUNDS; round++) {
    straighten(axes);
    axes = axes.map((axis) => Float64Array.from(sums, (row) => dot(row, axis)));
  }
  straighten(axes);
  return Float32Array.from(axes.flatMap((axis) => [...axis]));
}

/**
 * A vector by its places on the axes.
 *
 * @param {Float32Array} axes
 * @param {Float32Array} vector
 */
export function project(axes, vector) {
  const { length } = vector;
  return Float32Array.from({ length: axes.length / length }, (_, i) =>
    dot(axes.subarray(i * length, (i + 1) * length), vector),
  );
}
