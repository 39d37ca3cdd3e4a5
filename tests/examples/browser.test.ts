/** The example page, built by Vite, used by hand in Chromium. */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import * as vite from "vite";
import { afterAll, beforeAll, expect, it } from "vitest";
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
  await page.waitForSelector('body[data-state="ready"]', { timeout: PAGE_MS });
  await mkdir(pictures, { recursive: true });
});
afterAll(async () => {
  await browser?.close();
  server?.close();
  if (folder) await rm(folder, { recursive: true, force: true });
});

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

it("finds the passages a question is about", async () => {
  const texts = await answers("draw a progress bar in the terminal");
  expect(texts[0]).toContain("cli-progress");
  expect(await page.textContent("#summary")).toMatch(/^8 nearest of [\d,]+ in [\d.]+ ms$/);
  expect(await page.textContent("#facts")).toContain("wasm128");
  await page.screenshot({ path: join(pictures, "browser-example.png") });
});

it("gives the same answers from the saved bytes", async () => {
  const question = "keep the least recently used entries";
  const before = await answers(question);
  expect(before[0]).toContain("lru-cache");
  await page.click("#reopen");
  await page.waitForSelector("#download:visible");
  expect(await page.textContent("#reopened")).toMatch(/^[\d.]+ MB saved in [\d.]+ ms, opened in [\d.]+ ms$/);
  expect(await answers(question)).toEqual(before);
  await page.screenshot({ path: join(pictures, "browser-example-end.png"), fullPage: true });
  expect(complaints).toEqual([]);
});

it("opens what it kept, when it is loaded again", async () => {
  const question = "compile an addon on Windows";
  const before = await answers(question);
  expect(await page.textContent("#facts")).toContain("Built in");
  await page.waitForSelector("#kept:has-text('Kept as opfs:/passages.diskann')");
  await page.reload();
  await page.waitForSelector('body[data-state="ready"]', { timeout: PAGE_MS });
  expect(await page.textContent("#facts")).toMatch(/Opened in.*Passages/);
  expect(await page.textContent("#facts")).not.toContain("Built in");
  expect(await page.textContent("#kept")).toMatch(/^Opened from opfs:/);
  expect(await answers(question)).toEqual(before);
  await page.screenshot({ path: join(pictures, "browser-example-kept.png"), fullPage: true });
  expect(complaints).toEqual([]);
});
