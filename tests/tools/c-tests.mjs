/*
 * Builds the core and the C tests in every variant of c-variants.mjs and runs them:
 *
 *     node tests/tools/c-tests.mjs [--variant=gcc,sanitize] [--verbose] [word...]
 *
 * With words only the tests whose file name contains one of them, and units of the core that do not compile are told
 * but not counted (for work on a part of it). Then the programs that measure are compiled, not run. Last, unless words are
 * given: no unit may hold a fused multiply-add.
 * Ends with a line "N passed, N failed".
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { isAbsolute, join } from "node:path";
import { buildCore, buildProgram, compile, run } from "./c-build.mjs";
import { VARIANTS } from "./c-variants.mjs";
import { checkFused } from "./fused.mjs";
import { say } from "./setup/say.mjs";
import { which } from "./setup/shell.mjs";
import { ROOT } from "./sources.mjs";

const options = process.argv.slice(2).filter((word) => word.startsWith("--"));
const words = process.argv.slice(2).filter((word) => !word.startsWith("--"));
const verbose = options.includes("--verbose");
const chosen = options
  .find((word) => word.startsWith("--variant="))
  ?.slice("--variant=".length)
  .split(",");
const width = Math.max(1, availableParallelism());

function filesIn(folder, pattern) {
  return readdirSync(join(ROOT, folder))
    .filter((name) => pattern.test(name))
    .filter((name) => words.length === 0 || words.some((word) => name.includes(word)))
    .map((name) => `${folder}/${name}`)
    .sort();
}

const testFiles = () => filesIn("tests/c", /^test_.*\.c$/);

/** Run by hand only: a change of the core would leave them behind unnoticed. */
const measuringFiles = () =>
  ["tests/c", "tests/bench", "tests/bench/layout"].flatMap((folder) =>
    filesIn(folder, /^(bench|measure)_.*\.c$/),
  );

/** Runs one test program; resolves to its counts. A program that ends badly has failed once more. */
async function runTest(variant, file, library) {
  const name = `${variant.name} ${file.slice("tests/c/".length, -2)}`;
  const program = await buildProgram(variant.build, file, library);
  if (program.path === undefined) {
    say.failed(name, "does not compile");
    say.note(program.text);
    return { passed: 0, failed: 1 };
  }
  const environment = { ...variant.environment };
  if (variant.expect !== undefined) environment.DISKANN_EXPECT_SIMD = variant.expect;
  if (variant.light) environment.DISKANN_TEST_LIGHT = variant.run[0]?.startsWith("qemu") ? "2" : "1";
  const [command, ...args] = [...variant.run, program.path];
  const { code, text, ms } = await run(command, args, { environment });
  const counted = /^(\d+) passed, (\d+) failed\n*$/m.exec(text);
  const count = { passed: Number(counted?.[1] ?? 0), failed: Number(counted?.[2] ?? 0) };
  if ((code !== 0 || count.passed === 0) && count.failed === 0) count.failed = 1;
  const summary = `${count.passed} passed, ${count.failed} failed`;
  if (count.failed === 0) say.done(name, summary, ms);
  else say.failed(name, typeof code === "number" ? summary : `${summary}: ${code}`);
  if (verbose || count.failed > 0) say.note(text.trimEnd());
  return count;
}

const isThere = (tool) => (isAbsolute(tool) ? existsSync(tool) : which(tool) !== undefined);

function isFor({ only, except }, text) {
  return (only?.test(text) ?? true) && !(except?.test(text) ?? false);
}

async function runVariant(variant) {
  const files = testFiles().filter((file) => isFor(variant, readFileSync(join(ROOT, file), "utf8")));
  if (files.length === 0) return [];
  const needs = [variant.build.cc, ...variant.run.slice(0, 1), ...(variant.needs ?? [])];
  const absent = needs.filter((tool) => !isThere(tool));
  if (absent.length > 0) {
    say.absent(variant.name, `did not run: there is no ${absent.join(", no ")}`);
    return process.env.CI ? [{ passed: 0, failed: 1 }] : [];
  }
  const { path, broken } = await buildCore(variant.build, width);
  for (const { file, text } of broken) {
    say.failed(variant.name, `${file} does not compile`);
    say.note(text.split("\n").slice(0, 12).join("\n"));
  }
  const counts = await Promise.all(files.map((file) => runTest(variant, file, path)));
  if (words.length === 0) counts.push({ passed: 0, failed: broken.length });
  return counts;
}

async function compileMeasuring({ build, name }) {
  const files = isThere(build.cc) ? measuringFiles() : [];
  const started = performance.now();
  const objects = await Promise.all(
    files.map((file) => compile(build, { file, flags: ["-D_POSIX_C_SOURCE=200809L"] })),
  );
  for (const [at, { path, text }] of objects.entries()) {
    if (path !== undefined) continue;
    say.failed(name, `${files[at]} does not compile`);
    say.note(text.split("\n").slice(0, 12).join("\n"));
  }
  const passed = objects.filter(({ path }) => path !== undefined).length;
  if (passed > 0) say.done(name, `${passed} programs that measure compile`, performance.now() - started);
  return { passed, failed: files.length - passed };
}

async function main() {
  const isChosen = (name) => chosen?.includes(name) ?? true;
  // The slow ones first, so that no core waits for them at the end.
  const isWanted = ({ name, asked }) => isChosen(name) && (chosen !== undefined || !asked);
  const variants = [...VARIANTS].reverse().filter(isWanted);
  const runs = variants.map(runVariant);
  runs.push(
    ...variants.filter(({ name }) => name === "gcc").map(async (gcc) => [await compileMeasuring(gcc)]),
  );
  if (words.length === 0 && isChosen("fused")) runs.push(checkFused(width));
  const counts = (await Promise.all(runs)).flat();
  const sum = (key) => counts.reduce((total, count) => total + count[key], 0);
  console.log(`${sum("passed")} passed, ${sum("failed")} failed`);
  process.exitCode = sum("failed") === 0 && sum("passed") > 0 ? 0 : 1;
}

await main();
