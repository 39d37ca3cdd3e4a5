/** `diskann/worker`: the same `VectorIndex`, run in a Web Worker or a worker thread. */
import { defineVectorIndex } from "./api/define.js";
import { nodeModule } from "./core/node.js";
import { hasFileSystem } from "./storage/storage.js";
import type { WorkerLike } from "./worker/port.js";
import { type WorkerOptions, workerBackend } from "./worker/proxy.js";

export * from "./exports.js";
export type { WorkerOptions };

/** No literal within `new URL`: bundlers for browsers would take it for a second file to bring along. */
const THREAD_SCRIPT = "../dist/worker-host.js";

/** A thread of Node, Deno or Bun can be unreferenced, so that it never keeps the process alive. */
async function spawnThread(url: string | undefined): Promise<WorkerLike> {
  const { Worker } = await nodeModule("node:worker_threads");
  // Node's own flags (--input-type, loaders) are for the program's files, not for this script.
  const options = { execArgv: [] };
  if (url === undefined) return new Worker(new URL(THREAD_SCRIPT, import.meta.url), options);
  return new Worker(url.includes("://") ? new URL(url) : url, options);
}

/** Bundlers look for exactly this form, on one line, and bundle the script. */
function spawnWorker(url: string | undefined): WorkerLike {
  if (url !== undefined) return new Worker(url, { type: "module" });
  return new Worker(new URL("../dist/worker-host.js", import.meta.url), { type: "module" });
}

/** A vector index that lives in a worker. */
export class VectorIndex extends defineVectorIndex<WorkerOptions>(async (options) =>
  workerBackend(options, hasFileSystem() ? spawnThread : spawnWorker),
) {}
