/** Indexes with pages of a size, and `convert` of one into another. */
import { readFile } from "node:fs/promises";
import { beforeAll, expect, test } from "vitest";
import type { IndexStats } from "../../ts/core/types.js";
import { diskannCommand } from "./command.js";
import { writeFixture } from "./fixture.js";
import { scratchFolder } from "./scratch.js";

const scratch = scratchFolder();
const diskann = diskannCommand();
const here = { cwd: scratch.folder };
const read = (name: string): Promise<Buffer> => readFile(scratch.path(name));

beforeAll(() => writeFixture(scratch.folder));

test("build --page-bytes, and an index that becomes another and comes back", async () => {
  const build = ["build", "-i", "base.fvecs", "--check", "0"];
  await diskann.json(
    [...build, "-o", "pq.diskann", "--codes", "pq", "--code-bytes", "8", "--page-bytes", "16384"],
    here,
  );
  await diskann.json([...build, "-o", "none.diskann", "--codes", "none"], here);
  const words = ["convert", "-i", "none.diskann", "-o", "made.diskann", "--codes", "pq", "--code-bytes", "8"];
  const { stats } = await diskann.json<{ stats: IndexStats }>([...words, "--page-bytes", "16384"], here);
  expect(stats).toMatchObject({ codes: "pq", codeBytes: 8, layout: { pageBytes: 16384 } });
  expect(await read("made.diskann")).toEqual(await read("pq.diskann"));
  const back = ["convert", "-i", "made.diskann", "-o", "back.diskann", "--codes", "none"];
  const { stdout, code } = await diskann.run(back, here);
  expect([code, stdout]).toEqual([0, expect.stringMatching(/^wrote back\.diskann: codes none, pages of 4/)]);
  expect(await read("back.diskann")).toEqual(await read("none.diskann"));
});

test("what is for an index only, or for vectors only", async () => {
  for (const [words, told] of [
    [["-i", "base.fvecs", "-o", "x.fbin", "--codes", "pq"], "--codes is for an index"],
    [["-i", "base.fvecs", "-o", "x.fbin", "--page-bytes", "4096"], "--page-bytes is for an index"],
    [["-i", "none.diskann", "-o", "x.diskann", "--normalize"], "--normalize is for files of vectors"],
    [["-i", "none.diskann", "-o", "x.diskann", "--page-bytes", "5000"], "one of 4096"],
  ] as const) {
    const { code, stderr } = await diskann.run(["convert", ...words], here);
    expect([code, stderr]).toEqual([2, expect.stringContaining(told)]);
  }
});
