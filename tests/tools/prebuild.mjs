/*
 * Makes prebuilds/<platform>/diskann.node, which the package ships.
 *
 *   npm run prebuild                                  all that this machine can make, each tried on its Node
 *   node tests/tools/prebuild.mjs --platform=<name>   this one, or an error
 *   node tests/tools/prebuild.mjs --host              the one of this machine, if it has a compiler
 *   node tests/tools/prebuild.mjs --check=<a,b,...>   makes nothing; these are there and within their limits
 *
 * Nothing is made again while its sources are the same. Targets: prebuild/targets.mjs.
 */
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { emulatedNode } from "./prebuild/emulate.mjs";
import { buildByGyp } from "./prebuild/gyp.mjs";
import { isHookOfBuild } from "./prebuild/hook.mjs";
import { inspect } from "./prebuild/inspect.mjs";
import { buildByMingw } from "./prebuild/mingw.mjs";
import { HOST, prebuiltPath, recipe, TARGETS } from "./prebuild/targets.mjs";
import { isPresent, TOOLS } from "./setup/debian.mjs";
import { say } from "./setup/say.mjs";
import { BUILD, ROOT, runLogged, tail } from "./setup/shell.mjs";
import { hashInputs, isFresh, removeStamp, writeStamp } from "./setup/stamp.mjs";

const INPUTS = [
  "binding.gyp",
  "csrc",
  "node",
  "tests/tools/prebuild",
  "tests/tools/sources.mjs",
  "tests/tools/gyp-sources.mjs",
];

/** Prints what the addon is; true when it is within its limits. */
function report(name, ms) {
  const { bytes, needs, problems } = inspect(join(ROOT, prebuiltPath(name)));
  const size = `${(bytes / 1000).toFixed(0)} kB`;
  const text = [`${prebuiltPath(name)}: ${size}`, ...needs].join(", ");
  (problems.length === 0 ? say.done : say.failed)(name, text, ms);
  for (const problem of problems) say.note(problem);
  return problems.length === 0;
}

/** Loads the addon in the Node it is for, here or under an emulator; true when it answers, or nothing can run it. */
async function tryOut(name, runs) {
  const node = await emulatedNode(runs);
  if (node === undefined) {
    say.absent(name, "not tried: nothing here runs it");
    return true;
  }
  const log = join(BUILD, "log", `prebuild-${name}-try.log`);
  const words = [...node.args, "tests/tools/prebuild/try-out.mjs", prebuiltPath(name)];
  const code = await runLogged(node.command, words, log, { env: node.env });
  const good = code === 0 && /^tried out: /m.test(tail(log));
  if (good) say.note(tail(log).match(/^tried out: .*/m)[0]);
  else {
    say.failed(name, "does not work in the Node it is for");
    say.note(tail(log));
  }
  return good;
}

/** Builds one platform; true when it is there, within its limits, and works. */
async function prebuild(name, how) {
  const started = performance.now();
  const stamp = `prebuild-${name}`;
  const hash = hashInputs(INPUTS, `${process.version} ${HOST}`);
  if (isFresh(stamp, hash, [prebuiltPath(name)])) return report(name);
  const log = join(BUILD, "log", `${stamp}.log`);
  removeStamp(stamp);
  say.begin(name, how.by === "mingw" ? "building by mingw" : "building by node-gyp");
  const built = how.by === "mingw" ? await buildByMingw(name, log) : await buildByGyp(name, how, log);
  if (built === undefined) {
    say.failed(name, "was not built");
    say.note(tail(log));
    return false;
  }
  const target = join(ROOT, prebuiltPath(name));
  mkdirSync(dirname(target), { recursive: true });
  copyFileSync(built, target);
  const good = report(name, performance.now() - started) && (await tryOut(name, how.runs));
  if (good) writeStamp(stamp, hash);
  return good;
}

/** [name, recipe] of all platforms that can be made here; says why others cannot. */
function possibleTargets() {
  return Object.keys(TARGETS).flatMap((name) => {
    const how = recipe(name);
    if (how === undefined) return [];
    const missing = how.tools.filter((tool) => !isPresent(tool));
    if (missing.length === 0) return [[name, how]];
    say.absent(name, `not built: there is no ${missing.map((tool) => TOOLS[tool].is).join(", no ")}`);
    return [];
  });
}

function wantedTargets(argument) {
  if (argument === undefined) return possibleTargets();
  if (argument === "--host") return possibleTargets().filter(([name]) => name === HOST);
  const name = argument.slice("--platform=".length);
  const how = recipe(name);
  if (how === undefined) throw new Error(`${name} cannot be made on ${HOST}`);
  return [[name, how]];
}

/** True when all are there and within their limits. */
function checkThere(names) {
  const good = names.map((name) => {
    if (existsSync(join(ROOT, prebuiltPath(name)))) return report(name);
    say.failed(name, `${prebuiltPath(name)} is absent`);
    return false;
  });
  return good.every(Boolean);
}

/** Sets up what `npm run prebuild` needs; true when it can go on. */
function setUp() {
  const words = ["tests/tools/setup.mjs", "prebuild"];
  return (
    spawnSync(process.execPath, words, { cwd: ROOT, stdio: ["ignore", "inherit", "inherit"] }).status === 0
  );
}

/** True when all went well. */
async function main() {
  const argument = process.argv[2];
  if (argument === undefined && isHookOfBuild()) return true;
  if (argument?.startsWith("--check=")) return checkThere(argument.slice("--check=".length).split(","));
  if (argument === undefined && !setUp()) return false;
  let good = true;
  for (const [name, how] of wantedTargets(argument)) good = (await prebuild(name, how)) && good;
  return good;
}

process.exitCode = (await main()) ? 0 : 1;
