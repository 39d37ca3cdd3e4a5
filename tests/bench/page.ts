/** How long the thread of a page is held while calls run on it: Chromium, WebAssembly without a worker. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { withChromium } from "../runtimes/chromium.js";
import { serveSuite } from "../runtimes/server.js";
import type { EventDelay } from "./extras.js";

const SCRIPT = `(async () => {
  while (!globalThis.measureCalls) await new Promise((resolve) => setTimeout(resolve, 10));
  return globalThis.measureCalls("/dist/wasm.js");
})()`;

export async function measurePage(root: string): Promise<EventDelay[]> {
  const folder = join(root, "build/bench/page");
  mkdirSync(folder, { recursive: true });
  await build({
    entryPoints: [join(root, "tests/bench/page-calls.ts")],
    outfile: join(folder, "page.mjs"),
    bundle: true,
    platform: "browser",
    format: "esm",
    logLevel: "warning",
  });
  const served = await serveSuite(folder);
  try {
    return await withChromium(served.url, (page) => page.evaluate<EventDelay[]>(SCRIPT));
  } finally {
    await served.close();
  }
}
