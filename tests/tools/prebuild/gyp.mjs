/*
 * An addon by node-gyp, in a folder of its own that points to the sources, so that neither build/Release nor the build
 * for another CPU is disturbed. Linux: libstdc++ goes in, and glibc's symbols are asked for by their old versions.
 */
import { mkdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { BUILD, ROOT, runLogged } from "../setup/shell.mjs";
import { nodeHeaders } from "../setup/steps.mjs";
import { linkForOldGlibc } from "./old-glibc.mjs";

const LINKED = ["binding.gyp", "package.json", "csrc", "node", "node_modules", "tests"];

function shadowFolder(name) {
  const folder = join(BUILD, "prebuild", name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const path of LINKED) symlinkSync(join(ROOT, path), join(folder, path), "junction");
  return folder;
}

/** Flags that make a Linux addon small and independent of the libraries of the machine that builds it. */
async function linuxFlags(name, { env, arch = process.arch }, log) {
  if (!name.startsWith("linux-")) return {};
  const common = "-static-libstdc++ -Wl,--gc-sections -Wl,-s";
  if (name.endsWith("-musl")) return { LDFLAGS: `${common} -static-libgcc` };
  const old = await linkForOldGlibc(arch, env.CC ?? "gcc", join(BUILD, "prebuild", `${name}-glibc`), log);
  return old === undefined ? undefined : { LDFLAGS: `${common} ${old}` };
}

/** Resolves to the path of the addon, or undefined; what happened is in `log`. */
export async function buildByGyp(name, recipe, log) {
  const { env, arch } = recipe;
  const flags = await linuxFlags(name, recipe, log);
  if (flags === undefined) return undefined;
  // symbolic links to files need a privilege on Windows, and nothing else builds there
  const folder = process.platform === "win32" ? ROOT : shadowFolder(name);
  const gyp = join(ROOT, "node_modules/node-gyp/bin/node-gyp.js");
  const words = [gyp, "configure", "build", "--release", "--jobs=max", ...nodeHeaders()];
  if (arch !== undefined) words.push(`--arch=${arch}`);
  const options = { cwd: folder, env: { ...env, ...flags }, append: true };
  const code = await runLogged(process.execPath, words, log, options);
  return code === 0 ? join(folder, "build/Release/diskann.node") : undefined;
}
