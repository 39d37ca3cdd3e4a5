/** `build --memory`: the index is made as a file. */
import { existsSync, readdirSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { diskannCommand } from "./command.js";
import { ROWS, writeFixture } from "./fixture.js";
import { scratchFolder } from "./scratch.js";

interface BuildReport {
  index: string;
  peakBytes: number;
  check: { recall: number; against: string };
  stats: { size: number; codes: string };
}

const scratch = scratchFolder();
const diskann = diskannCommand();
const here = { cwd: scratch.folder };
const BUILD = ["build", "-i", "base.fvecs", "-o", "a.diskann", "--codes", "pq", "-L", "40"];

beforeAll(async () => {
  await writeFixture(scratch.folder);
});

describe("build --memory", () => {
  test("builds, checks against the file and tells the peak", async () => {
    const report = await diskann.json<BuildReport>([...BUILD, "--memory", "32M"], here);
    expect(report.stats).toMatchObject({ size: ROWS, codes: "pq" });
    expect(report.check.recall).toBeGreaterThan(0.97);
    expect(report.check.against).toBe("given");
    expect(report.peakBytes).toBeGreaterThan(32 << 20);
    const { code, stdout } = await diskann.run([...BUILD, "--memory", "32M", "--type", "f16"], here);
    expect(code).toBe(0);
    expect(stdout).toMatch(/peak +[\d.]+ MiB of the process/);
    expect((await diskann.run(["verify", "a.diskann"], here)).code).toBe(0);
  });

  test("says what it needs where that is too little, and leaves no file", async () => {
    const { code, stderr } = await diskann.run([...BUILD, "-o", "b.diskann", "--memory", "100K"], here);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      new RegExp(`memoryBytes is 102400; a build of ${ROWS} vectors like these needs at least \\d+ bytes`),
    );
    expect(existsSync(scratch.path("b.diskann"))).toBe(false);
    expect(readdirSync(scratch.folder).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });
});
