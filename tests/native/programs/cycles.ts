/**
 * Makes and frees indexes in a loop and prints, as JSON, how the resident memory went: `node ... cycles.mjs way count`.
 * With --expose-gc.
 */
import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { VectorIndex } from "../../../ts/native.js";
import { ProductQuantizer } from "../../../ts/pq-native.js";
import { someRows } from "./rows.js";

const DIMENSIONS = 32;
const query = someRows(1, DIMENSIONS);
const source = await VectorIndex.build(someRows(100, DIMENSIONS), { dimensions: DIMENSIONS, maxDegree: 8 });
const bytes = await source.toBytes();
const path = join(tmpdir(), `diskann-cycles-${process.pid}`);
writeFileSync(path, bytes);
const rows = someRows(100, DIMENSIONS);
const shape = { dimensions: DIMENSIONS, chunks: 4, centroids: 4, iterations: 1 };
const quantizer = await ProductQuantizer.train(rows, shape);
const pivots = await quantizer.toBytes();

const ways: Record<string, () => Promise<void>> = {
  async create() {
    const index = await VectorIndex.create({ dimensions: DIMENSIONS });
    await index.close();
  },
  async open() {
    const index = await VectorIndex.open(path);
    const hits = await index.search(query, { k: 1 });
    if (hits[0]?.id !== 0) throw new Error("a wrong answer");
    await index.close();
  },
  async bytes() {
    const index = await VectorIndex.open(bytes);
    await index.search(query, { k: 1 });
    await index.close();
  },
  /** Never closed: the garbage collector frees it. */
  async dropped() {
    const index = await VectorIndex.open(path);
    await index.search(query, { k: 1 });
  },
  async failed() {
    const aborted = VectorIndex.build(someRows(50, DIMENSIONS), {
      dimensions: DIMENSIONS,
      signal: AbortSignal.abort(),
    });
    await aborted.catch(() => {});
    await VectorIndex.open(`${path}-absent`).catch(() => {});
    await VectorIndex.open(bytes.subarray(0, 5000)).catch(() => {});
  },
};

/** Trained, opened, used, refused. */
ways.quantizer = async () => {
  const trained = await ProductQuantizer.train(rows, shape);
  const opened = await ProductQuantizer.open(pivots);
  const codes = await opened.encode(rows);
  await opened.search(codes, query, { k: 1 });
  await opened.decode(codes.subarray(0, 4));
  await trained.close();
  await opened.close();
  await ProductQuantizer.train([[Number.NaN]], { ...shape, dimensions: 1, chunks: 1 }).catch(() => {});
};

const collect = (globalThis as { gc?: () => void }).gc ?? (() => {});

/** Resident bytes once finalizers had their turns. */
async function resident(): Promise<number> {
  for (let i = 0; i < 5; i++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return process.memoryUsage.rss();
}

const way = ways[process.argv[2] ?? ""];
const count = Number(process.argv[3]);
if (!way) throw new Error("which way?");
/*
 * Garbage waits until V8 thinks it weighs enough, some ten megabytes of it, and the allocator keeps the room it once
 * needed for that: the first thousands of cycles find out how much this is.
 */
const warm = way === ways["dropped"] ? 20_000 : Math.max(10_000, Math.ceil(count / 4));
for (let i = 0; i < warm; i++) await way();
const before = await resident();
const began = performance.now();
for (let i = 0; i < count; i++) {
  await way();
  if (i % 500 === 0) await new Promise((resolve) => setImmediate(resolve));
}
const after = await resident();
console.log(JSON.stringify({ count, growth: after - before, rss: after, ms: performance.now() - began }));
