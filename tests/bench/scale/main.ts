/**
 * `npm run bench -- scale [rows,rows,...]`: how the work of a search grows with the index. Generated image descriptors of 128
 * dimensions, codes in records; each index is built, saved, opened in its place and searched there. A million rows take about a
 * quarter of an hour and 4 GB.
 */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { VectorIndex } from "diskann";
import { repositoryRoot } from "../../support/data.js";
import { generate } from "../../support/generate.js";
import { exactTruth, recallAt, type Truth } from "../../support/truth.js";

const DIMENSIONS = 128;
const QUERIES = 200;
const SIZES = [10_000, 100_000, 1_000_000];
const TARGETS = [0.95, 0.99];
const CACHE_BYTES = 2 ** 24;
const SEARCH = { k: 10, beamWidth: 1, pageSearch: false } as const;

type Index = Awaited<ReturnType<typeof VectorIndex.open>>;

interface Work {
  readonly recall: number;
  readonly distances: number;
  readonly reads: number;
}

function count(rows: number): string {
  return rows.toLocaleString("en-US");
}

function log(line: string): void {
  process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${line}\n`);
}

async function measure(index: Index, queries: Float32Array, truth: Truth, list: number): Promise<Work> {
  let distances = 0;
  let reads = 0;
  const ids = new Float64Array(QUERIES * SEARCH.k);
  for (let q = 0; q < QUERIES; q++) {
    const query = queries.subarray(q * DIMENSIONS, (q + 1) * DIMENSIONS);
    const hits = await index.search(query, { ...SEARCH, searchListSize: list, counters: true });
    distances += (hits.counters?.distanceComputations ?? 0) / QUERIES;
    reads += (hits.counters?.reads ?? 0) / QUERIES;
    hits.forEach(({ id }, i) => {
      ids[q * SEARCH.k + i] = id;
    });
  }
  return { recall: recallAt(SEARCH.k, truth, ids), distances, reads };
}

/** On the straight line between the two lists around each target. */
async function workAt(index: Index, queries: Float32Array, truth: Truth): Promise<number[]> {
  const found: number[] = [];
  let low = await measure(index, queries, truth, 10);
  let high = low;
  for (let list = 11; found.length < TARGETS.length && list < 1000; list = Math.ceil(list * 1.15)) {
    for (let t = found.length; t < TARGETS.length && high.recall >= (TARGETS[t] as number); t++) {
      const share =
        high.recall > low.recall ? ((TARGETS[t] as number) - low.recall) / (high.recall - low.recall) : 1;
      found.push(low.distances + Math.max(0, share) * (high.distances - low.distances));
    }
    low = high;
    high = await measure(index, queries, truth, list);
  }
  return found;
}

async function build(rows: number, path: string, base: Float32Array): Promise<number> {
  const began = performance.now();
  const index = await VectorIndex.build(base, { dimensions: DIMENSIONS, codes: "1bit", threads: 2 });
  const seconds = (performance.now() - began) / 1000;
  log(`${count(rows)} rows are built after ${seconds.toFixed(0)} s`);
  await index.save(path);
  await index.close();
  return seconds;
}

async function row(rows: number, folder: string): Promise<string> {
  const path = join(folder, `scale-${rows}.diskann`);
  const base = generate({ dimensions: DIMENSIONS, rows });
  const queries = generate({ dimensions: DIMENSIONS, rows: QUERIES, stream: 1 });
  const seconds = await build(rows, path, base);
  const vectors = { rows, dimensions: DIMENSIONS, values: base };
  const truth = exactTruth(
    vectors,
    { rows: QUERIES, dimensions: DIMENSIONS, values: queries },
    "l2",
    SEARCH.k,
  );
  log("the truth is known");
  const began = performance.now();
  const index = await VectorIndex.open(path, { mode: "paged", cacheBytes: CACHE_BYTES });
  const opened = performance.now() - began;
  const { memory, layout } = index.stats();
  const beside = (memory.total - (index.stats().cache?.bytes ?? 0)) / 2 ** 20;
  const work = await workAt(index, queries, truth);
  await index.close();
  rmSync(path);
  const perDoubling = (work[0] as number) / Math.log2(rows);
  return [
    count(rows),
    seconds.toFixed(0),
    (layout.fileBytes / 1e6).toFixed(0),
    opened.toFixed(0),
    beside.toFixed(2),
    ...work.map((distances) => distances.toFixed(1)),
    perDoubling.toFixed(2),
  ].join(" | ");
}

async function main(sizes: readonly number[]): Promise<void> {
  const folder = join(repositoryRoot(), "build/bench/scale");
  mkdirSync(folder, { recursive: true });
  console.log(
    "| vectors | build, s (2 threads) | file, MB | open in place, ms | memory beside the cache, MiB " +
      "| distance computations at recall@10 .95 | at .99 | at .95 / log2 n |",
  );
  console.log("|--:|--:|--:|--:|--:|--:|--:|--:|");
  for (const size of sizes) console.log(`| ${await row(size, folder)} |`);
}

const [, wanted] = process.argv.slice(2);
await main(wanted === undefined ? SIZES : wanted.split(",").map(Number));
