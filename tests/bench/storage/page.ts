/** In a page: imports an index and searches it where it lies, in a worker. Bundled and run by main.ts. */
import { quantile } from "../curve.js";

const K = 10;
const RECALL = 0.95;
/** Tried in order, until the recall is reached. */
const LISTS = [16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 200, 240, 320, 400];
const FITTED = 200;

export interface Task {
  readonly place: string;
  readonly cacheBytes: number;
}

export interface Measured {
  readonly place: string;
  readonly list: number;
  readonly recall: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly reads: number;
  readonly rounds: number;
  readonly heapBytes: number;
  readonly fileBytes: number;
}

interface Sets {
  readonly queries: Float32Array;
  readonly truth: Uint32Array;
  readonly count: number;
}

async function fetched(name: string): Promise<ArrayBuffer> {
  return (await fetch(`/${name}`)).arrayBuffer();
}

async function readSets(dimensions: number): Promise<Sets> {
  const queries = new Float32Array(await fetched("queries.f32"));
  const truth = new Uint32Array(await fetched("truth.u32"));
  return { queries, truth, count: queries.length / dimensions };
}

const load = () => import(String("/dist/worker.js")) as Promise<typeof import("../../../ts/worker.js")>;

/** A worker that tells how much memory WebAssembly has. */
function heapWorker(): { worker: Worker; heapBytes: () => Promise<number> } {
  const worker = new Worker("/heap-worker.mjs", { type: "module" });
  const channel = new BroadcastChannel("heap");
  const heapBytes = (): Promise<number> =>
    new Promise((resolve) => {
      channel.onmessage = ({ data }) => typeof data === "number" && resolve(data);
      channel.postMessage("?");
    });
  return { worker, heapBytes };
}

async function importInto(url: string, place: string): Promise<{ ms: number; bytes: number }> {
  const { VectorIndex } = await load();
  const began = performance.now();
  const { bytes } = await VectorIndex.import(new URL(url, location.href), place);
  return { ms: performance.now() - began, bytes };
}

type Index = Awaited<ReturnType<Awaited<ReturnType<typeof load>>["VectorIndex"]["open"]>>;

/** Recall of some queries. */
async function recallOf(index: Index, sets: Sets, list: number, begin: number, end: number): Promise<number> {
  const { dimensions } = index;
  let found = 0;
  for (let i = begin; i < end; i++) {
    const query = sets.queries.subarray(i * dimensions, (i + 1) * dimensions);
    const hits = await index.search(query, { k: K, searchListSize: list });
    const truth = sets.truth.subarray(i * K, (i + 1) * K);
    found += hits.filter(({ id }) => truth.includes(id)).length;
  }
  return found / (K * (end - begin));
}

async function fitList(index: Index, sets: Sets): Promise<number> {
  for (const list of LISTS) if ((await recallOf(index, sets, list, 0, FITTED)) >= RECALL) return list;
  throw new Error("the recall is not reached");
}

interface Opened {
  readonly index: Index;
  readonly worker: Worker;
  readonly heapBytes: () => Promise<number>;
}

async function openPlace({ place, cacheBytes }: Task): Promise<Opened> {
  const { VectorIndex } = await load();
  const { worker, heapBytes } = heapWorker();
  return { index: await VectorIndex.open(place, { mode: "paged", cacheBytes, worker }), worker, heapBytes };
}

/** Milliseconds from nothing but a query to its answer: script, worker and module are loaded, and the index is opened. */
async function firstAnswer(task: Task, list: number, query: number): Promise<number> {
  const all = new Float32Array(await fetched("queries.f32"));
  const began = performance.now();
  const { index, worker } = await openPlace(task);
  const { dimensions } = index;
  await index.search(all.subarray(query * dimensions, (query + 1) * dimensions), {
    k: K,
    searchListSize: list,
  });
  const ms = performance.now() - began;
  await index.close();
  worker.terminate();
  return ms;
}

/** `list`: of an earlier run; undefined finds it. */
async function search(task: Task, list: number | undefined): Promise<Measured> {
  const { index, worker, heapBytes } = await openPlace(task);
  const sets = await readSets(index.dimensions);
  const fitted = list ?? (await fitList(index, sets));
  const times: number[] = [];
  let [reads, rounds, found] = [0, 0, 0];
  for (let i = FITTED; i < sets.count; i++) {
    const query = sets.queries.subarray(i * index.dimensions, (i + 1) * index.dimensions);
    const at = performance.now();
    const hits = await index.search(query, { k: K, searchListSize: fitted, counters: true });
    times.push(performance.now() - at);
    const truth = sets.truth.subarray(i * K, (i + 1) * K);
    found += hits.filter(({ id }) => truth.includes(id)).length;
    reads += hits.counters?.reads ?? 0;
    rounds += hits.counters?.rounds ?? 0;
  }
  const sorted = Float64Array.from(times).sort();
  const measured = {
    ...{ place: task.place, list: fitted, recall: found / (K * times.length) },
    ...{ p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99) },
    ...{ reads: reads / times.length, rounds: rounds / times.length },
    ...{ heapBytes: await heapBytes(), fileBytes: index.stats().layout.fileBytes },
  };
  await index.close();
  worker.terminate();
  return measured;
}

Object.assign(globalThis, { importInto, firstAnswer, searchPlace: search });
