/** What a build in threads needs beside the entry: the module with shared memory, and the script of its threads. */
import type { BackendInsert } from "./backend/backend.js";
import { buildInThreads } from "./backend/wasm/build-threads.js";
import type { ThreadedBuild } from "./backend/wasm/wasm-index.js";
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

export function buildThreads(build: ThreadedBuild): BackendInsert {
  return buildInThreads(build, threadedFile, async (events) => portOf(await spawn(), events));
}
