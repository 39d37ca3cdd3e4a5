/**
 * An index in its file beside the same in memory, when the page cache holds all of the file: equal options, one thread, by turns,
 * the best of each. What is left is what pages cost that are there.
 */
import { statSync } from "node:fs";
import { VectorIndex as Native } from "diskann";
import { VectorIndex as Wasm } from "diskann/wasm";

const TURNS = 7;
const SEARCH = { k: 10, searchListSize: 40, beamWidth: 4, pageSearch: true, threads: 1 };
const BACKENDS = [
  ["addon", Native],
  ["WebAssembly", Wasm],
] as const;

/** One by one and in a batch: milliseconds of all. */
async function measure(index: Native, queries: Float32Array): Promise<number[]> {
  const { dimensions } = index;
  const began = performance.now();
  for (let at = 0; at < queries.length; at += dimensions)
    await index.search(queries.subarray(at, at + dimensions), SEARCH);
  const between = performance.now();
  await index.searchBatch(queries, SEARCH);
  return [between - began, performance.now() - between];
}

/** Rows of a table: the speed from the file as a share of that from memory. */
export async function compareWarm(
  name: string,
  paths: readonly string[],
  queries: Float32Array,
): Promise<string[][]> {
  const rows: string[][] = [];
  for (const path of paths) {
    for (const [backend, Index] of BACKENDS) {
      const cacheBytes = 2 * statSync(path).size;
      const both = await Promise.all([
        Index.open(path, { mode: "resident" }),
        Index.open(path, { mode: "paged", cacheBytes }),
      ]);
      const best = both.map(() => [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]);
      for (let turn = 0; turn <= TURNS; turn++) {
        for (const [i, index] of both.entries()) {
          const times = await measure(index, queries);
          // The first turn fills the cache.
          if (turn > 0) best[i] = times.map((time, j) => Math.min(time, best[i]?.[j] ?? time));
        }
      }
      const { codes, cache } = both[1].stats();
      if ((cache?.bytes ?? 0) === 0) throw new Error("nothing is in the cache");
      for (const index of both) await index.close();
      const [memory = [], file = []] = best;
      const shares = memory.map((time, j) => (time / (file[j] as number)).toFixed(2));
      rows.push([name, codes, backend, ...shares]);
    }
  }
  return rows;
}
