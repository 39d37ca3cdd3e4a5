/** The suite under vitest, in Node. */
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, test as vitestTest } from "vitest";
import type { Entry, Files } from "./kit.js";
import { conformance } from "./suite.js";

const folders: string[] = [];

export const nodeFiles: Files = {
  folder: async () => {
    const folder = await mkdtemp(join(tmpdir(), "diskann-"));
    folders.push(folder);
    return folder;
  },
  join,
  read: async (path) => new Uint8Array(await readFile(path)),
  write: (path, bytes) => writeFile(path, bytes),
  list: async (folder) => (await readdir(folder)).sort(),
  url: pathToFileURL,
};

export function conformanceInNode(name: string, VectorIndex: unknown, backend: "native" | "wasm"): void {
  afterAll(async () => {
    await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true })));
  });
  const subject = { name, VectorIndex: VectorIndex as Entry, backend, files: nodeFiles };
  conformance((title, body) => vitestTest(title, body), subject);
}
