/** Random shapes of quantisers: both builds make the same bytes, and every code is the nearest centroid by plain arithmetic. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { ProductQuantizer as Native } from "../../ts/pq-native.js";
import { ProductQuantizer as Wasm } from "../../ts/pq-wasm.js";
import { readPivots } from "../../ts/storage/pq-files.js";
import type { PqEntry } from "../conformance/kit.js";

const RUNS = 300;
const f32 = Math.fround;

interface Made {
  readonly file: Uint8Array;
  readonly codes: Uint8Array;
  readonly decoded: Float32Array;
}

/** A shape, and rows of few or many different values: few make ties, empty centroids and equal rows. */
const subject = fc.integer({ min: 1, max: 24 }).chain((dimensions) =>
  fc.record({
    dimensions: fc.constant(dimensions),
    chunks: fc.integer({ min: 1, max: dimensions }),
    centroids: fc.constantFrom(1, 2, 5, 64, 256),
    iterations: fc.integer({ min: 1, max: 6 }),
    sampleSize: fc.constantFrom(1, 50, 1000),
    center: fc.boolean(),
    seed: fc.nat(),
    threads: fc.integer({ min: 1, max: 4 }),
    rows: fc
      .tuple(fc.integer({ min: 1, max: 400 }), fc.constantFrom(1, 2, 9, 1 << 20), fc.nat())
      .map(([count, values, salt]) =>
        Float32Array.from(
          { length: count * dimensions },
          (_, i) => (Math.imul(i + salt, 2654435761) >>> 8) % values,
        ),
      ),
  }),
);

type Options = typeof subject extends fc.Arbitrary<infer Value> ? Value : never;

async function make(ProductQuantizer: PqEntry, options: Options): Promise<Made> {
  const { rows, ...shape } = options;
  const quantizer = await ProductQuantizer.train(rows, shape);
  try {
    const codes = await quantizer.encode(rows);
    return { file: await quantizer.toBytes(), codes, decoded: await quantizer.decode(codes) };
  } finally {
    await quantizer.close();
  }
}

/** The lowest of the nearest centroids of one chunk of one row, each step rounded to float32. */
function nearestCentroid(
  { pivots, centre, centroids, dimensions }: ReturnType<typeof readPivots>,
  row: Float32Array,
  begin: number,
  end: number,
): number {
  let best = Number.POSITIVE_INFINITY;
  let number = 0;
  for (let k = 0; k < centroids; k++) {
    let sum = 0;
    for (let j = begin; j < end; j++) {
      const own = f32((row[j] as number) - (centre[j] as number));
      const difference = f32(own - (pivots[k * dimensions + j] as number));
      sum = f32(sum + f32(difference * difference));
    }
    if (sum < best) [best, number] = [sum, k];
  }
  return number;
}

function checkCodes({ file, codes, decoded }: Made, rows: Float32Array): void {
  const parts = readPivots(file);
  const { dimensions, chunks, offsets, pivots, centre } = parts;
  expect(codes.length).toBe((rows.length / dimensions) * chunks);
  expect(decoded.length).toBe(rows.length);
  for (let row = 0; row * dimensions < rows.length; row += 7) {
    const own = rows.subarray(row * dimensions, (row + 1) * dimensions);
    for (let c = 0; c < chunks; c++) {
      const [begin, end] = [offsets[c] as number, offsets[c + 1] as number];
      const code = codes[row * chunks + c] as number;
      expect(code).toBe(nearestCentroid(parts, own, begin, end));
      for (let j = begin; j < end; j++) {
        const value = f32((pivots[code * dimensions + j] as number) + (centre[j] as number));
        expect(decoded[row * dimensions + j]).toBe(value);
      }
    }
  }
}

test("a quantiser of any shape is the same natively and in WebAssembly, and its codes are the nearest", async () => {
  await fc.assert(
    fc.asyncProperty(subject, async (options) => {
      const [native, wasm] = await Promise.all([make(Native, options), make(Wasm, options)]);
      expect(Buffer.compare(native.file, wasm.file)).toBe(0);
      expect(Buffer.compare(native.codes, wasm.codes)).toBe(0);
      checkCodes(native, options.rows);
    }),
    { numRuns: RUNS, seed: 20 },
  );
}, 60_000);
