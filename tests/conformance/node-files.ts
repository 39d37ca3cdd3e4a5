/** Files for the suite in Node, Deno and Bun. */
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Files } from "./kit.js";

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
  url: (path) => pathToFileURL(path) as URL,
};

export async function removeFolders(): Promise<void> {
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true })));
}
