/** The package as npm would publish it, installed without scripts into an empty folder beside the test's programs. */
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
export const root = fileURLToPath(new URL("../../", import.meta.url));
const apps = fileURLToPath(new URL("./apps/", import.meta.url));
const npm = process.platform === "win32" ? "npm.cmd" : "npm";

export interface Installed {
  readonly folder: string;
  /** The installed package. */
  readonly package: string;
  remove(): Promise<void>;
}

/** `withAddon`: the addon that was built here takes the place of a prebuilt one; else there is none. */
export async function install(options: { readonly withAddon: boolean }): Promise<Installed> {
  const folder = await mkdtemp(join(tmpdir(), "diskann-pack-"));
  await run(npm, ["pack", "--ignore-scripts", "--pack-destination", folder], { cwd: root });
  const tarball = (await readdir(folder)).find((name) => name.endsWith(".tgz"));
  await cp(apps, folder, { recursive: true });
  await writeFile(join(folder, "package.json"), JSON.stringify({ private: true }));
  const words = ["install", "--ignore-scripts", "--no-audit", "--no-fund", `./${tarball}`];
  await run(npm, words, { cwd: folder });
  const installed = join(folder, "node_modules", "diskann");
  await rm(join(installed, "prebuilds"), { recursive: true, force: true });
  if (options.withAddon) {
    const home = join(installed, "prebuilds", `${process.platform}-${process.arch}`);
    await mkdir(home, { recursive: true });
    await cp(join(root, "build/Release/diskann.node"), join(home, "diskann.node"));
  }
  return {
    folder,
    package: installed,
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

export interface Output {
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program there; what it prints when it fails is in the error. */
export async function runIn(folder: string, program: string, words: readonly string[]): Promise<Output> {
  const environment = { ...process.env, NO_COLOR: "1", NODE_OPTIONS: "", NODE_PATH: "" };
  return run(program, [...words], { cwd: folder, env: environment, maxBuffer: 2 ** 26 });
}
