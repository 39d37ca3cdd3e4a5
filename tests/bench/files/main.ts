/**
 * How the addon reads a paged file: `npm run bench -- files`. Image descriptors as floats, codes "pq", no page cache of ours, so
 * that each read is the system's or the disk's. Ways take turns; a figure is the best of its turns, since others of the machine can
 * only make it worse. What is cold has been dropped from the system's cache (dd, of Linux).
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { VectorIndex } from "diskann";
import { loadDataset, repositoryRoot } from "../../support/data.js";
import { table } from "../report.js";

const WAYS = ["pread", "mmap", "direct"] as const;
const TURNS = 5;
const QUERIES = 400;
const SEARCH = { k: 10, searchListSize: 40 };

type Figures = readonly number[];

function drop(path: string): void {
  const words = [`of=${path}`, "oflag=nocache", "conv=notrunc,fdatasync", "count=0", "status=none"];
  execFileSync("dd", words);
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

/** Milliseconds a query. Opened anew for what is to be cold: pages in a mapping that were touched cannot be dropped. */
async function measure(
  path: string,
  fileAccess: (typeof WAYS)[number],
  queries: Float32Array,
): Promise<Figures> {
  const dimensions = queries.length / QUERIES;
  const open = () => VectorIndex.open(path, { mode: "paged", cacheBytes: 0, fileAccess });
  const oneByOne = async (index: VectorIndex): Promise<void> => {
    for (let i = 0; i < QUERIES; i++)
      await index.search(queries.subarray(i * dimensions, (i + 1) * dimensions), SEARCH);
  };
  const first = await open();
  drop(path);
  const alone = await timed(() => oneByOne(first));
  const warm = await timed(() => oneByOne(first));
  await first.close();
  const second = await open();
  drop(path);
  const batch = await timed(() => second.searchBatch(queries, { ...SEARCH, threads: 2 }));
  await second.close();
  return [alone, batch, warm].map((time) => time / QUERIES);
}

async function main(): Promise<void> {
  const { base, queries } = loadDataset("image", { queries: QUERIES, truth: false });
  const folder = join(repositoryRoot(), "build/bench/files");
  const path = join(folder, "image.diskann");
  mkdirSync(folder, { recursive: true });
  if (!existsSync(path)) {
    const built = await VectorIndex.build(base.values, { dimensions: base.dimensions, codes: "pq" });
    await built.save(path);
    await built.close();
  }
  const best = new Map<string, Figures>();
  for (let turn = 0; turn < TURNS; turn++)
    for (const way of WAYS) {
      const found = await measure(path, way, queries.values);
      const before = best.get(way);
      best.set(
        way,
        found.map((time, i) => Math.min(time, before?.[i] ?? time)),
      );
    }
  const head = [
    "fileAccess",
    "cold, one by one, ms a query",
    "cold, a batch on 2 threads",
    "warm, one by one",
  ];
  const rows = [...best].map(([way, times]) => [way, ...times.map((time) => time.toFixed(2))]);
  console.log(table(head, rows));
}

await main();
