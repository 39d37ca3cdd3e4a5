/**
 * What one awaited `search` costs above the C call: the same queries on the same index, one after the other, and as one
 * batch on one thread of the same pool, in turns. The cores of a shared machine differ by a third at times, so the event loop
 * goes round meanwhile, as it does for an awaited search: the thread then has the other core in both cases.
 */
import { VectorIndex } from "../../ts/native.js";
import { generate } from "../support/generate.js";
import { quantile } from "./curve.js";

const ROWS = 10_000;
const DIMENSIONS = 128;
const QUERIES = 2000;
/** Short ones, and many: the speed of the machine changes between them, hardly within one. */
const ROUNDS = 40;
const QUERIES_PER_ROUND = 500;
const K = 10;

/** Microseconds of a query: the mean of each round, without the slowest hundredth of what is timed singly; the median of all rounds. */
export interface Overhead {
  readonly list: number;
  /** The C call, on a thread of the pool. */
  readonly direct: number;
  readonly awaited: number;
  /** Awaited less direct within a round. */
  readonly above: number;
  /** With 64 calls under way at a time. */
  readonly concurrent: number;
}

type Index = Awaited<ReturnType<typeof VectorIndex.build>>;

const median = (values: readonly number[]): number => quantile(Float64Array.from(values).sort(), 0.5);

/** Microseconds of one query. */
async function timeOf(queries: number, ask: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await ask();
  return ((performance.now() - start) * 1000) / queries;
}

/** The event loop does not sleep until `work` is done. */
async function whileTurning(work: Promise<unknown>): Promise<void> {
  let isDone = false;
  const turn = (): void => {
    if (!isDone) {
      setImmediate(turn);
    }
  };
  turn();
  await work;
  isDone = true;
}

/** The same, timed one by one; the slowest hundredth is what interrupted them. */
async function timeOfEach(
  rows: readonly Float32Array[],
  ask: (row: Float32Array) => Promise<unknown>,
): Promise<number> {
  const times = new Float64Array(rows.length);
  for (const [i, row] of rows.entries()) {
    const start = performance.now();
    await ask(row);
    times[i] = (performance.now() - start) * 1000;
  }
  const kept = times.sort().subarray(0, Math.ceil(0.99 * times.length));
  return kept.reduce((sum, time) => sum + time, 0) / kept.length;
}

async function measure(index: Index, queries: Float32Array, list: number): Promise<Overhead> {
  const options = { k: K, searchListSize: list };
  const direct: number[] = [];
  const awaited: number[] = [];
  const concurrent: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const first = ((round * QUERIES_PER_ROUND) % QUERIES) * DIMENSIONS;
    const batch = queries.subarray(first, first + QUERIES_PER_ROUND * DIMENSIONS);
    const rows = Array.from({ length: QUERIES_PER_ROUND }, (_, row) =>
      batch.subarray(row * DIMENSIONS, (row + 1) * DIMENSIONS),
    );
    direct.push(
      await timeOf(QUERIES_PER_ROUND, () =>
        whileTurning(index.searchBatch(batch, { ...options, threads: 1 })),
      ),
    );
    awaited.push(await timeOfEach(rows, (row) => index.search(row, options)));
    concurrent.push(
      await timeOf(QUERIES_PER_ROUND, async () => {
        for (let at = 0; at < rows.length; at += 64) {
          await Promise.all(rows.slice(at, at + 64).map((row) => index.search(row, options)));
        }
      }),
    );
  }
  return {
    list,
    direct: median(direct),
    awaited: median(awaited),
    above: median(awaited.map((time, round) => time - (direct[round] as number))),
    concurrent: median(concurrent),
  };
}

export async function measureOverhead(): Promise<Overhead[]> {
  const shape = { shape: "image", dimensions: DIMENSIONS } as const;
  const index = await VectorIndex.build(generate({ ...shape, rows: ROWS }), { dimensions: DIMENSIONS });
  const queries = generate({ ...shape, rows: QUERIES, stream: 1 });
  const results: Overhead[] = [];
  for (const list of [10, 64]) {
    results.push(await measure(index, queries, list));
  }
  await index.close();
  return results;
}
