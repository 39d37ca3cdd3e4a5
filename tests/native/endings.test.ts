/** A process may end at any moment, and does so cleanly and at once. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runProgram } from "./child.js";

test("a program that closes nothing ends when its work is done", async () => {
  const { code, out } = await runProgram("endings", ["natural"]);
  expect(out).toBe("found 0\n");
  expect(code).toBe(0);
});

test.each(["exitInBuild", "exitInSearches"])("%s: exit code 0, no crash", async (ending) => {
  const { code, signal, out } = await runProgram("endings", [ending]);
  expect(out).toMatch(/^(building|searching)\n$/);
  expect({ code, signal }).toEqual({ code: 0, signal: null });
});

test("an exit during a save leaves the whole file or none, and nothing temporary", async () => {
  const folder = mkdtempSync(join(tmpdir(), "diskann-exit-"));
  try {
    const { code, out } = await runProgram("endings", ["exitInSave", folder]);
    expect(out).toBe("saving\n");
    expect(code).toBe(0);
    expect(readdirSync(folder).filter((name) => name !== "index.diskann")).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("an uncaught error during a build ends the process as usual", async () => {
  const { code, signal, out } = await runProgram("endings", ["throwInBuild"]);
  expect(out).toContain("Error: on purpose");
  expect({ code, signal }).toEqual({ code: 1, signal: null });
});

test("workers are terminated in the middle of a build", async () => {
  const { code, out } = await runProgram("endings", ["terminateWorkers"]);
  expect(out).toBe("terminated, 500\n");
  expect(code).toBe(0);
});

test("several workers at once give the same answers", async () => {
  const { code, out } = await runProgram("endings", ["manyWorkers"]);
  expect(out).toMatch(/^answers 1 [\d,]+ 0 520\n$/);
  expect(code).toBe(0);
});
