/** The `diskann` command as a child process, bundled from the sources as they are now. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll } from "vitest";
import { repositoryRoot } from "../support/data.js";

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  /** Beside PATH and HOME; nothing else of our own environment reaches the child. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface Running {
  readonly child: ChildProcessWithoutNullStreams;
  /** Resolves when standard error contains the text. */
  said(text: string): Promise<void>;
  readonly ended: Promise<Outcome>;
}

export interface DiskannCommand {
  /** The bundled program. */
  readonly path: string;
  start(args: readonly string[], options?: RunOptions): Running;
  run(args: readonly string[], options?: RunOptions): Promise<Outcome>;
  /** Runs it with `--json`; fails unless it ends with 0. */
  json<T>(args: readonly string[], options?: RunOptions): Promise<T>;
}

/** CommonJS libraries in the bundle ask for Node's modules. */
const REQUIRE =
  'import { createRequire as createBundleRequire } from "node:module"; const require = createBundleRequire(import.meta.url);';

function start(program: string, args: readonly string[], options: RunOptions): Running {
  const { PATH = "", HOME = "" } = process.env;
  const child = spawn(process.execPath, [program, ...args], {
    cwd: options.cwd,
    env: { PATH, HOME, ...options.env },
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const ended = new Promise<Outcome>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, stdout, stderr }));
  });
  const said = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (stderr.includes(text)) resolve();
      };
      child.stderr.on("data", look);
      child.once("close", () => reject(new Error(`ended without saying ${text}:\n${stderr}`)));
      look();
    });
  return { child, said, ended };
}

/** Bundles the command once for a test file. It lies in build/, from where it finds module and addon as if installed. */
export function diskannCommand(): DiskannCommand {
  const root = repositoryRoot();
  const path = join(root, "build", `cli-under-test-${process.pid}.mjs`);
  beforeAll(async () => {
    await build({
      entryPoints: [join(root, "ts/cli.ts")],
      outfile: path,
      bundle: true,
      platform: "node",
      format: "esm",
      target: "node20",
      banner: { js: REQUIRE },
      logLevel: "warning",
    });
  });
  afterAll(() => rmSync(path, { force: true }));
  const run = (args: readonly string[], options: RunOptions = {}): Promise<Outcome> =>
    start(path, args, options).ended;
  return {
    path,
    start: (args, options = {}) => start(path, args, options),
    run,
    async json<T>(args: readonly string[], options: RunOptions = {}): Promise<T> {
      const { code, stdout, stderr } = await run([...args, "--json"], options);
      if (code !== 0) throw new Error(`ended with ${code}: ${stderr}`);
      return JSON.parse(stdout) as T;
    },
  };
}
