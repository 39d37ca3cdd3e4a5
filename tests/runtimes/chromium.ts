/** Chromium as Debian has it, with an empty profile of its own: a page without one has a slow private file system. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type Page } from "playwright-core";
import { chromiumPath } from "../tools/setup/debian.mjs";
import { which } from "../tools/setup/shell.mjs";

const ARGS = [
  "--no-sandbox",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** With a profile that is there before and after. */
export async function withProfile<T>(
  profile: string,
  url: string,
  body: (page: Page) => Promise<T>,
): Promise<T> {
  const executablePath = which(chromiumPath() ?? "");
  if (!executablePath)
    throw new Error("no Chromium: apt-get install chromium, or name one in DISKANN_CHROMIUM");
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    args: ARGS,
    headless: true,
  });
  try {
    const page = await context.newPage();
    await page.goto(url);
    return await body(page);
  } finally {
    await context.close();
  }
}

export async function withChromium<T>(url: string, body: (page: Page) => Promise<T>): Promise<T> {
  const profile = await mkdtemp(join(tmpdir(), "diskann-chromium-"));
  try {
    return await withProfile(profile, url, body);
  } finally {
    await rm(profile, { recursive: true, force: true, maxRetries: 3 });
  }
}
