import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import puppeteer from "puppeteer-core";
import type { Outcome } from "../conformance/suite.js";
import { which } from "../tools/setup/shell.mjs";
import { bundleSuite } from "./bundle.js";
import { ONE_PAGE, ONE_WORKER } from "./in-page.js";
import { reportRun } from "./report.js";
import { serveSuite } from "./server.js";

/** A run takes as long as it takes: the suite has a limit for each test. */
const PROTOCOL_MS = 600_000;

const served = await serveSuite(await bundleSuite("firefox"));

async function inFirefox(expression: string): Promise<Outcome[]> {
  const executablePath = which("firefox-esr") ?? which("firefox");
  if (!executablePath) throw new Error("no Firefox: apt-get install firefox-esr");
  const userDataDir = await mkdtemp(join(tmpdir(), "diskann-firefox-"));
  const browser = await puppeteer.launch({
    browser: "firefox",
    executablePath,
    userDataDir,
    headless: true,
    protocolTimeout: PROTOCOL_MS,
  });
  try {
    const page = await browser.newPage();
    await page.goto(served.url);
    return (await page.evaluate(expression)) as Outcome[];
  } finally {
    await browser.close();
    await rm(userDataDir, { recursive: true, force: true, maxRetries: 3 });
  }
}

await reportRun("WebAssembly in a page of Firefox", () => inFirefox(ONE_PAGE("/dist/wasm.js")));
await reportRun("diskann/worker in a page of Firefox", () => inFirefox(ONE_PAGE("/dist/worker.js")));
await reportRun("WebAssembly within a worker of Firefox", () => inFirefox(ONE_WORKER("/dist/wasm.js")));
await served.close();
