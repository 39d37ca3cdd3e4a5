/* Builds and runs the benchmark of the kernels: node tests/tools/c-bench.mjs [scale]; see tests/c/bench_kernels.c. */
import { availableParallelism } from "node:os";
import { buildCore, buildProgram, run } from "./c-build.mjs";
import { VARIANTS } from "./c-variants.mjs";

const gcc = VARIANTS.find(({ name }) => name === "gcc").build;
const flags = gcc.flags.map((flag) => (flag === "-O2" ? "-O3" : flag));
const build = { ...gcc, name: "bench", flags: [...flags, "-D_POSIX_C_SOURCE=200809L"] };

const { path: library, broken } = await buildCore(build, availableParallelism());
for (const { file, text } of broken) console.error(`${file} does not compile\n${text}`);
const program = await buildProgram(build, "tests/c/bench_kernels.c", library);
if (program.path === undefined) throw new Error(program.text);
const { code, text } = await run(program.path, process.argv.slice(2));
process.stdout.write(text);
process.exitCode = code === 0 ? 0 : 1;
