/*
 * Builds and runs a benchmark of the core: node tests/tools/c-bench.mjs kernels [scale] for the kernels (tests/c/bench_kernels.c),
 * node tests/tools/c-bench.mjs pq for product quantisation (tests/c/bench_pq.c), bits for 1-bit codes (tests/c/bench_bits.c).
 */
import { availableParallelism } from "node:os";
import { buildCore, buildProgram, run } from "./c-build.mjs";
import { VARIANTS } from "./c-variants.mjs";

const gcc = VARIANTS.find(({ name }) => name === "gcc").build;
const flags = gcc.flags.map((flag) => (flag === "-O2" ? "-O3" : flag));
const build = { ...gcc, name: "bench", flags: [...flags, "-D_POSIX_C_SOURCE=200809L"] };

const { path: library, broken } = await buildCore(build, availableParallelism());
for (const { file, text } of broken) console.error(`${file} does not compile\n${text}`);
const [name = "kernels", ...words] = process.argv.slice(2);
const program = await buildProgram(build, `tests/c/bench_${name}.c`, library);
if (program.path === undefined) throw new Error(program.text);
const { code, text } = await run(program.path, words);
process.stdout.write(text);
if (code !== 0) throw new Error(`${name} ended with ${code}`);
