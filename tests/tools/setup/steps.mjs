/* What is built, from what, with which tools; a step whose inputs did not change costs a hash of them. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { isPresent, TOOLS } from "./debian.mjs";
import { say } from "./say.mjs";
import { BUILD, ROOT, runLogged, tail } from "./shell.mjs";
import { hashInputs, isFresh, removeStamp, writeStamp } from "./stamp.mjs";

/** Where the headers of this Node lie, as an option of node-gyp; without it node-gyp fetches them. */
export function nodeHeaders() {
  const places = [dirname(dirname(process.execPath)), "/usr", "/usr/local"];
  const found = places.find((place) => existsSync(join(place, "include/node/node_api.h")));
  return found === undefined ? [] : [`--nodedir=${found}`];
}

const gyp = ["node_modules/node-gyp/bin/node-gyp.js", "configure", "build", "--jobs=max", ...nodeHeaders()];

/* Inputs and outputs are files and folders of the repository; outputs must exist afterwards. */
export const STEPS = {
  addon: {
    is: "native addon",
    tools: ["compiler", "python"],
    inputs: ["binding.gyp", "csrc", "node", "tests/tools/sources.mjs", "tests/tools/gyp-sources.mjs"],
    outputs: ["build/Release/diskann.node"],
    command: gyp,
  },
  wasm: {
    is: "WebAssembly module",
    tools: ["emscripten"],
    inputs: ["wasm", "csrc", "tests/tools/sources.mjs"],
    outputs: ["dist/diskann.wasm", "dist/diskann-threads.wasm"],
    command: ["wasm/build.mjs"],
  },
  bundle: {
    is: "TypeScript bundle",
    tools: [],
    after: ["wasm"],
    inputs: ["ts", "tsdown.config.ts", "tsconfig.json", "package.json", "dist/diskann.wasm"],
    outputs: ["dist/index.js"],
    command: ["node_modules/tsdown/dist/run.mjs"],
  },
};

/** "fresh", "built", "failed", or "absent" when a tool is missing. */
export async function runStep(name) {
  const step = STEPS[name];
  const missing = step.tools.filter((tool) => !isPresent(tool));
  const hash = hashInputs(step.inputs, `${process.version} ${process.arch} ${step.command.join(" ")}`);
  if (isFresh(name, hash, step.outputs)) return "fresh";
  if (missing.length > 0) {
    say.absent(
      name,
      `${step.is}: not built, there is no ${missing.map((tool) => TOOLS[tool].is).join(", no ")}`,
    );
    return "absent";
  }
  const started = performance.now();
  const log = join(BUILD, "log", `${name}.log`);
  removeStamp(name);
  const code = await runLogged(process.execPath, step.command, log);
  const lost = step.outputs.filter((path) => !existsSync(join(ROOT, path)));
  if (code !== 0 || lost.length > 0) {
    say.failed(name, `${step.is}: ${code !== 0 ? `ended with ${code}` : `did not make ${lost.join(", ")}`}`);
    say.note(tail(log));
    return "failed";
  }
  writeStamp(name, hash);
  say.done(name, step.is, performance.now() - started);
  return "built";
}
