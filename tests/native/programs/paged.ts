/**
 * Ends in the middle of searches of the file that is named: `exit`, `natural`, `terminate` (of workers), `collect`. With a third word
 * its pages come from a `Blob`.
 */
import { readFileSync } from "node:fs";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import type { BackendIndex } from "../../../ts/backend/backend.js";
import { nativeBackend } from "../../../ts/backend/native/index.js";

const PARAMS = { k: 5, listSize: 40, beamWidth: 4, pageSearch: true };
const given = isMainThread ? process.argv.slice(2) : (workerData as string[]);
const [ending, path = "", kind] = given;

async function search(): Promise<BackendIndex> {
  const backend = await nativeBackend({});
  const source =
    kind === "blob"
      ? ({ kind: "blob", blob: new Blob([readFileSync(path)]) } as const)
      : ({ kind: "path", path } as const);
  const index = await backend.open(source, {}, { cacheBytes: 10_000, resident: "never" });
  const queries = new Float32Array(2000 * (index.stats().dimensions as number)).fill(3);
  const dimensions = index.stats().dimensions;
  void index.searchBatch(queries, PARAMS, {});
  for (let i = 0; i < 500; i++) void index.search(queries.subarray(0, dimensions), PARAMS);
  return index;
}

async function worker(): Promise<void> {
  const thread = new Worker(new URL(import.meta.url), { workerData: given });
  await new Promise((resolve) => thread.once("message", resolve));
  await thread.terminate();
}

if (!isMainThread) {
  await search();
  parentPort?.postMessage("under way");
} else {
  console.log("searching");
  if (ending === "terminate") await Promise.all([worker(), worker(), worker()]);
  else await search();
  if (ending === "exit") process.exit(0);
  if (ending === "collect") {
    for (let i = 0; i < 20; i++) {
      globalThis.gc?.();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}
