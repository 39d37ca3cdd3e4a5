/* Builds a C program with the core, optimised as the addon is; fails with what the compiler said. */
import { buildCore, buildProgram } from "../tools/c-build.mjs";
import { FLAGS, WARNINGS } from "../tools/sources.mjs";

/** Path of the program. */
export async function buildCoreProgram(file = "tests/bench/measure_core.c") {
  const arch = process.arch === "arm64" ? "arm64" : "x64";
  const build = {
    name: "bench",
    arch,
    cc: "gcc",
    ar: "ar",
    flags: [...FLAGS, ...WARNINGS, "-O3", "-DNDEBUG"],
  };
  const { path: library, broken } = await buildCore(build, 2);
  if (broken.length > 0) throw new Error(`${broken[0].file} does not compile:\n${broken[0].text}`);
  const program = await buildProgram(build, file, library);
  if (program.path === undefined) throw new Error(program.text);
  return program.path;
}
