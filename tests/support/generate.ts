/**
 * The one generator of made-up vectors: a mixture of clusters in a latent space of few dimensions, projected to the
 * wanted dimensions, plus noise. `generate.h` is the same in C, to the bit; `tests/bench/shape.ts` measures how hard
 * its data are for a graph, which is where the numbers in SHAPES come from.
 *
 * A row depends on (shape, dimensions, seed, stream, row number) only: the first rows of a large set are the rows of a
 * small one, and any piece can be made alone. Sums are made in a fixed order in f64 and rounded to f32 once.
 */
import { Random } from "./random.js";

export interface Shape {
  /** Dimensions of the latent space. */
  readonly latent: number;
  readonly clusters: number;
  /** Each latent axis is this much shorter than the one before: 1 = round. */
  readonly decay: number;
  /** Spread of a cluster about its centre; centres have spread 1. Each cluster draws its own between the two. */
  readonly spread: readonly [number, number];
  /** Spread of the noise added to each dimension after the projection, where a latent axis has spread 1. */
  readonly noise: number;
  /** Every row is scaled to length 1. */
  readonly unit: boolean;
}

export const SHAPES = {
  /** As hard for a graph as 100,000 SIFT descriptors of 128 dimensions. */
  image: { latent: 32, clusters: 1000, decay: 0.95, spread: [0.78, 0.9], noise: 0.3, unit: false },
  /** As hard as 25,000 text embeddings of 384 dimensions. */
  text: { latent: 32, clusters: 1000, decay: 0.95, spread: [0.1, 1.8], noise: 0.3, unit: true },
} as const satisfies Record<string, Shape>;

export interface GenerateOptions {
  readonly shape?: keyof typeof SHAPES | Shape | undefined;
  readonly dimensions: number;
  readonly rows: number;
  /** The number of the first row; default 0. */
  readonly first?: number | undefined;
  /** Which mixture; default 1. */
  readonly seed?: number | undefined;
  /** Which sample of the mixture: 0 = the set (default), 1 = queries. */
  readonly stream?: number | undefined;
}

/** What all rows of a data set have in common. */
interface Mixture {
  readonly shape: Shape;
  readonly dimensions: number;
  /** [clusters][latent] */
  readonly centres: Float64Array;
  /** [clusters] */
  readonly spreads: Float64Array;
  /** [latent]: length of each axis */
  readonly axes: Float64Array;
  /** [latent][dimensions]: rows of the projection */
  readonly projection: Float64Array;
}

function mixtureOf(shape: Shape, dimensions: number, random: Random): Mixture {
  const { latent, clusters } = shape;
  const axes = new Float64Array(latent);
  let axis = 1;
  for (let j = 0; j < latent; j++) {
    axes[j] = axis;
    axis *= shape.decay;
  }
  const projection = new Float64Array(latent * dimensions);
  for (let i = 0; i < projection.length; i++) {
    projection[i] = random.deviate();
  }
  const centres = new Float64Array(clusters * latent);
  const spreads = new Float64Array(clusters);
  const [low, high] = shape.spread;
  for (let c = 0; c < clusters; c++) {
    spreads[c] = low + (high - low) * random.uniform();
    for (let j = 0; j < latent; j++) {
      centres[c * latent + j] = random.deviate() * (axes[j] as number);
    }
  }
  return { shape, dimensions, centres, spreads, axes, projection };
}

/** One row into out[at ..]; `sums` is scratch of `dimensions` numbers. */
function fillRow(mixture: Mixture, random: Random, sums: Float64Array, out: Float32Array, at: number): void {
  const { shape, dimensions, centres, spreads, axes, projection } = mixture;
  const { latent, noise } = shape;
  // The square makes some clusters large and most small, as in real data.
  const draw = random.uniform();
  const cluster = Math.floor(draw * draw * shape.clusters);
  const spread = spreads[cluster] as number;
  sums.fill(0);
  for (let j = 0; j < latent; j++) {
    const axis = axes[j] as number;
    const value = (centres[cluster * latent + j] as number) + random.deviate() * spread * axis;
    const base = j * dimensions;
    for (let i = 0; i < dimensions; i++) {
      sums[i] = (sums[i] as number) + value * (projection[base + i] as number);
    }
  }
  let square = 0;
  for (let i = 0; i < dimensions; i++) {
    const sum = (sums[i] as number) + noise * random.deviate();
    sums[i] = sum;
    square += sum * sum;
  }
  const length = shape.unit ? Math.sqrt(square) : 1;
  for (let i = 0; i < dimensions; i++) {
    out[at + i] = (sums[i] as number) / length;
  }
}

/** `rows` x `dimensions` floats, row-major. */
export function generate(options: GenerateOptions): Float32Array {
  const { dimensions, rows, first = 0, seed = 1, stream = 0 } = options;
  const choice = options.shape ?? "image";
  const shape = typeof choice === "string" ? SHAPES[choice] : choice;
  const mixture = mixtureOf(shape, dimensions, new Random(seed));
  const keys = new Random(BigInt(seed) + (BigInt(stream + 1) << 32n));
  const [keyHigh, keyLow] = drawHalves(keys);
  const out = new Float32Array(rows * dimensions);
  const sums = new Float64Array(dimensions);
  const random = new Random();
  for (let row = 0; row < rows; row++) {
    // A hash of (key, row) is where the row's own sequence starts.
    random.seed(keyHigh, keyLow + first + row);
    random.next();
    random.seed(random.high, random.low);
    fillRow(mixture, random, sums, out, row * dimensions);
  }
  return out;
}

function drawHalves(random: Random): [number, number] {
  random.next();
  return [random.high, random.low];
}
