/* Running other programs: found on PATH, never with a stdin, output to a log that is shown when they fail. */
import { spawn, spawnSync } from "node:child_process";
import { accessSync, closeSync, constants, mkdirSync, openSync, readFileSync, writeSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository. */
export const ROOT = fileURLToPath(new URL("../../../", import.meta.url)).replace(/[\\/]$/, "");
export const BUILD = join(ROOT, "build");

/** Where `command` lies on PATH, or undefined. */
export function which(command) {
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    const path = join(folder, command);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // not here
    }
  }
  return undefined;
}

/** First line of what a quick command prints, or undefined when it fails. */
export function ask(command, args) {
  const { status, stdout } = spawnSync(command, args, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  return status === 0 ? stdout.split("\n")[0] : undefined;
}

/** Runs a command with its output in the file `log`, in the order it wrote it; resolves to its exit code. */
export function runLogged(command, args, log, options = {}) {
  mkdirSync(dirname(log), { recursive: true });
  const file = openSync(log, options.append ? "a" : "w");
  writeSync(file, `$ ${command} ${args.join(" ")}\n`);
  return new Promise((resolve) => {
    let failure = "";
    const child = spawn(command, args, {
      cwd: options.cwd ?? ROOT,
      env: { ...process.env, ...options.env },
      stdio: ["ignore", file, file],
    });
    child.on("error", (error) => (failure = `${error.message}\n`));
    child.on("close", (code, signal) => {
      writeSync(file, signal ? `ended by ${signal}\n` : failure);
      closeSync(file);
      resolve(failure === "" ? (code ?? 1) : 127);
    });
  });
}

/** The last lines of a log, for a failure's message. */
export function tail(log, lines = 25) {
  try {
    return readFileSync(log, "utf8").trimEnd().split("\n").slice(-lines).join("\n");
  } catch {
    return "(no output)";
  }
}
