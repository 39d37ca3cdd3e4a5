/*
 * Makes a checkout ready for one of its npm scripts: node tests/tools/setup.mjs <goal>
 *
 * Needs Node only, so it works on a bare clone. Installs Debian packages where it may (root, or sudo that does not
 * ask), else says what to install and goes on with what it can; then npm packages; then builds what changed.
 * Ends with 1 when the goal cannot be served at all. Goals: setup/goals.mjs; tools: setup/debian.mjs;
 * built things: setup/steps.mjs. Logs lie in build/log.
 */
import { ensureTools } from "./setup/debian.mjs";
import { GOALS } from "./setup/goals.mjs";
import { withLock } from "./setup/lock.mjs";
import { ensureNpmPackages } from "./setup/npm-packages.mjs";
import { elapsed, say } from "./setup/say.mjs";
import { runStep } from "./setup/steps.mjs";

const works = (result) => result === "fresh" || result === "built";

/** Builds the steps in the order of the table, side by side where the table allows it. */
async function build(names) {
  const results = {};
  const independent = names.filter((name) => name !== "bundle");
  await Promise.all(independent.map(async (name) => (results[name] = await runStep(name))));
  const nothing = names.includes("bundle") && !independent.some((name) => works(results[name]));
  if (nothing) say.failed("build", "neither the addon nor WebAssembly is there: nothing to bundle");
  else if (names.includes("bundle")) results.bundle = await runStep("bundle");
  return results;
}

/** True when every need, written "a|b" for either, is met. */
const meets = (needs, results) => needs.every((need) => need.split("|").some((name) => works(results[name])));

async function setUp(goal) {
  const [, npmWorks] = await Promise.all([ensureTools(goal.tools), ensureNpmPackages()]);
  if (!npmWorks) return false;
  const results = await build(goal.steps);
  if (!meets(goal.needs, results) || Object.values(results).includes("failed")) return false;
  const changed = Object.values(results).some((result) => result !== "fresh");
  if (changed) say.done("ready", "set-up is complete", elapsed());
  return true;
}

const name = process.argv[2] ?? "build";
const goal = GOALS[name];
if (goal === undefined) {
  say.failed("setup", `no such goal: ${name}; there are ${Object.keys(GOALS).join(", ")}`);
  process.exitCode = 2;
} else if (!(await withLock(() => setUp(goal)))) {
  say.failed("setup", `npm run ${name} cannot go on`);
  process.exitCode = 1;
}
