/* The platforms that the package carries an addon for, and how this machine can make each. */
import { existsSync } from "node:fs";

/** True where the C library is musl. */
function isMusl() {
  return process.platform === "linux" && process.report?.getReport().header.glibcVersionRuntime === undefined;
}

/** The platform of this process: the name of a folder in prebuilds/. */
export const HOST = `${process.platform}-${process.arch}${isMusl() ? "-musl" : ""}`;

/*
 * `by`: "gyp" (node-gyp, with `env` and `arch` for another CPU) or "mingw" (a Windows addon from Linux).
 * `from`: where it can be made. `tools`: setup/debian.mjs. `runs`: how its Node is started here, see emulate.mjs.
 */
export const TARGETS = {
  "linux-x64": { by: "gyp", from: ["linux-x64"], runs: "here" },
  "linux-arm64": {
    by: "gyp",
    from: ["linux-arm64", "linux-x64"],
    arch: "arm64",
    cross: {
      tools: ["arm64"],
      env: {
        CC: "aarch64-linux-gnu-gcc",
        CXX: "aarch64-linux-gnu-g++",
        AR: "aarch64-linux-gnu-ar",
        LINK: "aarch64-linux-gnu-g++",
        STRIP: "aarch64-linux-gnu-strip",
      },
    },
    runs: "qemu-arm64",
  },
  "linux-x64-musl": { by: "gyp", from: ["linux-x64-musl"], runs: "here" },
  "linux-arm64-musl": { by: "gyp", from: ["linux-arm64-musl"], runs: "here" },
  "darwin-x64": { by: "gyp", from: ["darwin-x64"], runs: "here" },
  "darwin-arm64": { by: "gyp", from: ["darwin-arm64"], runs: "here" },
  "win32-x64": {
    by: "gyp",
    from: ["win32-x64", "linux-x64"],
    cross: { by: "mingw", tools: ["mingw"] },
    runs: "wine",
  },
  "win32-arm64": {
    by: "gyp",
    from: ["win32-arm64", "win32-x64"],
    arch: "arm64",
    cross: { tools: [] },
    runs: "nowhere",
  },
};

/** How to make `name` on this machine, or undefined. */
export function recipe(name) {
  const target = TARGETS[name];
  if (target === undefined || !target.from.includes(HOST)) return undefined;
  if (name === HOST) return { by: target.by, tools: ["compiler", "python"], env: {}, runs: "here" };
  const { by = target.by, tools, env = {} } = target.cross;
  return { by, tools, env, arch: target.arch, runs: target.runs };
}

export const prebuiltPath = (name) => `prebuilds/${name}/diskann.node`;

export const isPrebuilt = (root, name) => existsSync(`${root}/${prebuiltPath(name)}`);
