/** What only the worker entry has: its own worker, a shared one, one that dies. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { Worker } from "node:worker_threads";
import { afterEach, describe, expect, test } from "vitest";
import { VectorIndex } from "../../ts/worker.js";
import { sample } from "../conformance/model.js";

const SCRIPT = new URL("../../dist/worker-host.js", import.meta.url);
const workers: Worker[] = [];

function ownWorker(script: string | URL = SCRIPT, evaluate = false): Worker {
  const worker = new Worker(script, { eval: evaluate });
  workers.push(worker);
  return worker;
}

afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.terminate()));
});

describe("diskann/worker", () => {
  test("a worker of the user's own serves many indexes and lives on when they are closed", async () => {
    const worker = ownWorker();
    let exited = false;
    worker.on("exit", () => {
      exited = true;
    });
    const indexes = await Promise.all(
      [1, 2, 3].map((n) => VectorIndex.build([[n]], { dimensions: 1, metric: "l1", worker })),
    );
    const found = await Promise.all(indexes.map((index) => index.search([0])));
    expect(found.map((hits) => hits[0]?.distance)).toEqual([1, 2, 3]);
    await Promise.all(indexes.map((index) => index.close()));
    const again = await VectorIndex.build([[5]], { dimensions: 1, worker });
    expect((await again.search([5]))[0]).toEqual({ id: 0, distance: 0 });
    expect(exited).toBe(false);
  });

  test("a worker of the user's own that could not load the module is tried again; other messages do no harm", async () => {
    const worker = ownWorker();
    for (const message of [null, 3, "text", {}, { type: "result", call: 99 }]) worker.postMessage(message);
    const wasmUrl = new URL("file:///no/such.wasm");
    await expect(VectorIndex.create({ dimensions: 1, worker, wasmUrl })).rejects.toMatchObject({
      code: "ERR_IO",
    });
    for (const message of [null, "text", {}]) worker.emit("message", message);
    const index = await VectorIndex.build([[5]], { dimensions: 1, worker });
    expect((await index.search([5]))[0]).toEqual({ id: 0, distance: 0 });
    await index.close();
  });

  test("a worker that dies while it saves to a handle: the handle's stream is given up", async () => {
    const worker = ownWorker();
    const index = await VectorIndex.build(sample(3000, 16), { dimensions: 16, worker });
    let aborted = 0;
    const stream = {
      write: () => worker.terminate().then(() => {}),
      close: async () => {},
      abort: async () => {
        aborted++;
      },
    };
    const getFile = async () => new Blob([]);
    const saving = index.save({ kind: "file", getFile, createWritable: async () => stream });
    await expect(saving).rejects.toMatchObject({ code: "ERR_CLOSED" });
    expect(aborted).toBe(1);
    await index.close();
  });

  test("the place of the script may be given", async () => {
    for (const worker of [SCRIPT, SCRIPT.href]) {
      const index = await VectorIndex.build([[1, 2]], { dimensions: 2, worker });
      expect(index.size).toBe(1);
      await index.close();
    }
  });

  test("the module may be given by place, by bytes and compiled", async () => {
    const { readFile } = await import("node:fs/promises");
    const wasmUrl = new URL("../../dist/diskann.wasm", import.meta.url);
    const bytes = await readFile(wasmUrl);
    const module = await WebAssembly.compile(bytes);
    for (const options of [{ wasmUrl }, { wasmUrl: wasmUrl.href }, { wasmBinary: bytes }, { module }]) {
      const index = await VectorIndex.build([[1, 2]], { dimensions: 2, ...options });
      expect((await index.search([1, 2]))[0]?.id).toBe(0);
      await index.close();
    }
    expect(bytes.length).toBeGreaterThan(0);
  });

  test("a worker that dies: calls under way and later ones say so, another index lives on", async () => {
    const worker = ownWorker();
    const flat = sample(3000, 16);
    const index = await VectorIndex.build(flat, { dimensions: 16, worker });
    const other = await VectorIndex.build([[1]], { dimensions: 1 });
    const calls = [index.toBytes(), index.verify(), index.search(flat.subarray(0, 16))];
    const settled = Promise.allSettled(calls);
    await worker.terminate();
    for (const call of await settled) {
      if (call.status === "rejected") expect(call.reason).toMatchObject({ code: "ERR_CLOSED" });
    }
    await expect(index.search(flat.subarray(0, 16))).rejects.toMatchObject({
      code: "ERR_CLOSED",
      message: expect.stringContaining("open the index again"),
    });
    await expect(index.add([flat.subarray(0, 16)])).rejects.toMatchObject({ code: "ERR_CLOSED" });
    expect(index.stats().size).toBe(3000);
    await index.close();
    expect((await other.search([1]))[0]?.id).toBe(0);
    await other.close();
  });

  test("a script that cannot start, or is not ours, is an error that says what to do", async () => {
    const options = { dimensions: 1 };
    await expect(VectorIndex.create({ ...options, worker: "/no/such/script.js" })).rejects.toMatchObject({
      code: "ERR_UNSUPPORTED",
      message: expect.stringContaining("option worker"),
    });
    const broken = ownWorker("throw new Error('it does not start')", true);
    await expect(VectorIndex.create({ ...options, worker: broken })).rejects.toMatchObject({
      code: "ERR_UNSUPPORTED",
      message: expect.stringContaining("it does not start"),
    });
    for (const worker of [3, {}, null, () => {}]) {
      await expect(VectorIndex.create({ ...options, worker: worker as never })).rejects.toMatchObject({
        code: "ERR_INVALID_ARGUMENT",
      });
    }
  });

  test("a module that is not there: the error names it, and a later index works", async () => {
    const wasmUrl = new URL("file:///no/such.wasm");
    await expect(VectorIndex.create({ dimensions: 1, wasmUrl })).rejects.toMatchObject({
      code: "ERR_IO",
      message: expect.stringContaining("such.wasm"),
    });
    const index = await VectorIndex.create({ dimensions: 1 });
    await index.close();
  });

  test("an index that is left open does not keep the process alive", async () => {
    const program = `
      import { VectorIndex } from ${JSON.stringify(new URL("../../dist/worker.js", import.meta.url).href)};
      const index = await VectorIndex.build([[1, 2]], { dimensions: 2 });
      console.log((await index.search([1, 2]))[0].id);
    `;
    const args = ["--input-type=module", "--eval", program];
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 30_000 });
    expect(stdout).toBe("0\n");
  });

  test("opening and closing many times uses one worker again and again", async () => {
    const { default: workerThreads } = await import("node:worker_threads");
    let made = 0;
    const original = workerThreads.Worker;
    class Counted extends original {
      constructor(...args: ConstructorParameters<typeof original>) {
        super(...args);
        made++;
      }
    }
    workerThreads.Worker = Counted;
    (await import("node:module")).syncBuiltinESMExports();
    try {
      const first = await VectorIndex.build([[1]], { dimensions: 1 });
      const bytes = await first.toBytes();
      await first.close();
      for (let i = 0; i < 50; i++) {
        const index = await VectorIndex.open(bytes);
        expect((await index.search([1]))[0]?.id).toBe(0);
        await index.close();
      }
    } finally {
      workerThreads.Worker = original;
      (await import("node:module")).syncBuiltinESMExports();
    }
    expect(made).toBeLessThanOrEqual(1);
  });
});
