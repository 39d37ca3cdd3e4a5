/* Running other programs: found on PATH, never with a stdin, output to a log that is shown when they fail. */
import { spawn, spawnSync } from "node:child_process";
import { accessSync, constants, createWriteStream, mkdirSync, readFileSync } from "node:fs";
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

/** Runs a command with its output in `log`; resolves to its exit code. */
export function runLogged(command, args, log, options = {}) {
  mkdirSync(dirname(log), { recursive: true });
  const out = createWriteStream(log, { flags: options.append ? "a" : "w" });
  out.write(`$ ${command} ${args.join(" ")}\n`);
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: options.cwd ?? ROOT,
      env: { ...process.env, ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    child.stdout.pipe(out, { end: false });
    child.stderr.pipe(out, { end: false });
    const end = (code, text) => out.end(text, () => resolve(code));
    child.on("error", (error) => end(127, `${error.message}\n`));
    child.on("close", (code, signal) => end(code ?? 1, signal ? `ended by ${signal}\n` : ""));
  });
}

/** Runs a command with its output on ours; resolves to its exit code. */
export function runShown(command, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: options.cwd ?? ROOT,
      env: { ...process.env, ...options.env },
      stdio: ["ignore", "inherit", "inherit"],
    });
    child.on("error", () => resolve(127));
    child.on("close", (code) => resolve(code ?? 1));
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
