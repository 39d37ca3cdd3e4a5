/*
 * The addon's C++ without Node: its threads, its drive of operations, its files, over the real core, under a race detector
 * and under memory detectors.
 *
 *     node tests/tools/addon-tests.mjs [--verbose]
 *
 * Ends with a line "N passed, N failed".
 */
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { basename, join } from "node:path";
import { buildCore, compile, inParallel, run } from "./c-build.mjs";
import { VARIANTS } from "./c-variants.mjs";
import { say } from "./setup/say.mjs";
import { which } from "./setup/shell.mjs";
import { ROOT } from "./sources.mjs";

const FOLDER = join(ROOT, "build/addon-tests");
const UNITS = [
  "drive",
  "file",
  "file_posix",
  "index",
  "memory",
  "paged",
  "paged_work",
  "pool",
  "pq",
  "work",
].map((name) => `node/${name}.cc`);
const TESTS = ["errands", "paged_errands", "paged_host", "pool", "pq_errands"].map(
  (name) => `tests/c/test_${name}.cc`,
);
const FLAGS = ["-std=c++17", "-ffp-contract=off", "-Wall", "-Wextra", "-Werror"];
const width = Math.max(1, availableParallelism());
const verbose = process.argv.includes("--verbose");

/** The C++ compiler that belongs to a C compiler. */
function cxxOf(cc) {
  return cc.replace("gcc", "g++").replace("clang", "clang++");
}

/** The build of a variant for C++; what the headers of the addon hold is part of its version. */
function buildOf(variant, cxx) {
  const own = variant.build.flags.filter((word) => !word.startsWith("-std=") && !FLAGS.includes(word));
  const version = createHash("sha256");
  for (const name of readdirSync(join(ROOT, "node")).filter((file) => file.endsWith(".h"))) {
    version.update(readFileSync(join(ROOT, "node", name)));
  }
  return { ...variant.build, cc: cxx, flags: [...FLAGS, ...own], version: version.digest("hex") };
}

async function buildTests(variant, cxx) {
  const core = await buildCore(variant.build, width);
  const build = buildOf(variant, cxx);
  const objects = await inParallel([...UNITS, ...TESTS], width, (file) =>
    compile(build, { file, flags: [] }),
  );
  const bad = [...core.broken, ...objects].find(({ path }) => path === undefined);
  if (bad !== undefined) throw new Error(bad.text);
  const units = objects.slice(0, UNITS.length).map(({ path }) => path);
  return inParallel(TESTS, width, async (file, at = TESTS.indexOf(file)) => {
    const out = join(FOLDER, `${variant.name}-${basename(file, ".cc")}`);
    const own = objects[UNITS.length + at].path;
    const words = [...build.flags, own, ...units, core.path, "-o", out, "-lpthread", "-lm"];
    const { code, text } = await run(cxx, words);
    if (code !== 0) throw new Error(`${file} does not link: ${text}`);
    return out;
  });
}

async function runVariant(variant) {
  const cxx = cxxOf(variant.build.cc);
  if (which(cxx) === undefined) {
    say.absent(variant.name, `did not run: there is no ${cxx}`);
    return [{ passed: 0, failed: process.env.CI ? 1 : 0 }];
  }
  const programs = await buildTests(variant, cxx);
  return Promise.all(programs.map((program) => runTest(variant, program)));
}

async function runTest(variant, program) {
  const { code, text, ms } = await run(program, [], { environment: variant.environment ?? {} });
  const counted = /^(\d+) passed, (\d+) failed\n*$/m.exec(text);
  const count = { passed: Number(counted?.[1] ?? 0), failed: Number(counted?.[2] ?? 0) };
  if ((code !== 0 || count.passed === 0) && count.failed === 0) count.failed = 1;
  const told = count.failed === 0 ? say.done : say.failed;
  told(basename(program), `${count.passed} passed, ${count.failed} failed`, ms);
  if (verbose || count.failed > 0) say.note(text.trimEnd());
  return count;
}

async function main() {
  mkdirSync(FOLDER, { recursive: true });
  const variants = VARIANTS.filter(({ name }) => name === "threads" || name === "sanitize");
  const runs = variants.map((variant) =>
    runVariant(variant).catch((error) => {
      say.failed(variant.name, error.message);
      return [{ passed: 0, failed: 1 }];
    }),
  );
  const counts = (await Promise.all(runs)).flat();
  const sum = (key) => counts.reduce((total, count) => total + count[key], 0);
  console.log(`${sum("passed")} passed, ${sum("failed")} failed`);
  process.exitCode = sum("failed") === 0 && sum("passed") > 0 ? 0 : 1;
}

await main();
