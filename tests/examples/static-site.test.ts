/** The static site, built, served by its own few lines, and used by hand in Chromium. */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { serve } from "../../examples/static-site/serve.mjs";
import { launchChromium } from "../pack/browser.js";
import { output } from "./run.js";

const PAGE_MS = 60_000;
/** Where the pictures of the page go, for people to look at. */
const pictures = fileURLToPath(new URL("../../build/pictures/", import.meta.url));

let folder: string;
let site: Awaited<ReturnType<typeof serve>>;
let browser: Awaited<ReturnType<typeof launchChromium>>;
let page: Page;
const complaints: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "diskann-site-"));
  await output(process.execPath, "examples/static-site/build.mjs", folder);
  site = await serve(folder);
  browser = await launchChromium();
  page = await browser.context.newPage();
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => complaints.push(message.text()));
  await page.goto(`${site.origin}/`);
  await page.waitForSelector('body[data-state="ready"]', { timeout: PAGE_MS });
  await mkdir(pictures, { recursive: true });
});
afterAll(async () => {
  await browser?.close();
  site?.server.close();
  site?.server.closeAllConnections();
  if (folder) await rm(folder, { recursive: true, force: true });
});

async function answers(question: string): Promise<string[]> {
  await page.fill("#question", question);
  await page.waitForSelector(`#hits[data-question="${question}"]`);
  return page.locator("#hits li").allInnerTexts();
}

const figure = async (name: string): Promise<number> => Number.parseFloat(await page.innerText(`#${name}`));

it("finds the passages a question is about, and shows what it read", async () => {
  const texts = await answers("draw a progress bar in the terminal");
  expect(texts[0]).toContain("cli-progress");
  expect(texts).toHaveLength(6);
  const [requests, bytes, rounds] = [await figure("requests"), await figure("bytes"), await figure("rounds")];
  expect(requests).toBeGreaterThan(3);
  expect(requests).toBeLessThan(200);
  expect(rounds).toBeLessThanOrEqual(requests);
  expect(bytes).toBeGreaterThanOrEqual(4 * requests);
  expect(await page.locator("#waterfall rect").count()).toBe(requests);
  expect(await page.innerText("#share")).toMatch(/^So far [\d.]+ of [\d.]+ MB were read, \d+\s%/);
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: join(pictures, `static-site-${colorScheme}.png`) });
  }
});

it("reads nothing twice", async () => {
  await answers("keep the least recently used entries");
  const before = await answers("draw a progress bar in the terminal");
  expect(before[0]).toContain("cli-progress");
  expect([await figure("requests"), await figure("bytes")]).toEqual([0, 0]);
  expect(await page.locator("#waterfall rect").count()).toBe(0);
  expect(complaints).toEqual([]);
});

it("reads nothing again on the next visit, nor what opening takes", async () => {
  await page.reload();
  await page.waitForSelector('body[data-state="ready"]', { timeout: PAGE_MS });
  const texts = await answers("draw a progress bar in the terminal");
  expect(texts[0]).toContain("cli-progress");
  expect(await figure("requests")).toBe(0);
  const entries: number[] = await page.evaluate(() =>
    (performance.getEntriesByType("resource") as PerformanceResourceTiming[])
      .filter(({ name }) => name.endsWith("/docs.diskann"))
      .map(({ encodedBodySize }) => encodedBodySize),
  );
  expect(entries).toEqual([1]);
  expect(complaints).toEqual([]);
});
