/** The process around a command: signals, errors, exit codes. */
import { DiskAnnError } from "../core/errors.js";
import { Interrupted, UsageError } from "./context.js";
import type { EngineLoaders, QuantizerLoaders } from "./engine.js";
import { CommanderError, runProgram } from "./program.js";
import { styleFor, wantsColor } from "./terminal.js";

export interface MainParts {
  readonly version: string;
  readonly engines: EngineLoaders;
  readonly quantizers: QuantizerLoaders;
}

const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;

/** The first signal asks the command to stop, which cleans up; the second one ends the process at once. */
function listenForSignals(): AbortSignal {
  const controller = new AbortController();
  for (const [name, exitCode] of Object.entries(SIGNALS))
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(exitCode);
      controller.abort(new Interrupted(exitCode));
    });
  return controller.signal;
}

/** Who reads our output may stop early, as `head` does: that is no failure. */
function endWithReader(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
    throw error;
  });
}

/** What went wrong, to standard error, or as JSON to standard output; returns the exit code. */
function reportFailure(error: unknown, json: boolean): number {
  const paint = styleFor(wantsColor(process.stderr, process.env));
  if (error instanceof Interrupted) {
    process.stderr.write(`${paint.yellow("interrupted")}\n`);
    return error.exitCode;
  }
  const usage = error instanceof UsageError;
  const known = usage || error instanceof DiskAnnError;
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof DiskAnnError ? error.code : undefined;
  if (json) process.stdout.write(`${JSON.stringify({ error: { code, message } }, null, 2)}\n`);
  const details = known ? message : error instanceof Error ? (error.stack ?? message) : message;
  const suffix = code === undefined ? "" : ` ${paint.dim(`(${code})`)}`;
  process.stderr.write(`${paint.red("error:")} ${details}${suffix}\n`);
  return usage ? 2 : 1;
}

/** Runs the process's command line and sets its exit code. */
export async function main(parts: MainParts): Promise<void> {
  endWithReader();
  let json = false;
  try {
    await runProgram(process.argv.slice(2), {
      ...parts,
      streams: { stdout: process.stdout, stderr: process.stderr, env: process.env },
      signal: listenForSignals(),
      setExitCode: (code) => {
        process.exitCode = code;
      },
      setJson: (value) => {
        json = value;
      },
    });
  } catch (error) {
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
    else process.exitCode = reportFailure(error, json);
  }
}
