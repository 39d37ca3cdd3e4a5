/** What else there is in Deno and Bun, beside WebAssembly on the main thread. */
import { runtime } from "../tools/runtimes.mjs";
import { suiteInProcess } from "./processes.js";
import { reportRuns } from "./report.js";

const PROGRAMS = {
  deno: [await runtime("deno"), "run", "--allow-all"],
  bun: [await runtime("bun")],
} as const;

for (const [name, program] of Object.entries(PROGRAMS)) {
  const suite = (entry: string, backend: "wasm" | "native") => () =>
    suiteInProcess(name, [...program], { entry, backend });
  await reportRuns({
    [`a worker in ${name}`]: suite("worker.js", "wasm"),
    [`the addon in ${name}`]: suite("native.js", "native"),
  });
}
