import { runtime } from "../tools/runtimes.mjs";
import { type Run, suiteInProcess } from "./processes.js";
import { reportRuns } from "./report.js";

const deno = await runtime("deno");
const suite = (run: Run) => () => suiteInProcess("deno", [deno, "run", "--allow-all"], run);

await reportRuns({
  "WebAssembly in Deno": suite({ entry: "wasm.js", backend: "wasm" }),
  "a worker in Deno": suite({ entry: "worker.js", backend: "wasm" }),
  "the addon in Deno": suite({ entry: "native.js", backend: "native" }),
});
