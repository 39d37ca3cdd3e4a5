/** Serves dist/ and the bundled suite to a browser, without any header a plain static server would not send. */
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join, normalize } from "node:path";
import { type Files, serveFiles } from "../support/file-server.js";
import { DIST } from "./bundle.js";

const TYPES: Record<string, string> = {
  html: "text/html",
  js: "text/javascript",
  mjs: "text/javascript",
  wasm: "application/wasm",
};

export interface Served {
  readonly url: string;
  /** Of the files that tests put there. */
  readonly requests: Files["requests"];
  /** Cuts all connections and takes none for so long. */
  restart(pauseMs: number): Promise<void>;
  close(): Promise<void>;
}

const PAGE = `<!doctype html><meta charset="utf-8"><title>diskann</title><script type="module" src="/suite/page.mjs"></script>`;

/** `/` is a page that loads the suite, `/suite/` the folder of the bundles, `/dist/` the library, `/files/` what tests put there. */
export async function serveSuite(folder: string): Promise<Served> {
  const files = serveFiles();
  const server = createServer(async (request, response) => {
    if (files.handle(request, response)) return;
    const path = normalize(new URL(request.url ?? "/", "http://localhost").pathname);
    if (path === "/") return void response.writeHead(200, { "content-type": "text/html" }).end(PAGE);
    const file = path.startsWith("/suite/")
      ? join(folder, path.slice(7))
      : join(DIST, path.replace(/^\/dist\//, ""));
    const type = TYPES[path.split(".").at(-1) ?? ""] ?? "application/octet-stream";
    try {
      const bytes = await readFile(file);
      response.writeHead(200, { "content-type": type }).end(bytes);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  const restart = async (pauseMs: number): Promise<void> => {
    await close();
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  };
  return { url: `http://localhost:${port}/`, requests: files.requests, restart, close };
}
