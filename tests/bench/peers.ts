/** Installs what we compare with, in a folder of its own; nothing of it is a dependency of the package. */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const PEERS = {
  "@zvec/zvec": "0.7.0",
  edgevec: "0.9.0",
  "hnswlib-node": "3.0.0",
  "hnswlib-wasm": "0.8.2",
  usearch: "2.26.2",
} as const;

/** Headers of this Node, for the peer that compiles at install; without them node-gyp would fetch them. */
function nodeHeaders(): string | undefined {
  const places = [dirname(dirname(process.execPath)), "/usr", "/usr/local"];
  return places.find((place) => existsSync(join(place, "include/node/node_api.h")));
}

export interface Peers {
  readonly folder: string;
  /** Name and installed version, or why it is absent. */
  readonly versions: Readonly<Record<string, string>>;
}

function installedVersion(folder: string, name: string): string | undefined {
  const path = join(folder, "node_modules", name, "package.json");
  return existsSync(path)
    ? (JSON.parse(readFileSync(path, "utf8")) as { version: string }).version
    : undefined;
}

/** npm with its output in a log. */
function npm(args: readonly string[], folder: string, log: string): Promise<number> {
  const headers = nodeHeaders();
  const env = { ...process.env, ...(headers === undefined ? {} : { npm_config_nodedir: headers }) };
  const output = openSync(log, "a");
  return new Promise((resolve) => {
    const child = spawn("npm", args, { cwd: folder, env, stdio: ["ignore", output, output] });
    child.on("error", () => resolve(1));
    child.on("exit", (code) => resolve(code ?? 1));
  });
}

/** Idempotent. A peer that cannot be installed is left out and said so. */
export async function installPeers(folder: string, progress: (line: string) => void): Promise<Peers> {
  mkdirSync(folder, { recursive: true });
  const manifest = join(folder, "package.json");
  if (!existsSync(manifest)) {
    writeFileSync(manifest, `${JSON.stringify({ name: "bench-peers", private: true })}\n`);
  }
  // Seen from here, the names of the peers mean what is installed here.
  writeFileSync(join(folder, "import.mjs"), "export const importPeer = (name) => import(name);\n");
  const log = join(folder, "install.log");
  const versions: Record<string, string> = {};
  for (const [name, version] of Object.entries(PEERS)) {
    if (installedVersion(folder, name) !== version) {
      progress(`installing ${name} ${version}`);
      await npm(["install", "--no-audit", "--no-fund", "--save-exact", `${name}@${version}`], folder, log);
    }
    versions[name] = installedVersion(folder, name) ?? `not installed (see ${log})`;
  }
  return { folder, versions };
}
