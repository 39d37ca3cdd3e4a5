/** The suite in a page or a worker of one: `runSuite(entry)`. And `openStore`, for tests of their own. */

import { openStore } from "../../ts/storage/select.js";
import type { Entry, PqEntry } from "../conformance/kit.js";
import { type Outcome, runConformance } from "../conformance/suite.js";

let fileCount = 0;

/** A fresh file of the private file system. */
async function privateFile(): Promise<FileSystemFileHandle> {
  const folder = await navigator.storage.getDirectory();
  return folder.getFileHandle(`test-${fileCount++}.diskann`, { create: true });
}

async function runSuite(entry: string): Promise<Outcome[]> {
  const { VectorIndex } = (await import(entry)) as { VectorIndex: Entry };
  const quantizers = new URL("pq-wasm.js", new URL(entry, location.href)).href;
  const { ProductQuantizer } = (await import(quantizers)) as { ProductQuantizer: PqEntry };
  return runConformance({
    name: entry,
    VectorIndex,
    ProductQuantizer,
    backend: "wasm",
    handle: privateFile,
    places: ["opfs", "idb"],
    // The suite runs in several pages of one server at once: each has files of its own.
    server: new URL(`/files/${crypto.randomUUID()}/`, location.href).href,
  });
}

Object.assign(globalThis, { runSuite, openStore });

// In a worker: the entry arrives as a message, the outcomes go back.
if (typeof document === "undefined") {
  globalThis.addEventListener("message", ({ data }: MessageEvent<unknown>) => {
    if (typeof data !== "string") return;
    runSuite(data).then(
      (outcomes) => postMessage(outcomes),
      (error: unknown) => postMessage([{ name: "the suite in a worker", error: String(error) }]),
    );
  });
}
