/**
 * One way for a program to end, by the word on its command line. Prints what it has reached; a build that is under way at
 * the end would take far longer than the test waits.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { VectorIndex } from "../../../ts/native.js";
import { someRows } from "./rows.js";

const DIMENSIONS = 64;

function longBuild(onProgress: () => void): Promise<unknown> {
  return VectorIndex.build(someRows(60_000, DIMENSIONS), {
    dimensions: DIMENSIONS,
    buildListSize: 400,
    onProgress: ({ phase, done }) => {
      if (phase === "link" && done > 0) onProgress();
    },
  });
}

function smallIndex(): Promise<VectorIndex> {
  return VectorIndex.build(someRows(500, DIMENSIONS), { dimensions: DIMENSIONS });
}

function startWorker(mode: string): Worker {
  return new Worker(fileURLToPath(import.meta.url), { workerData: mode });
}

/** The next message of a worker. */
function message(worker: Worker): Promise<unknown> {
  return new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });
}

const endings: Record<string, (argument?: string) => Promise<void>> = {
  /** Nobody closes, nobody exits: the process ends when its work is done. */
  async natural() {
    const index = await smallIndex();
    const [hit] = await index.search(someRows(1, DIMENSIONS));
    console.log(`found ${hit?.id}`);
  },

  async exitInBuild() {
    await new Promise<void>((resolve) => void longBuild(resolve));
    console.log("building");
    process.exit(0);
  },

  async exitInSave(folder = "") {
    const index = await smallIndex();
    void index.save(join(folder, "index.diskann"));
    for (let i = 0; i < 200; i++) void index.search(someRows(1, DIMENSIONS));
    console.log("saving");
    process.exit(0);
  },

  async exitInSearches() {
    const index = await smallIndex();
    for (let i = 0; i < 500; i++) void index.search(someRows(1, DIMENSIONS));
    console.log("searching");
    process.exit(0);
  },

  async throwInBuild() {
    await new Promise<void>((resolve) => void longBuild(resolve));
    console.log("building");
    setTimeout(() => {
      throw new Error("on purpose");
    });
  },

  async terminateWorkers() {
    for (let i = 0; i < 3; i++) {
      const worker = startWorker("build");
      await message(worker);
      await worker.terminate();
    }
    const index = await smallIndex();
    console.log(`terminated, ${index.size}`);
  },

  /** Several environments at once, each with its own indexes, all with the same answers. */
  async manyWorkers() {
    const bytes = await (await smallIndex()).toBytes();
    const workers = Array.from({ length: 4 }, () => startWorker("answers"));
    const answers = workers.map((worker) => message(worker));
    for (const worker of workers) worker.postMessage(bytes);
    const texts = new Set(await Promise.all(answers));
    console.log(`answers ${texts.size} ${[...texts][0]}`);
  },
};

const inWorker: Record<string, () => void> = {
  build() {
    let told = false;
    void longBuild(() => {
      if (!told) parentPort?.postMessage("building");
      told = true;
    });
  },
  answers() {
    parentPort?.once("message", async (bytes: Uint8Array) => {
      const index = await VectorIndex.open(bytes);
      const queries = someRows(20, DIMENSIONS);
      const batch = await index.searchBatch(queries, { k: 3 });
      await index.add(queries);
      const [hit] = await index.search(queries.subarray(0, DIMENSIONS), { k: 1 });
      parentPort?.postMessage(`${batch.ids.join()} ${hit?.distance} ${index.size}`);
    });
  },
};

if (isMainThread) await endings[process.argv[2] ?? ""]?.(process.argv[3]);
else inWorker[workerData as string]?.();
