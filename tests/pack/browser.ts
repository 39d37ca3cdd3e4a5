/** Chromium with an empty profile, and a server of static files that knows as little as most do. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";
import { type BrowserContext, chromium } from "playwright-core";
import { chromiumPath } from "../tools/setup/debian.mjs";
import { which } from "../tools/setup/shell.mjs";

const TYPES: Record<string, string> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
};

/** What isolates a page from other origins, so that its threads may share memory. */
export const ISOLATION: Record<string, string> = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
};

/** `types`: what files are sent as, beside the usual. `headers`: of every answer. */
export async function serveFolder(
  folder: string,
  types: Record<string, string> = {},
  headers: Record<string, string> = {},
): Promise<{ origin: string; paths: string[]; close(): void }> {
  const paths: string[] = [];
  const server: Server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    paths.push(pathname);
    const path = join(folder, normalize(pathname.endsWith("/") ? `${pathname}index.html` : pathname));
    const type = { ...TYPES, ...types }[extname(path)] ?? "application/octet-stream";
    readFile(path).then(
      (bytes) => response.writeHead(200, { ...headers, "content-type": type }).end(bytes),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { origin, paths, close: () => void server.close() };
}

export interface Visit {
  /** What the page's `globalThis.result` came to. */
  readonly result: unknown;
  /** Errors of the page and of its console. */
  readonly complaints: readonly string[];
}

export interface Browser {
  visit(url: string): Promise<Visit>;
  close(): Promise<void>;
}

/** Chromium with a profile that is removed at the end. */
export async function launchChromium(): Promise<{ context: BrowserContext; close(): Promise<void> }> {
  const profile = await mkdtemp(join(tmpdir(), "diskann-chromium-"));
  const command = chromiumPath();
  const executablePath = command?.includes("/") ? command : which(command ?? "");
  if (executablePath === undefined) throw new Error("there is no Chromium: apt-get install chromium");
  const context: BrowserContext = await chromium.launchPersistentContext(profile, {
    executablePath,
    args: [
      "--no-sandbox",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
  const close = async () => {
    await context.close();
    await rm(profile, { recursive: true, force: true });
  };
  return { context, close };
}

export async function openBrowser(): Promise<Browser> {
  const { context, close } = await launchChromium();
  return {
    visit: async (url) => {
      const page = await context.newPage();
      const complaints: string[] = [];
      page.on("pageerror", (error) => complaints.push(String(error)));
      page.on("console", (message) => {
        if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
      });
      await page.goto(url);
      await page.waitForFunction("globalThis.result !== undefined");
      const result: unknown = await page.evaluate("globalThis.result");
      await page.close();
      return { result, complaints };
    },
    close,
  };
}
