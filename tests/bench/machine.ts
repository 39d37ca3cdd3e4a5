/** On what the numbers were measured. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { arch, cpus, loadavg, platform, release, totalmem } from "node:os";
import { join } from "node:path";

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memory: number;
  readonly system: string;
  readonly node: string;
  /** Of this package: version, commit. */
  readonly diskann: string;
  /** Processes that wanted to run before we began; near 0 on a quiet machine. */
  readonly load: number;
}

function commit(root: string): string {
  try {
    const git = (...args: string[]) =>
      execFileSync("git", args, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
    const changed = git("status", "--porcelain", "--untracked-files=no") === "" ? "" : " with changes";
    return `commit ${git("rev-parse", "--short", "HEAD")}${changed}`;
  } catch {
    return "no commit";
  }
}

export function describeMachine(root: string): Machine {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: cpus().length,
    memory: totalmem(),
    system: `${platform()} ${arch()} ${release()}`,
    node: process.version,
    diskann: `${version}, ${commit(root)}`,
    load: loadavg()[0] ?? Number.NaN,
  };
}
