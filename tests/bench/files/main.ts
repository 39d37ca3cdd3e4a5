/**
 * Indexes that stay in their files: `npm run bench -- files`. How the addon reads one: image descriptors as floats, codes "pq", no page
 * cache of ours, so that each read is the system's or the disk's. Ways take turns; a figure is the best of its turns, since others of
 * the machine can only make it worse. What is cold has been dropped from the system's cache (dd, of Linux). And what pages cost that
 * are all in the cache: warm.ts.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { VectorIndex } from "diskann";
import { type Dataset, loadDataset, repositoryRoot } from "../../support/data.js";
import { table } from "../report.js";
import { compareWarm } from "./warm.js";

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

/** Built once. */
async function fileOf({ name, base, metric }: Dataset, codes: "1bit" | "pq"): Promise<string> {
  const folder = join(repositoryRoot(), "build/bench/files");
  const path = join(folder, `${name}-${codes}.diskann`);
  mkdirSync(folder, { recursive: true });
  if (existsSync(path)) return path;
  const built = await VectorIndex.build(base.values, { dimensions: base.dimensions, metric, codes });
  await built.save(path);
  await built.close();
  return path;
}

async function compareWays({ queries }: Dataset, path: string): Promise<void> {
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

const sets = (["image", "text"] as const).map((name) =>
  loadDataset(name, { queries: QUERIES, truth: false }),
);
const shares: string[][] = [];
for (const [i, set] of sets.entries()) {
  const paths = [await fileOf(set, "1bit"), await fileOf(set, "pq")];
  if (i === 0) await compareWays(set, paths[1] as string);
  shares.push(...(await compareWarm(set.name, paths, set.queries.values)));
}
const head = ["warm, of the speed in memory", "codes", "", "one by one", "a batch, one thread"];
console.log(`\n${table(head, shares)}`);
