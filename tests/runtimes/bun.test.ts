import { runtime } from "../tools/runtimes.mjs";
import { suiteInProcess } from "./processes.js";
import { reportRun } from "./report.js";

const bun = await runtime("bun");

await reportRun("WebAssembly in Bun", () =>
  suiteInProcess("bun", [bun], { entry: "wasm.js", backend: "wasm" }),
);
