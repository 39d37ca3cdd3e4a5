/**
 * What an index with codes by product quantisation reads when it stays in its file and nothing is in memory but the codes: pages
 * of a query, with 4 records at a time and every record of a page scored. A search in memory goes the same way, and scores a page
 * once; so its count of distances is that of the pages.
 */
import { describe, expect, test } from "vitest";
import type { SearchCounters } from "../../ts/core/types.js";
import { typeOptions } from "../golden/recipe.js";
import { recallAt } from "../support/truth.js";
import { dataset, type Index, Native } from "./subjects.js";

const MINUTES = 60_000;
const READ_BYTES = 4096;

/** Recall, and reads of a query in units of 4096 bytes. */
async function readsAt(index: Index, name: "image" | "text", list: number): Promise<[number, number]> {
  const { queries, truth } = dataset(name);
  const options = { k: 10, searchListSize: list, beamWidth: 4, pageSearch: true };
  const batch = await index.searchBatch(queries.values, options);
  const { distanceComputations } = batch.counters as SearchCounters;
  const { recordsPerPage, pageBytes } = index.stats().layout;
  const pages = distanceComputations / truth.queries / recordsPerPage;
  return [recallAt(10, truth, batch.ids), (pages * pageBytes) / READ_BYTES];
}

describe.each([
  {
    name: "image",
    what: "100,000 image descriptors as u8, R 64, 32 bytes a code",
    options: { ...typeOptions("u8"), maxDegree: 64, codeBytes: 32 },
    bounds: [
      [0.96, 24],
      [0.987, 33],
      [0.995, 43],
    ],
  },
  {
    name: "text",
    what: "25,000 text embeddings as f16, R 56, 96 bytes a code",
    options: { ...typeOptions("f16"), maxDegree: 56, codeBytes: 96 },
    bounds: [
      [0.96, 25],
      [0.987, 42],
    ],
  },
  {
    name: "text",
    what: "25,000 text embeddings as f32, R 96, 96 bytes a code",
    options: { ...typeOptions("f32"), maxDegree: 96, codeBytes: 96 },
    bounds: [
      [0.96, 25],
      [0.987, 42],
    ],
  },
] as const)("$what", ({ name, options, bounds }) => {
  test(
    "a search reads few pages",
    async () => {
      const { base, metric } = dataset(name);
      const shape = { dimensions: base.dimensions, metric, codes: "pq", ...options } as const;
      const index = await Native.build(base.values, shape);
      let list = 10;
      for (const [recall, most] of bounds) {
        let [found, reads] = await readsAt(index, name, list);
        while (found < recall && list < 500) [found, reads] = await readsAt(index, name, ++list);
        console.log(`recall@10 ${found.toFixed(4)}: ${reads.toFixed(1)} reads, search list size ${list}`);
        expect(found).toBeGreaterThanOrEqual(recall);
        expect(reads).toBeLessThanOrEqual(most);
      }
      await index.close();
    },
    8 * MINUTES,
  );
});
