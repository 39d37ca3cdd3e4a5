/**
 * Builds and batches on several threads: the same bytes and answers, also when threads cannot be had or are lost; nothing is left
 * behind.
 */
import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import type { Backend, BackendIndex, Control, CoreConfig, CoreHits } from "../../ts/backend/backend.js";
import { batchThreads } from "../../ts/backend/wasm/batch-threads.js";
import { buildInThreads } from "../../ts/backend/wasm/build-threads.js";
import type { SpawnThread } from "../../ts/backend/wasm/crew.js";
import { wasmBackend } from "../../ts/backend/wasm/index.js";
import type { ThreadWork } from "../../ts/backend/wasm/wasm-index.js";
import { CODES } from "../../ts/core/constants.js";
import { portOf } from "../../ts/worker/port.js";
import { generate } from "../support/generate.js";

const file = new URL("../../dist/diskann.wasm", import.meta.url);
const threadedFile = new URL("../../dist/diskann-threads.wasm", import.meta.url);
const script = new URL("../../dist/wasm-thread.js", import.meta.url);

const DIMENSIONS = 256;
/** Just above what is built in threads at all. */
const ROWS = 4200;
const config: CoreConfig = {
  dimensions: DIMENSIONS,
  metric: 0,
  dataType: 0,
  maxDegree: 16,
  buildListSize: 20,
  alpha: 1.2,
  seed: 7,
  codes: 0,
  codeBytes: 0,
  pageBytes: 0,
};
const rows = generate({ dimensions: DIMENSIONS, rows: ROWS });

/** Counts what is spawned and what has ended. */
class Spawner {
  readonly workers: Worker[] = [];
  ended = 0;
  readonly script: URL;

  constructor(where = script) {
    this.script = where;
  }

  readonly spawn: SpawnThread = async (events) => {
    const worker = new Worker(this.script);
    this.workers.push(worker);
    worker.on("exit", () => this.ended++);
    return portOf(worker, events);
  };
}

const backendOf = (spawn: SpawnThread): Promise<Backend> => {
  const parts = { file: () => threadedFile, spawn };
  const work: ThreadWork = {
    build: (build) => buildInThreads(build, parts),
    batches: (index, dimensions) => batchThreads(index, dimensions, parts),
  };
  return wasmBackend(
    {},
    () => file,
    async () => ({ work }),
  );
};

async function emptyIndex(spawn: SpawnThread): Promise<BackendIndex> {
  return (await backendOf(spawn)).create(config);
}

async function fill(index: BackendIndex, threads: number, vectors = rows, control: Control = {}) {
  const insert = await index.insert("build", threads);
  await insert.append(vectors.subarray(0, 1000 * DIMENSIONS), undefined);
  await insert.append(vectors.subarray(1000 * DIMENSIONS), undefined);
  await insert.run(control);
}

async function bytesOf(threads: number, spawn: SpawnThread, control: Control = {}) {
  const index = await emptyIndex(spawn);
  await fill(index, threads, rows, control);
  const bytes = await index.toBytes({});
  await index.close();
  return Buffer.from(bytes);
}

const onOne = bytesOf(1, new Spawner().spawn);

describe("a build on several threads", () => {
  it.each([2, 3, 5])("gives the bytes that one thread gives: %i", async (threads) => {
    const spawner = new Spawner();
    const bytes = await bytesOf(threads, spawner.spawn);
    expect(spawner.workers.length).toBe(threads - 1);
    expect(bytes.equals(await onOne)).toBe(true);
    await expect.poll(() => spawner.ended).toBe(threads - 1);
  });

  it("reports the progress that one thread reports, to its end", async () => {
    const last = new Map<string, string>();
    const onProgress = ({ phase, done, total }: { phase: string; done: number; total: number }) =>
      void last.set(phase, `${done} of ${total}`);
    await bytesOf(2, new Spawner().spawn, { onProgress });
    const inThreads = [...last];
    last.clear();
    await bytesOf(1, new Spawner().spawn, { onProgress });
    expect(inThreads).toEqual([...last]);
  });

  it("starts none for what is small", async () => {
    const spawner = new Spawner();
    const index = await emptyIndex(spawner.spawn);
    await fill(index, 4, rows.subarray(0, 1500 * DIMENSIONS));
    expect(index.size).toBe(1500);
    expect(spawner.workers.length).toBe(0);
    await index.close();
  });

  it("answers searches and takes more rows afterwards", async () => {
    const index = await emptyIndex(new Spawner().spawn);
    await fill(index, 2);
    const insert = await index.insert("add", 2);
    await insert.append(generate({ dimensions: DIMENSIONS, rows: 10, stream: 1 }), undefined);
    await insert.run({});
    const query = rows.slice(0, DIMENSIONS);
    const hits = await index.search(query, { k: 1, listSize: 20, beamWidth: 1, pageSearch: false });
    expect([...hits.ids, ...hits.distances]).toEqual([0, 0]);
    expect(await index.verify({})).toMatchObject({ ok: true });
    expect(index.size).toBe(ROWS + 10);
    await index.close();
  });
});

