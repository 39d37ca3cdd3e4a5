/** The suite in other versions of Node, and in this one on other CPUs, by an emulator of the whole process. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { runtime } from "../tools/runtimes.mjs";
import { DIST } from "./bundle.js";
import { suiteInProcess } from "./processes.js";
import { reportRun } from "./report.js";

const run = promisify(execFile);

for (const name of ["node22", "node26"] as const) {
  const node = await runtime(name);
  await reportRun(`the addon in ${name}`, () =>
    suiteInProcess(name, [node], { entry: "native.js", backend: "native" }),
  );
  await reportRun(`WebAssembly in ${name}`, () =>
    suiteInProcess(name, [node], { entry: "wasm.js", backend: "wasm" }),
  );
  await reportRun(`a worker in ${name}`, () =>
    suiteInProcess(name, [node], { entry: "worker.js", backend: "wasm" }),
  );
}

/* Emulated CPUs and the kernels that they must choose. */
const CPUS = [
  ["Nehalem", "portable"],
  ["Haswell", "avx2"],
] as const;

const SHOW_SIMD = `
  const { VectorIndex } = await import(process.argv[1]);
  const index = await VectorIndex.create({ dimensions: 4 });
  console.log(index.stats().simd);
  await index.close();`;

if (process.platform === "linux" && process.arch === "x64") {
  for (const [cpu, simd] of CPUS) {
    const emulated = ["qemu-x86_64-static", "-cpu", cpu, process.execPath] as const;
    describe(`Node on ${cpu}`, () => {
      test(`runs the kernels "${simd}"`, async () => {
        const words = [...emulated.slice(1), "--input-type=module", "-e", SHOW_SIMD, join(DIST, "native.js")];
        const { stdout } = await run(emulated[0], words);
        expect(stdout.trim()).toBe(simd);
      });
    });
    await reportRun(`the addon in Node on ${cpu}`, () =>
      suiteInProcess(`node-${cpu}`, emulated, { entry: "native.js", backend: "native" }, 1_500_000),
    );
  }
}
