/** Runs the suite in another runtime's process. */
import { execFile } from "node:child_process";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Outcome } from "../conformance/suite.js";
import { startFileServer } from "../support/file-server.js";
import { bundleSuite, DIST } from "./bundle.js";

const run = promisify(execFile);
const PROCESS_MS = 300_000;

export interface Run {
  /** File name in dist/. */
  readonly entry: string;
  readonly backend: "native" | "wasm";
}

/** `command`: the runtime's program and what comes before the script. */
export async function suiteInProcess(
  name: string,
  command: readonly [string, ...string[]],
  { entry, backend }: Run,
  timeout = PROCESS_MS,
): Promise<Outcome[]> {
  const folder = await bundleSuite(`${name}-${entry}`);
  const result = join(folder, "outcomes.json");
  await rm(result, { force: true });
  const [program, ...before] = command;
  const server = await startFileServer();
  const args = [...before, join(folder, "program.mjs"), join(DIST, entry), backend, result, server.base];
  await run(program, args, { timeout, maxBuffer: 1 << 24 }).finally(server.close);
  return JSON.parse(await readFile(result, "utf8")) as Outcome[];
}
