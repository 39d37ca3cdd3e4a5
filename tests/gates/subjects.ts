/** What the gates look at: both builds of the core behind the API, from source, and the data. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { defineVectorIndex } from "../../ts/api/define.js";
import { nativeBackend } from "../../ts/backend/native/index.js";
import { wasmBackend } from "../../ts/backend/wasm/index.js";
import type { SearchBatch, SearchCounters } from "../../ts/core/types.js";
import { type Dataset, type DatasetName, loadDataset, repositoryRoot } from "../support/data.js";
import type { Truth } from "../support/truth.js";
import { recallAt } from "../support/truth.js";

export const Native = defineVectorIndex<object>(() => nativeBackend({}));

const wasmBinary = (): Uint8Array => readFileSync(join(repositoryRoot(), "dist/diskann.wasm"));
export const Wasm = defineVectorIndex<object>(() =>
  wasmBackend({ wasmBinary: wasmBinary() }, () => new URL("diskann.wasm", import.meta.url)),
);

export type Index = Awaited<ReturnType<typeof Native.create>>;

const loaded = new Map<DatasetName, Dataset>();

/** A whole data set, once: without the real data its truth costs a scan. */
export function dataset(name: DatasetName): Dataset {
  const data = loaded.get(name) ?? loadDataset(name);
  loaded.set(name, data);
  return data;
}

export interface Measured {
  readonly list: number;
  readonly recall: number;
  /** Distance computations of a query. */
  readonly distances: number;
  /** Records it expanded. */
  readonly hops: number;
  readonly batch: SearchBatch;
}

/** One pass over all queries, k = 10. */
export async function measure(
  index: Index,
  queries: Float32Array,
  truth: Truth,
  list: number,
): Promise<Measured> {
  const batch = await index.searchBatch(queries, { k: 10, searchListSize: list });
  const { counters } = batch as SearchBatch & { readonly counters: SearchCounters };
  const recall = recallAt(10, truth, batch.ids);
  const { queries: count } = truth;
  const distances = counters.distanceComputations / count;
  return { list, recall, distances, hops: counters.hops / count, batch };
}

/** Work of a query at a recall, on the straight line between the two passes around it. */
export async function workAt(
  index: Index,
  queries: Float32Array,
  truth: Truth,
  recall: number,
  work: "distances" | "hops",
): Promise<number> {
  let low = await measure(index, queries, truth, 10);
  let high = low;
  for (let list = 11; high.recall < recall && list < 2000; list = Math.ceil(list * 1.1)) {
    low = high;
    high = await measure(index, queries, truth, list);
  }
  if (high.recall < recall) {
    return Number.POSITIVE_INFINITY;
  }
  const share = high.recall > low.recall ? (recall - low.recall) / (high.recall - low.recall) : 1;
  return low[work] + share * (high[work] - low[work]);
}
