/** What one awaited `search` costs above the C call: both on the same index, the same queries, in turns. */
import { defineVectorIndex } from "../../ts/api/define.js";
import type { Backend } from "../../ts/backend/backend.js";
import { nativeBackend } from "../../ts/backend/native/index.js";
import { NativeIndex } from "../../ts/backend/native/native-index.js";
import { generate } from "../support/generate.js";
import { quantile } from "./curve.js";

const ROWS = 10_000;
const DIMENSIONS = 128;
const QUERIES = 2000;
/** Short ones, and many: the speed of the machine changes between them, hardly within one. */
const ROUNDS = 40;
const QUERIES_PER_ROUND = 500;
const K = 10;

export interface Overhead {
  readonly list: number;
  /** Microseconds of a query: the median of each round, and of all rounds. */
  readonly direct: number;
  readonly awaited: number;
  /** Awaited less direct within a round; the median of all rounds. */
  readonly above: number;
  /** The mean of a round with 64 calls under way at a time; the median of all rounds. */
  readonly concurrent: number;
}

interface Subject {
  readonly index: Awaited<ReturnType<ReturnType<typeof defineVectorIndex<object>>["build"]>>;
  readonly native: NativeIndex;
}

async function makeSubject(): Promise<Subject> {
  const backend = await nativeBackend({});
  let native: NativeIndex | undefined;
  const watched: Backend = {
    ...backend,
    create: async (config) => {
      const made = await backend.create(config);
      if (!(made instanceof NativeIndex)) {
        throw new TypeError("not a native index");
      }
      native = made;
      return made;
    },
  };
  const values = generate({ shape: "image", dimensions: DIMENSIONS, rows: ROWS });
  const index = await defineVectorIndex<object>(async () => watched).build(values, {
    dimensions: DIMENSIONS,
  });
  if (native === undefined) {
    throw new TypeError("no index was made");
  }
  return { index, native };
}

const median = (values: readonly number[]): number => quantile(Float64Array.from(values).sort(), 0.5);

/** Microseconds of one query, the median. */
async function medianTime(
  queries: readonly Float32Array[],
  ask: (query: Float32Array) => unknown,
): Promise<number> {
  const times = new Float64Array(queries.length);
  for (const [i, query] of queries.entries()) {
    const start = performance.now();
    const answer = ask(query);
    if (answer instanceof Promise) {
      await answer;
    }
    times[i] = (performance.now() - start) * 1000;
  }
  return quantile(times.sort(), 0.5);
}

/** Microseconds of one query, the mean, with 64 under way at a time. */
async function concurrentTime(
  queries: readonly Float32Array[],
  ask: (query: Float32Array) => Promise<unknown>,
): Promise<number> {
  const start = performance.now();
  for (let first = 0; first < queries.length; first += 64) {
    await Promise.all(queries.slice(first, first + 64).map(ask));
  }
  return ((performance.now() - start) * 1000) / queries.length;
}

async function measure(
  { index, native }: Subject,
  queries: readonly Float32Array[],
  list: number,
): Promise<Overhead> {
  const ids = new Float64Array(K);
  const distances = new Float32Array(K);
  const params = { k: K, listSize: list, beamWidth: 1, pageSearch: false };
  const options = { k: K, searchListSize: list };
  const direct: number[] = [];
  const awaited: number[] = [];
  const concurrent: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const first = (round * QUERIES_PER_ROUND) % QUERIES;
    const some = queries.slice(first, first + QUERIES_PER_ROUND);
    direct.push(await medianTime(some, (query) => native.searchSync(query, params, ids, distances)));
    awaited.push(await medianTime(some, (query) => index.search(query, options)));
    concurrent.push(await concurrentTime(some, (query) => index.search(query, options)));
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
  const subject = await makeSubject();
  const values = generate({ shape: "image", dimensions: DIMENSIONS, rows: QUERIES, stream: 1 });
  const queries = Array.from({ length: QUERIES }, (_, row) =>
    values.slice(row * DIMENSIONS, (row + 1) * DIMENSIONS),
  );
  const results: Overhead[] = [];
  for (const list of [10, 64]) {
    results.push(await measure(subject, queries, list));
  }
  await subject.index.close();
  return results;
}
