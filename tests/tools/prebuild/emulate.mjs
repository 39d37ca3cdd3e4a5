/* The Node of another platform, started on this one. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { runtime } from "../runtimes.mjs";
import { isPresent, winePath } from "../setup/debian.mjs";
import { BUILD } from "../setup/shell.mjs";

/**
 * { command, args, env } that start a Node for `runs` ("here", "qemu-arm64", "wine"), to be followed by a script;
 * undefined where it cannot be.
 */
export async function emulatedNode(runs) {
  if (runs === "here") return { command: process.execPath, args: [], env: {} };
  if (runs === "qemu-arm64" && isPresent("qemu") && isPresent("arm64")) {
    const args = ["-L", "/usr/aarch64-linux-gnu", await runtime("node20arm64")];
    return { command: "qemu-aarch64-static", args, env: {} };
  }
  if (runs === "wine" && isPresent("wine")) {
    const prefix = join(BUILD, "wine");
    mkdirSync(prefix, { recursive: true });
    const env = { WINEPREFIX: prefix, WINEDEBUG: "-all", NODE_SKIP_PLATFORM_CHECK: "1" };
    return { command: winePath(), args: [await runtime("node20win")], env };
  }
  return undefined;
}
