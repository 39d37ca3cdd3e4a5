/*
 * npm runs a script named `prebuild` by itself before the one named `build`, and says nothing to the script about why.
 * The command line of the npm above us does: "npm run build". Where that cannot be read, it counts as asked for.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** { parent, command } of a process, or undefined. */
function describeProcess(pid) {
  try {
    if (process.platform === "linux") {
      const parent = /\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1];
      const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
      return { parent: Number(parent), command };
    }
    const text = execFileSync("ps", ["-o", "ppid=,command=", "-p", String(pid)], { encoding: "utf8" });
    const [, parent, command] = /^\s*(\d+)\s+(.*)/.exec(text);
    return { parent: Number(parent), command };
  } catch {
    return undefined;
  }
}

/** True when this process runs because somebody said `npm run build`. */
export function isHookOfBuild() {
  if (process.env.npm_lifecycle_event !== "prebuild") return false;
  for (let pid = process.ppid, depth = 0; pid > 1 && depth < 4; depth++) {
    const found = describeProcess(pid);
    if (found === undefined) return false;
    const script = /^npm (?:run|run-script|rum|urn)\s+(\S+)/.exec(found.command)?.[1];
    if (script !== undefined) return script === "build";
    pid = found.parent;
  }
  return false;
}