describe("a build on several threads, when something goes wrong,", () => {
  it("is made on one thread where the script is missing", async () => {
    const spawner = new Spawner(new URL("no-such-script.js", script));
    expect((await bytesOf(3, spawner.spawn)).equals(await onOne)).toBe(true);
    await expect.poll(() => spawner.ended).toBe(2);
  });

  it("is made on one thread where threads are refused", async () => {
    const refuse = () => Promise.reject(new Error("not here"));
    expect((await bytesOf(2, refuse)).equals(await onOne)).toBe(true);
  });

  it("is made again on one thread when a thread is lost half way", async () => {
    const spawner = new Spawner();
    let lost = false;
    const onProgress = ({ phase, done, total }: { phase: string; done: number; total: number }): void => {
      if (lost || phase !== "link" || done < total / 3) return;
      lost = true;
      void spawner.workers[0]?.terminate();
    };
    const bytes = await bytesOf(2, spawner.spawn, { onProgress });
    expect(lost).toBe(true);
    expect(bytes.equals(await onOne)).toBe(true);
  });

  it("ends with the reason of its signal, and its threads with it", async () => {
    const spawner = new Spawner();
    const abort = new AbortController();
    const reason = new Error("enough");
    const onProgress = ({ phase, done }: { phase: string; done: number }): void => {
      if (phase === "link" && done > 0) abort.abort(reason);
    };
    const index = await emptyIndex(spawner.spawn);
    await expect(fill(index, 2, rows, { signal: abort.signal, onProgress })).rejects.toBe(reason);
    expect(index.size).toBe(0);
    await expect.poll(() => spawner.ended).toBe(1);
    await index.close();
  });

  it("names the row that cannot be stored", async () => {
    const bad = rows.slice();
    bad[DIMENSIONS * 3000 + 5] = Number.NaN;
    const index = await emptyIndex(new Spawner().spawn);
    await expect(fill(index, 2, bad)).rejects.toMatchObject({ code: "ERR_NOT_FINITE", row: 3000 });
    expect(index.size).toBe(0);
    await index.close();
  });
});

