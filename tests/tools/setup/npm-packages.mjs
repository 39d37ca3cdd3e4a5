/* node_modules as package-lock.json wants it. npm keeps a list of what it installed; comparing the two costs a
   millisecond, so an unchanged tree needs no npm at all. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { say } from "./say.mjs";
import { BUILD, ROOT, runLogged, tail } from "./shell.mjs";

const readPackages = (path) => JSON.parse(readFileSync(join(ROOT, path), "utf8")).packages;

/** The first package that is not installed as locked, or undefined. */
function firstDifference() {
  if (!existsSync(join(ROOT, "node_modules/.package-lock.json"))) return "node_modules";
  const installed = readPackages("node_modules/.package-lock.json");
  for (const [path, locked] of Object.entries(readPackages("package-lock.json"))) {
    if (path === "" || locked.link) continue;
    // npm leaves optional packages of other platforms out
    if (installed[path] === undefined && locked.optional) continue;
    if (installed[path]?.version !== locked.version) return path;
  }
  return undefined;
}

/** The lock must speak of package.json as it is, else `npm ci` refuses. */
function lockMatchesPackage() {
  const wanted = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  const locked = readPackages("package-lock.json")[""];
  const key = (part) => JSON.stringify(Object.entries(part ?? {}).sort());
  return ["dependencies", "devDependencies"].every((part) => key(wanted[part]) === key(locked[part]));
}

/* `npm ci` refuses where a registry lacks a locked package of another platform; `npm install` then does as well as it
   can, and leaves the lock alone. */
const WAYS = [["ci"], ["install", "--no-save"]];

export async function ensureNpmPackages() {
  const matches = lockMatchesPackage();
  if (matches && firstDifference() === undefined) return true;
  const started = performance.now();
  const log = join(BUILD, "log", "npm.log");
  const npm = process.platform === "win32" ? "npm.cmd" : "npm";
  for (const words of matches ? WAYS : [["install"]]) {
    say.begin("npm", `npm ${words.join(" ")}`);
    const code = await runLogged(npm, [...words, "--no-audit", "--no-fund"], log, {
      append: words[0] !== "ci",
    });
    if (code === 0) {
      say.done("npm", "packages are installed", performance.now() - started);
      return true;
    }
    say.failed("npm", `npm ${words.join(" ")} ended with ${code}`);
    say.note(complaints(log));
  }
  return false;
}

/** npm says what is wrong first and how it is used last. */
function complaints(log) {
  const lines = tail(log, 1000).split("\n");
  return lines
    .filter((line) => /^npm (error|ERR!) \S/.test(line))
    .slice(0, 10)
    .join("\n");
}
