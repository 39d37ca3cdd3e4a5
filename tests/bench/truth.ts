/** Brute force by the kernels of the addon, for sets that plain JavaScript (tests/support/truth.ts) would take minutes over. */
import type { Vectors } from "../support/data.js";
import type { Truth } from "../support/truth.js";

const K = 100;

/** `searchExact` compares with every vector; the graph that it does not look at is as small as there is. */
export async function kernelTruth(base: Vectors, queries: Vectors, metric: "l2" | "cosine"): Promise<Truth> {
  const { VectorIndex } = await import("../../ts/native.js");
  const { dimensions, rows } = base;
  const shape = { dimensions, metric, maxDegree: 4, buildListSize: 4, codes: "none" } as const;
  const index = await VectorIndex.build(base.values, shape);
  const k = Math.min(K, rows);
  const ids = new Uint32Array(queries.rows * k);
  const distances = new Float32Array(queries.rows * k);
  for (let q = 0; q < queries.rows; q++) {
    const query = queries.values.subarray(q * dimensions, (q + 1) * dimensions);
    const hits = await index.searchExact(query, { k });
    ids.set(
      hits.map(({ id }) => id),
      q * k,
    );
    distances.set(
      hits.map(({ distance }) => distance),
      q * k,
    );
  }
  await index.close();
  return { queries: queries.rows, k, ids, distances };
}
