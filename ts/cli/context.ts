/** What every command gets: where to write, whether to stop, which backend. */
import { lineProgress, type ProgressView, silentProgress } from "./progress.js";
import { type Style, styleFor, type TerminalStream, wantsColor } from "./terminal.js";

/** Wrong usage: exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** SIGINT or SIGTERM; the reason that aborted calls reject with. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
  readonly exitCode: number;

  constructor(exitCode: number) {
    super("interrupted");
    this.exitCode = exitCode;
  }
}

export type BackendChoice = "auto" | "native" | "wasm";

/** Options that every command takes. */
export interface CommonOptions {
  readonly json?: boolean | undefined;
  readonly quiet?: boolean | undefined;
  readonly backend?: BackendChoice | undefined;
}

export interface Context {
  readonly signal: AbortSignal;
  readonly json: boolean;
  readonly backend: BackendChoice;
  readonly style: Style;
  /** Results, to standard output. */
  print(text: string): void;
  /** One JSON document, to standard output. */
  printJson(value: unknown): void;
  /** A remark, to standard error; nothing when quiet. */
  note(text: string): void;
  /** A display of progress on standard error. Stop it before printing. */
  progress(): Promise<ProgressView>;
}

export interface Streams {
  readonly stdout: TerminalStream;
  readonly stderr: TerminalStream;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export function createContext(options: CommonOptions, streams: Streams, signal: AbortSignal): Context {
  const { stdout, stderr, env } = streams;
  const quiet = options.quiet === true;
  return {
    signal,
    json: options.json === true,
    backend: options.backend ?? "auto",
    style: styleFor(wantsColor(stdout, env)),
    print: (text) => {
      stdout.write(text);
    },
    printJson: (value) => {
      stdout.write(`${JSON.stringify(value, null, 2)}\n`);
    },
    note: (text) => {
      if (!quiet) stderr.write(`${text}\n`);
    },
    async progress() {
      if (quiet) return silentProgress;
      const style = styleFor(wantsColor(stderr, env));
      if (stderr.isTTY !== true) return lineProgress(stderr);
      return (await import("./progress-bar.js")).barProgress(style, stderr);
    },
  };
}
