/*
 * Runs the test parts and adds up what they counted: node tests/tools/test.mjs [--all] [part...]
 *
 * A part is a program that prints a line "N passed, N failed" (the last one counts) or a vitest run, which reports
 * through a file. A part that ends badly without a count is one failure. A part whose tool is absent is named at the
 * end; with CI set it is a failure. The last line of all is the sum.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { isPresent, TOOLS } from "./setup/debian.mjs";
import { duration, elapsed, say } from "./setup/say.mjs";
import { BUILD, ROOT } from "./setup/shell.mjs";
import { PARTS } from "./test-parts.mjs";

const all = process.argv.includes("--all");
const wanted = process.argv.slice(2).filter((word) => !word.startsWith("--"));

/** Runs a command with its output on ours; resolves to { code, text }. */
function runTee(command, env) {
  return new Promise((resolve) => {
    let text = "";
    const child = spawn(process.execPath, command, {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const [from, to] of [
      [child.stdout, process.stdout],
      [child.stderr, process.stderr],
    ]) {
      from.setEncoding("utf8");
      from.on("data", (chunk) => {
        text += chunk;
        to.write(chunk);
      });
    }
    child.on("error", (error) => resolve({ code: 127, text: error.message }));
    child.on("close", (code) => resolve({ code: code ?? 1, text }));
  });
}

/** The last "N passed, N failed" of a text, or undefined. */
export function readCount(text) {
  const last = [...text.matchAll(/^(\d+) passed, (\d+) failed\s*$/gm)].at(-1);
  return last === undefined ? undefined : { passed: Number(last[1]), failed: Number(last[2]) };
}

function readVitestCount(path) {
  if (!existsSync(path)) return undefined;
  const report = JSON.parse(readFileSync(path, "utf8"));
  // a test that was never run is not a pass
  const failed = report.numTotalTests - report.numPassedTests;
  const brokenFiles = report.testResults.filter(
    (file) => file.status === "failed" && file.assertionResults.length === 0,
  );
  return { passed: report.numPassedTests, failed: failed + brokenFiles.length };
}

async function runPart(part) {
  if (part.vitest === undefined) {
    const { code, text } = await runTee(part.command, part.env);
    return { code, count: readCount(text) };
  }
  const report = join(BUILD, "test-results", `${part.name.replaceAll(" ", "-")}.json`);
  mkdirSync(join(BUILD, "test-results"), { recursive: true });
  rmSync(report, { force: true });
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const command = ["node_modules/vitest/vitest.mjs", "run", ...reporters, ...part.vitest];
  const { code } = await runTee(command, part.env);
  return { code, count: readVitestCount(report) };
}

async function runCounted(part) {
  const started = performance.now();
  const { code, count = { passed: 0, failed: 0 } } = await runPart(part);
  if ((code !== 0 || count.passed === 0) && count.failed === 0) count.failed = 1;
  const line = `${count.passed} passed, ${count.failed} failed`;
  (count.failed === 0 ? say.done : say.failed)(part.name, line, performance.now() - started);
  return { name: part.name, ...count, ms: performance.now() - started };
}

function missingTools(part) {
  return (part.tools ?? []).filter((tool) => !isPresent(tool));
}

function summary(results, left) {
  console.log("");
  say.title(`Tests, ${duration(elapsed())}`);
  for (const { name, passed, failed, ms } of results) {
    const text = `${String(passed).padStart(6)} passed ${String(failed).padStart(4)} failed`;
    (failed === 0 ? say.done : say.failed)(name, text, ms);
  }
  for (const { name, missing } of left) {
    say.absent(name, `did not run: there is no ${missing.map((tool) => TOOLS[tool].is).join(", no ")}`);
  }
}

async function main() {
  const parts = PARTS.filter((part) =>
    wanted.length > 0 ? wanted.includes(part.name) : all || part.all !== true,
  );
  const results = [];
  const left = [];
  for (const part of parts) {
    const missing = missingTools(part);
    if (missing.length > 0) {
      left.push({ name: part.name, missing });
      continue;
    }
    console.log("");
    say.title(part.name);
    results.push(await runCounted(part));
  }
  summary(results, left);
  const sum = (key) => results.reduce((total, result) => total + result[key], 0);
  const failed = sum("failed") + (process.env.CI ? left.length : 0);
  console.log(`${sum("passed")} passed, ${failed} failed`);
  return failed === 0 && parts.length > 0 ? 0 : 1;
}

process.exitCode = await main();
