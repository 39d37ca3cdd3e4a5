/** What work in threads needs beside the entry: the module with shared memory, and the script of its threads. */
import { batchThreads } from "./backend/wasm/batch-threads.js";
import { buildInThreads } from "./backend/wasm/build-threads.js";
import type { TeamParts } from "./backend/wasm/team.js";
import type { ThreadWork } from "./backend/wasm/wasm-index.js";
import { nodeModule } from "./core/node.js";
import { hasFileSystem } from "./storage/storage.js";
import { portOf, type WorkerLike } from "./worker/port.js";

/** As in wasm-file.ts. */
function threadedFile(): URL {
  return new URL("../dist/diskann-threads.wasm", import.meta.url);
}

/** No literal within `new URL`: see worker.ts. */
const THREAD_SCRIPT = "../dist/wasm-thread.js";

async function spawn(): Promise<WorkerLike> {
  if (!hasFileSystem())
    return new Worker(new URL("../dist/wasm-thread.js", import.meta.url), { type: "module" });
  const { Worker: Thread } = await nodeModule("node:worker_threads");
  return new Thread(new URL(THREAD_SCRIPT, import.meta.url), { execArgv: [] });
}

const parts: TeamParts = { file: threadedFile, spawn: async (events) => portOf(await spawn(), events) };

export const work: ThreadWork = {
  build: (build) => buildInThreads(build, parts),
  batches: (index, dimensions) => batchThreads(index, dimensions, parts),
};
