/** Builds into a file where the disk is full or gone, and by both builds of the core. */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { VectorIndex as Native } from "../../ts/native.js";
import { VectorIndex as Wasm } from "../../ts/wasm.js";
import { failingFiles } from "../support/failing-files.js";
import { generate } from "../support/generate.js";

const dimensions = 24;
const rows = generate({ dimensions, rows: 4000 });
const options = { dimensions, buildListSize: 30, maxDegree: 16, pageBytes: 16384 } as const;
const folders: string[] = [];
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))));

async function scratch(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "diskann-"));
  folders.push(folder);
  return folder;
}

/** The least that its own error asks for. */
async function leastBytes(codes: "pq" | "1bit" | "none"): Promise<number> {
  const path = join(await scratch(), "a.diskann");
  const error = await Native.build(rows, { ...options, codes, path, memoryBytes: 1 }).catch((cause) => cause);
  return Number(/at least (\d+) bytes/.exec(String(error))?.[1]);
}

describe("a build into a file", () => {
  test.each(["pq", "1bit", "none"] as const)(
    "is the same by the addon and by WebAssembly, codes %s",
    async (codes) => {
      const folder = await scratch();
      for (const memoryBytes of [await leastBytes(codes), 2 ** 26]) {
        const made: Buffer[] = [];
        for (const [name, VectorIndex] of [["native", Native] as const, ["wasm", Wasm] as const]) {
          const path = join(folder, name);
          const index = await VectorIndex.build(rows, { ...options, codes, path, memoryBytes, threads: 2 });
          expect(index.size).toBe(4000);
          await index.close();
          made.push(await readFile(path));
        }
        expect(made[0]?.equals(made[1] as Buffer)).toBe(true);
      }
    },
  );

  test.each([Native, Wasm])("on a disk that is full fails and leaves nothing", async (VectorIndex) => {
    const folder = await scratch();
    const path = join(folder, "a.diskann");
    for (const room of [100_000, rows.byteLength + 100_000]) {
      const restore = await failingFiles(room);
      try {
        const build = VectorIndex.build(rows, { ...options, codes: "pq", path, memoryBytes: 2 ** 26 });
        await expect(build).rejects.toMatchObject({
          code: "ERR_IO",
          message: expect.stringMatching(/ENOSPC/),
        });
      } finally {
        restore();
      }
      expect(await readdir(folder)).toEqual([]);
    }
  });
});