describe("a batch on several threads", () => {
  const search = { k: 5, listSize: 20, beamWidth: 1, pageSearch: false };
  const ENOUGH = 1400;
  const queries = rows.slice(0, ENOUGH * DIMENSIONS);
  const bytes = onOne.then((buffer) => new Uint8Array(buffer));

  async function openIndex(spawn: SpawnThread): Promise<BackendIndex> {
    return (await backendOf(spawn)).open({ kind: "bytes", bytes: await bytes }, {});
  }

  const alone: Promise<CoreHits> = (async () => {
    const index = await openIndex(new Spawner().spawn);
    const hits = await index.searchBatch(queries, search, { threads: 1 });
    await index.close();
    return hits;
  })();

  it.each([2, 4])("gives the answers and the counters that one thread gives: %i", async (threads) => {
    const spawner = new Spawner();
    const index = await openIndex(spawner.spawn);
    expect(await index.searchBatch(queries, search, { threads })).toEqual(await alone);
    expect(spawner.workers.length).toBe(threads - 1);
    await index.close();
    await expect.poll(() => spawner.ended).toBe(threads - 1);
  });

  it("allocates on every thread what searches along codes note", async () => {
    const made = await (await backendOf(new Spawner().spawn)).create({
      ...config,
      codes: CODES.indexOf("1bit"),
    });
    await fill(made, 1);
    const coded = await made.toBytes({});
    await made.close();
    const far = { ...search, listSize: 120 };
    const answers: CoreHits[] = [];
    for (const threads of [1, 3]) {
      const spawner = new Spawner();
      const index = await (await backendOf(spawner.spawn)).open({ kind: "bytes", bytes: coded }, {});
      answers.push(await index.searchBatch(queries, far, { threads }));
      expect(spawner.workers.length).toBe(threads - 1);
      await index.close();
    }
    expect(answers[1]).toEqual(answers[0]);
  });

  it("starts none before as much was asked as they cost", async () => {
    const spawner = new Spawner();
    const index = await openIndex(spawner.spawn);
    const few = queries.subarray(0, 400 * DIMENSIONS);
    const first = await index.searchBatch(few, search, { threads: 2 });
    await index.searchBatch(few, search, { threads: 2 });
    await index.searchBatch(few, search, { threads: 2 });
    expect(spawner.workers.length).toBe(0);
    expect(await index.searchBatch(few, search, { threads: 2 })).toEqual(first);
    expect(spawner.workers.length).toBe(1);
    await index.close();
  });

  it("is one after the other, with searches in between", async () => {
    const spawner = new Spawner();
    const index = await openIndex(spawner.spawn);
    const asked = [queries, queries, queries].map((some) => index.searchBatch(some, search, { threads: 3 }));
    const one = await index.search(queries.slice(0, DIMENSIONS), search);
    expect([...one.ids]).toEqual([...(await alone).ids.subarray(0, search.k)]);
    for (const hits of await Promise.all(asked)) expect(hits).toEqual(await alone);
    // Those who are there work on, however many are asked for.
    const more = [5, 2].map((threads) => index.searchBatch(queries, search, { threads }));
    for (const hits of await Promise.all(more)) expect(hits).toEqual(await alone);
    expect(spawner.workers.length).toBe(2);
    await index.close();
  });

  it("sees rows that came since", async () => {
    const spawner = new Spawner();
    const index = await openIndex(spawner.spawn);
    await index.searchBatch(queries, search, { threads: 2 });
    const fresh = generate({ dimensions: DIMENSIONS, rows: ENOUGH, stream: 1 });
    const insert = await index.insert("add", 2);
    await insert.append(fresh.subarray(0, 10 * DIMENSIONS), undefined);
    await insert.run({});
    await expect.poll(() => spawner.ended).toBe(1);
    const hits = await index.searchBatch(fresh, search, { threads: 2 });
    expect(spawner.workers.length).toBe(2);
    for (let row = 0; row < 10; row++) expect(hits.distances[row * search.k]).toBe(0);
    await index.close();
  });

  it("names the lowest query that is no vector, and goes on with the next batch", async () => {
    const spawner = new Spawner();
    const index = await openIndex(spawner.spawn);
    const bad = queries.slice();
    for (const row of [1300, 700, 1000]) bad[row * DIMENSIONS + 3] = Number.NaN;
    const failing = index.searchBatch(bad, search, { threads: 3 });
    await expect(failing).rejects.toMatchObject({ code: "ERR_NOT_FINITE", row: 700 });
    expect(await index.searchBatch(queries, search, { threads: 3 })).toEqual(await alone);
    expect(spawner.workers.length).toBe(2);
    await index.close();
  });

  it("ends with the reason of its signal", async () => {
    const index = await openIndex(new Spawner().spawn);
    await index.searchBatch(queries, search, { threads: 2 });
    const abort = new AbortController();
    const reason = new Error("enough");
    const stopped = index.searchBatch(queries, search, { threads: 2, signal: abort.signal });
    setTimeout(() => abort.abort(reason));
    await expect(stopped).rejects.toBe(reason);
    expect(await index.searchBatch(queries, search, { threads: 2 })).toEqual(await alone);
    await index.close();
  });

  it("is searched on one thread where threads are refused, or lost", async () => {
    const refused = await openIndex(() => Promise.reject(new Error("not here")));
    expect(await refused.searchBatch(queries, search, { threads: 2 })).toEqual(await alone);
    await refused.close();
    const spawner = new Spawner();
    const index = await openIndex(spawner.spawn);
    await index.searchBatch(queries, search, { threads: 2 });
    await spawner.workers[0]?.terminate();
    expect(await index.searchBatch(queries, search, { threads: 2 })).toEqual(await alone);
    expect(spawner.workers.length).toBe(1);
    await index.close();
  });

  it("is searched on one thread when one is lost half way, while others still run", async () => {
    const spawner = new Spawner();
    const index = await openIndex(spawner.spawn);
    const far = { ...search, listSize: 300 };
    const expected = await index.searchBatch(queries, far, { threads: 1 });
    await index.searchBatch(queries, search, { threads: 3 });
    const found = index.searchBatch(queries, far, { threads: 3 });
    setTimeout(() => void spawner.workers[0]?.terminate(), 30);
    expect(await found).toEqual(expected);
    await expect.poll(() => spawner.ended).toBe(2);
    expect(await index.searchBatch(queries, search, { threads: 3 })).toEqual(await alone);
    expect(spawner.workers.length).toBe(2);
    await index.close();
  });

  it("is not waited for by those who come while threads start", async () => {
    const spawner = new Spawner();
    const index = await openIndex(spawner.spawn);
    const ends: string[] = [];
    const large = index.searchBatch(queries, search, { threads: 2 }).then(() => ends.push("large"));
    const few = queries.subarray(0, 20 * DIMENSIONS);
    await index.searchBatch(few, search, { threads: 2 }).then(() => ends.push("small"));
    await large;
    expect(ends).toEqual(["small", "large"]);
    expect(spawner.workers.length).toBe(1);
    await index.close();
  });
});
