/** Budgets of what users download. The packed package is looked at by tests/tools/pack-check.mjs. */
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { bundleBrowserEntry } from "../support/browser-entry.js";
import { repositoryRoot } from "../support/data.js";

const root = repositoryRoot();

test.each(["diskann", "diskann-threads"])("%s.wasm is at most 100 KB gzipped", (name) => {
  const bytes = readFileSync(join(root, `dist/${name}.wasm`));
  expect(WebAssembly.validate(bytes)).toBe(true);
  expect(gzipSync(bytes, { level: 9 }).length).toBeLessThanOrEqual(100_000);
});

test("the JavaScript of the browser entry is at most 15 KB gzipped", async () => {
  const script = await bundleBrowserEntry();
  expect(Buffer.from(script).toString()).toContain("ERR_INVALID_ARGUMENT");
  expect(gzipSync(script, { level: 9 }).length).toBeLessThanOrEqual(15_000);
});

test("the addon is below 1 MB", () => {
  expect(statSync(join(root, "build/Release/diskann.node")).size).toBeLessThan(1_000_000);
});
