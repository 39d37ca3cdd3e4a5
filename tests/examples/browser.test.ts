/** The example page, built by Vite, used by hand in Chromium. */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import * as vite from "vite";
import { afterAll, beforeAll, expect, it } from "vitest";
import { VectorIndex } from "../../ts/native.js";
import { launchChromium, serveFolder } from "../pack/browser.js";

const PAGE_MS = 60_000;
const configFile = fileURLToPath(new URL("../../examples/browser/vite.config.mjs", import.meta.url));
/** Where the pictures of the page go, for people to look at. */
const pictures = fileURLToPath(new URL("../../build/pictures/", import.meta.url));

let browser: Awaited<ReturnType<typeof launchChromium>>;
let server: Awaited<ReturnType<typeof serveFolder>>;
let folder: string;
const warnings: string[] = [];
const complaints: string[] = [];
let page: Page;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "diskann-page-"));
  const customLogger = { ...vite.createLogger("silent"), warn: (text: string) => void warnings.push(text) };
  // A slow machine is no fault of the page.
  const rolldownOptions = { checks: { pluginTimings: false } };
  await vite.build({ configFile, customLogger, build: { outDir: folder, rolldownOptions } });
  server = await serveFolder(folder, { ".css": "text/css" });
  browser = await launchChromium();
  page = await browser.context.newPage();
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => complaints.push(message.text()));
  await page.goto(`${server.origin}/`);
  await ready();
  await mkdir(pictures, { recursive: true });
});
afterAll(async () => {
  await browser?.close();
  server?.close();
  if (folder) await rm(folder, { recursive: true, force: true });
});

const ready = () => page.waitForSelector('body[data-state="ready"]', { timeout: PAGE_MS });

/** What the page shows of an answer; it is emptied first, so that nothing older is taken for it. */
async function answers(question: string): Promise<string[]> {
  await page.fill("#question", "");
  await page.waitForSelector('#hits[data-question=""]', { state: "attached" });
  await page.fill("#question", question);
  await page.waitForSelector(`#hits[data-question="${question}"]`);
  return page.locator("#hits li").allInnerTexts();
}

it("is built without a warning, and runs without one", () => {
  expect(warnings).toEqual([]);
  expect(complaints).toEqual([]);
});

it("finds the passages a question is about, and shows what it read", async () => {
  const texts = await answers("draw a progress bar in the terminal");
  expect(texts[0]).toContain("cli-progress");
  expect(await page.textContent("#summary")).toMatch(/^8 nearest of [\d,]+ in [\d.]+ ms$/);
  expect(await page.textContent("#kept")).toMatch(/^Built in this page/);
  expect(await page.textContent("#facts")).toMatch(/Kept inOPFS/);
  expect(await page.textContent("#latency")).toMatch(/^[\d.]+ ms$/);
  for (const question of ["options that may be left out", "compile an addon on Windows", "watch files"])
    await answers(question);
  expect(await page.locator("#latencies rect").count()).toBeGreaterThanOrEqual(4);
  expect(await page.locator("#readings rect").count()).toBe(await page.locator("#latencies rect").count());
  expect(Number.parseFloat((await page.textContent("#cache")) ?? "")).toBeGreaterThan(0);
  await answers("draw a progress bar in the terminal");
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: join(pictures, `browser-example-${colorScheme}.png`), fullPage: true });
  }
});

it("opens what it kept, when it is loaded again", async () => {
  const question = "compile an addon on Windows";
  const before = await answers(question);
  await page.reload();
  await ready();
  expect(await page.textContent("#kept")).toMatch(/^Built in this page.*A reload opens it again/);
  expect(await answers(question)).toEqual(before);
});

it("fetches the index that was built in Node: it is the same", async () => {
  const question = "keep the least recently used entries";
  const before = await answers(question);
  expect(before[0]).toContain("lru-cache");
  await page.click("#fetch");
  await page.waitForSelector("#kept:has-text('built in Node')");
  await ready();
  expect(await answers(question)).toEqual(before);
});

it("takes a file that is dropped into it, of other vectors too, and keeps it", async () => {
  const vectors = Float32Array.from({ length: 500 * 7 }, (_, i) => Math.sin(i * i));
  const index = await VectorIndex.build(vectors, { dimensions: 7, codes: "1bit" });
  const buffer = Buffer.from(await index.toBytes());
  await index.close();
  await page.setInputFiles("#file", { name: "mine.diskann", mimeType: "", buffer });
  await page.waitForSelector("#kept:has-text('mine.diskann')");
  await ready();
  expect((await answers("anything"))[0]).toMatch(/^vector \d+/);
  await page.reload();
  await ready();
  expect(await page.textContent("#facts")).toMatch(/Vectors500/);
  await page.setInputFiles("#file", { name: "no.diskann", mimeType: "", buffer: buffer.subarray(1) });
  await page.waitForSelector("#summary:has-text('not an undamaged index')");
  await ready();
  expect(await page.textContent("#kept")).toContain("mine.diskann");
  expect(complaints).toEqual([]);
});
