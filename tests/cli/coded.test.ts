/** `build --codes pq`: what it makes, and what `info` says of it. */
import { beforeAll, expect, test } from "vitest";
import type { IndexStats } from "../../ts/core/types.js";
import { diskannCommand } from "./command.js";
import { writeFixture } from "./fixture.js";
import { scratchFolder } from "./scratch.js";

interface BuildReport {
  check?: { recall: number };
  stats: IndexStats;
}

const scratch = scratchFolder();
const diskann = diskannCommand();
const here = { cwd: scratch.folder };

beforeAll(async () => {
  await writeFixture(scratch.folder);
});

test("of an index with codes by product quantisation, as build made it", async () => {
  const build = ["build", "-i", "base.fvecs", "-o", "pq.diskann", "--codes", "pq", "--code-bytes", "8"];
  const { stats, check } = await diskann.json<BuildReport>(build, here);
  expect(stats).toMatchObject({ codes: "pq", codeBytes: 8 });
  expect(check?.recall).toBeGreaterThanOrEqual(0.98);
  const { pages, pageBytes, fileBytes } = stats.layout;
  const payload = 257 * 4 * 24 + 8 * stats.size;
  expect(fileBytes - 4096 - pages * pageBytes).toBe(Math.ceil(payload / (pageBytes - 16)) * pageBytes);
  const { stdout } = await diskann.run(["info", "pq.diskann"], here);
  expect(stdout).toMatch(/built with .*, codes pq of 8 bytes/);
  expect(stdout).toMatch(/sections .*, pages of codes [\d,]+ bytes/);
  for (const [bytes, code, told] of [
    ["0", 2, "code-bytes"],
    ["25", 1, "codeBytes"],
  ] as const) {
    const wrong = await diskann.run([...build.slice(0, -1), bytes], here);
    expect([wrong.code, wrong.stderr]).toEqual([code, expect.stringContaining(told)]);
  }
});
