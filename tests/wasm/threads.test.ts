/** Builds on several threads: the same bytes, also when threads cannot be had or are lost; nothing is left behind. */
import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import type { BackendIndex, Control, CoreConfig } from "../../ts/backend/backend.js";
import { buildInThreads } from "../../ts/backend/wasm/build-threads.js";
import type { SpawnThread } from "../../ts/backend/wasm/crew.js";
import { wasmBackend } from "../../ts/backend/wasm/index.js";
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

async function emptyIndex(spawn: SpawnThread): Promise<BackendIndex> {
  const threads = async () => ({
    buildThreads: (build: Parameters<typeof buildInThreads>[0]) =>
      buildInThreads(build, () => threadedFile, spawn),
  });
  return (await wasmBackend({}, () => file, threads)).create(config);
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
