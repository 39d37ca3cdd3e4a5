/*
 * Format, lint, types and the rules of the house, without running the product: node tests/tools/check.mjs
 * Runs all of them, two at a time, prints what each has to say, and ends with 1 if any complained.
 */
import { join } from "node:path";
import { duration, elapsed, say } from "./setup/say.mjs";
import { BUILD, ROOT, runLogged, tail } from "./setup/shell.mjs";

const tsc = "node_modules/typescript/bin/tsc";

const CHECKS = [
  { name: "format, lint", command: ["node_modules/@biomejs/biome/bin/biome", "ci", "--colors=off", "."] },
  { name: "types", command: [tsc, "-p", "."] },
  { name: "types of tests", command: [tsc, "-p", "tests"] },
  // Against the sources, which are there where nothing is built; the tests hold them against the package.
  { name: "types of examples", command: [tsc, "-p", "tests/tsconfig.examples.json"] },
  { name: "tidy", command: ["tests/tidy/run.mjs"] },
];

async function runCheck({ name, command }) {
  const started = performance.now();
  const log = join(BUILD, "log", `check-${name.replaceAll(/\W+/g, "-")}.log`);
  const code = await runLogged(process.execPath, command, log);
  if (code === 0) say.done(name, "good", performance.now() - started);
  else {
    say.failed(name, `see ${log.slice(ROOT.length + 1)}`);
    say.note(tail(log, 80));
  }
  return code === 0;
}

const left = [...CHECKS];
let good = 0;
async function runNext() {
  for (let check = left.shift(); check !== undefined; check = left.shift()) if (await runCheck(check)) good++;
}
await Promise.all([runNext(), runNext()]);
console.log(`${good} of ${CHECKS.length} checks are good, ${duration(elapsed())}`);
process.exitCode = good === CHECKS.length ? 0 : 1;
