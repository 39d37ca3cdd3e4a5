import { runtime } from "../tools/runtimes.mjs";
import { type Run, suiteInProcess } from "./processes.js";
import { reportRuns } from "./report.js";

const bun = await runtime("bun");
const suite = (run: Run) => () => suiteInProcess("bun", [bun], run);

await reportRuns({
  "WebAssembly in Bun": suite({ entry: "wasm.js", backend: "wasm" }),
  "a worker in Bun": suite({ entry: "worker.js", backend: "wasm" }),
  "the addon in Bun": suite({ entry: "native.js", backend: "native" }),
});
