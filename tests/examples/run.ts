/** Runs examples as their reader would. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);

export const root = fileURLToPath(new URL("../../", import.meta.url));
const PROGRAM_MS = 240_000;

/** What a program prints, run in the root of the repository. */
export function output(program: string, ...words: readonly string[]): Promise<string> {
  return outputIn(root, program, ...words);
}

/** What a program prints. Rejects when it complains, or does not end with 0. */
export async function outputIn(
  folder: string,
  program: string,
  ...words: readonly string[]
): Promise<string> {
  const env = { ...process.env, NO_COLOR: "1", NODE_OPTIONS: "", NODE_NO_WARNINGS: "1" };
  const { stdout, stderr } = await run(program, words, {
    cwd: folder,
    env,
    timeout: PROGRAM_MS,
    maxBuffer: 1 << 24,
  });
  if (stderr !== "") throw new Error(`${program} ${words.join(" ")} complains: ${stderr}`);
  return stdout;
}

/** Types, as somebody who installed the package sees them: by its exports and its declarations. */
export async function checkTypes(project: string): Promise<string> {
  return output(process.execPath, "node_modules/typescript/bin/tsc", "-p", project);
}
