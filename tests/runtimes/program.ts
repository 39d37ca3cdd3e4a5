/** The suite as a program for Deno and Bun: <entry file> <backend> <result file> <file server>. */
import { writeFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import type { Entry, PqEntry } from "../conformance/kit.js";
import { nodeFiles, removeFolders } from "../conformance/node-files.js";
import { runConformance } from "../conformance/suite.js";

const [entry = "", backend = "", result = "", server = ""] = process.argv.slice(2);
const { VectorIndex } = (await import(pathToFileURL(entry).href)) as { VectorIndex: Entry };
const quantizers = new URL(backend === "native" ? "pq.js" : "pq-wasm.js", pathToFileURL(entry));
// The worker's entry has none.
const ProductQuantizer = entry.endsWith("worker.js")
  ? undefined
  : ((await import(quantizers.href)) as { ProductQuantizer: PqEntry }).ProductQuantizer;
const outcomes = await runConformance({
  name: entry,
  VectorIndex,
  ProductQuantizer,
  backend: backend as "native" | "wasm",
  files: nodeFiles,
  server,
});
await removeFolders();
await writeFile(result, JSON.stringify(outcomes));
