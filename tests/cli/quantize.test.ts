/** `build --quantize`: what it keeps, what it says, and what its check compares with. */
import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { beforeAll, expect, test } from "vitest";
import type { IndexStats } from "../../ts/core/types.js";
import { diskannCommand } from "./command.js";
import { DIMENSIONS, ROWS, writeFixture } from "./fixture.js";
import { scratchFolder } from "./scratch.js";

interface BuildReport {
  check?: { recall: number; k: number; against: string };
  stats: IndexStats;
}

const scratch = scratchFolder();
const diskann = diskannCommand();
const here = { cwd: scratch.folder };

beforeAll(async () => {
  await writeFixture(scratch.folder);
});

test("--quantize keeps floats as bytes, and the check is against what was given", async () => {
  const build = ["build", "-i", "base.fvecs", "-o", "quantised.diskann", "--quantize", "i8"];
  for (const metric of ["l2", "cosine", "ip", "l1"]) {
    const report = await diskann.json<BuildReport>([...build, "-m", metric], here);
    expect(report.stats).toMatchObject({ size: ROWS, dataType: "f32", quantization: { kind: "i8" } });
    expect(report.stats.quantization?.relativeError).toBeGreaterThan(0);
    expect(report.stats.quantization?.relativeError).toBeLessThan(0.02);
    expect(report.check).toMatchObject({ k: 10, against: "given" });
    expect(report.check?.recall).toBeGreaterThanOrEqual(0.9);
  }
  const info = await diskann.json<IndexStats>(["info", "quantised.diskann"], here);
  expect(info.quantization?.kind).toBe("i8");
  expect(info.memory.vectors).toBe(ROWS * (DIMENSIONS + 16));
  const told = await diskann.run(["info", "quantised.diskann", "--recall"], here);
  expect(told.stdout).toMatch(/quantised +i8, relative error 0\.\d+ %/);
  expect(told.stdout).not.toContain("as they were given");
  const { stdout, stderr } = await diskann.run(build, here);
  expect(stderr).toContain("stored as i8, quantised");
  expect(stdout).toMatch(/quantised +i8, relative error 0\.\d+ %/);
  expect(stdout).toContain("against brute force over the vectors as they were given");
  expect(
    (await diskann.json<BuildReport>(["build", "-i", "base.fvecs", "-o", "b.diskann"], here)).check,
  ).toMatchObject({
    against: "stored",
  });
});

test("--quantize with own ids checks by them, and wants floats", async () => {
  writeFileSync(
    resolve(scratch.folder, "far.txt"),
    Array.from({ length: ROWS }, (_, i) => `${5 * i + 7}\n`).join(""),
  );
  const build = ["build", "-i", "base.u8bin", "-o", "quantised.diskann", "--quantize", "i8"];
  const report = await diskann.json<BuildReport>([...build, "--ids", "far.txt"], here);
  expect(report.check?.recall).toBeGreaterThanOrEqual(0.9);
  const typed = await diskann.run([...build, "--type", "u8"], here);
  expect(typed.code).toBe(1);
  expect(typed.stderr).toContain('quantize is for dataType "f32"');
  expect((await diskann.run([...build, "--quantize", "u8"], here)).code).toBe(2);
});
