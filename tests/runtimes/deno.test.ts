import { runtime } from "../tools/runtimes.mjs";
import { suiteInProcess } from "./processes.js";
import { reportRun } from "./report.js";

const deno = await runtime("deno");

await reportRun("WebAssembly in Deno", () =>
  suiteInProcess("deno", [deno, "run", "--allow-all"], { entry: "wasm.js", backend: "wasm" }),
);
