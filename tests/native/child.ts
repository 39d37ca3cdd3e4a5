/** Programs of `tests/native/programs`, each bundled with the library and run in a Node of its own. */
import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const OUT = join(ROOT, "build", "native-tests");

export interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly out: string;
  readonly milliseconds: number;
}

const built = new Map<string, string>();
process.on("exit", () => {
  for (const file of built.values()) rmSync(file, { force: true });
});

function bundle(name: string): string {
  const known = built.get(name);
  if (known !== undefined) return known;
  const outfile = join(OUT, `${name}-${process.pid}.mjs`);
  buildSync({
    entryPoints: [join(ROOT, "tests/native/programs", `${name}.ts`)],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    logLevel: "warning",
  });
  built.set(name, outfile);
  return outfile;
}

/** Runs a program to its end; everything it prints is in `out`. */
export function runProgram(
  name: string,
  args: readonly string[] = [],
  { env = {}, node = [] }: { env?: Record<string, string>; node?: readonly string[] } = {},
): Promise<Ended> {
  const began = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...node, bundle(name), ...args], {
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let out = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        out += text;
      });
    }
    child.on("error", reject);
    child.on("close", (code, signal) => {
      resolve({ code, signal, out, milliseconds: performance.now() - began });
    });
  });
}
