/**
 * What product quantisation loses: the error of reconstruction, and recall of a search among codes, alone and after the 100 nearest
 * have been compared exactly. The same numbers on every machine; generated data are harder to compress.
 */
import { beforeAll, describe, expect, test } from "vitest";
import { ProductQuantizer as Native } from "../../ts/pq-native.js";
import { ProductQuantizer as Wasm } from "../../ts/pq-wasm.js";
import { distance } from "../conformance/model.js";
import type { Dataset } from "../support/data.js";
import { recallAt } from "../support/truth.js";
import { dataset } from "./subjects.js";

const MINUTES = 60_000;
const QUERIES = 200;
const CANDIDATES = 100;
const K = 10;

type Quantizer = Awaited<ReturnType<typeof Native.train>>;

/** The places of the k nearest of each query: among the codes, and among the exact distances of the candidates. */
async function answer(
  quantizer: Quantizer,
  codes: Uint8Array,
  data: Dataset,
): Promise<{ coded: Float64Array; exact: Float64Array }> {
  const { base, queries, metric } = data;
  const { dimensions } = base;
  const rowOf = (flat: Float32Array, row: number) => flat.subarray(row * dimensions, (row + 1) * dimensions);
  const coded = new Float64Array(QUERIES * K);
  const exact = new Float64Array(QUERIES * K);
  for (let row = 0; row < QUERIES; row++) {
    const query = rowOf(queries.values, row);
    const hits = await quantizer.search(codes, query, { k: CANDIDATES, metric });
    const again = hits.map(({ id }) => ({ id, distance: distance(metric, rowOf(base.values, id), query) }));
    again.sort((a, b) => a.distance - b.distance);
    for (let i = 0; i < K; i++) {
      coded[row * K + i] = hits[i]?.id ?? Number.NaN;
      exact[row * K + i] = again[i]?.id ?? Number.NaN;
    }
  }
  return { coded, exact };
}

describe.each([
  {
    what: "100,000 image descriptors in 16 bytes",
    name: "image",
    chunks: 16,
    sampleSize: 20_000,
    real: { error: 0.05, coded: 0.6, exact: 0.985 },
    generated: { error: 0.26, coded: 0.48, exact: 0.965 },
  },
  {
    what: "25,000 text embeddings in 48 bytes",
    name: "text",
    chunks: 48,
    sampleSize: 5000,
    real: { error: 0.29, coded: 0.7, exact: 0.99 },
    generated: { error: 0.24, coded: 0.68, exact: 0.985 },
  },
] as const)("$what", ({ name, chunks, sampleSize, ...bounds }) => {
  let data: Dataset;
  const bound = () => (data.real ? bounds.real : bounds.generated);
  let quantizer: Quantizer;
  beforeAll(async () => {
    data = dataset(name);
    const { dimensions, values } = data.base;
    quantizer = await Native.train(values, { dimensions, chunks, sampleSize });
  }, 4 * MINUTES);

  test("lose no more than they may", async () => {
    const { relative, count } = await quantizer.error(data.base.values);
    console.log(`relative error ${relative.toFixed(4)}`);
    expect(count).toBe(data.base.rows);
    expect(relative).toBeLessThanOrEqual(bound().error);
  });

  test(
    "find the 10 nearest by themselves, and better after an exact look at 100",
    async () => {
      const codes = await quantizer.encode(data.base.values);
      const found = await answer(quantizer, codes, data);
      const truth = { ...data.truth, queries: QUERIES };
      const recall = {
        coded: recallAt(K, truth, found.coded),
        exact: recallAt(K, truth, found.exact),
      };
      console.log(
        `recall@10 among codes ${recall.coded.toFixed(4)}, after a look ${recall.exact.toFixed(4)}`,
      );
      expect(recall.coded).toBeGreaterThanOrEqual(bound().coded);
      expect(recall.exact).toBeGreaterThanOrEqual(bound().exact);
    },
    2 * MINUTES,
  );

  test(
    "are the same bytes in WebAssembly, and so are the hits",
    async () => {
      const { base, queries, metric } = data;
      const rows = base.values.subarray(0, 4000 * base.dimensions);
      const query = queries.values.subarray(0, base.dimensions);
      const seen = await Promise.all(
        [Native, Wasm].map(async (ProductQuantizer) => {
          const own = await ProductQuantizer.train(rows, {
            dimensions: base.dimensions,
            chunks,
            iterations: 3,
          });
          const codes = await own.encode(rows);
          const hits = await own.search(codes, query, { k: 50, metric });
          return { pivots: Buffer.from(await own.toBytes()), codes: Buffer.from(codes), hits };
        }),
      );
      expect(seen[0]?.pivots.equals(seen[1]?.pivots as Buffer)).toBe(true);
      expect(seen[0]?.codes.equals(seen[1]?.codes as Buffer)).toBe(true);
      expect(seen[0]?.hits).toEqual(seen[1]?.hits);
    },
    2 * MINUTES,
  );
});
