/**
 * A plain file server with range requests, in a few lines: node examples/static-site/serve.mjs <folder> [port]
 * Any other will do, as nginx, or npx http-server.
 */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize, resolve } from "node:path";
import { argv } from "node:process";

/** @type {Record<string, string>} */
const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".json": "application/json",
  ".wasm": "application/wasm",
};

/**
 * Serves a folder; resolves to the server and its address.
 * @param {string} folder
 * @param {number} [port]
 */
export async function serve(folder, port = 0) {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    const path = join(
      folder,
      normalize(decodeURIComponent(pathname)),
      pathname.endsWith("/") ? "index.html" : "",
    );
    const file = await stat(path).catch(() => undefined);
    if (!file?.isFile()) return void response.writeHead(404).end();
    const etag = `"${file.size.toString(16)}-${Math.round(file.mtimeMs).toString(16)}"`;
    const type = TYPES[extname(path)] ?? "application/octet-stream";
    const headers = { "accept-ranges": "bytes", "cache-control": "no-cache", "content-type": type, etag };
    const asked = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
    const isOther = (request.headers["if-range"] ?? etag) !== etag;
    if (!asked || isOther || Number(asked[1]) >= file.size) {
      response.writeHead(200, { ...headers, "content-length": file.size });
      return void createReadStream(path).pipe(response);
    }
    const start = Number(asked[1]);
    const end = Math.min(Number(asked[2] || file.size), file.size - 1);
    const range = `bytes ${start}-${end}/${file.size}`;
    response.writeHead(206, { ...headers, "content-range": range, "content-length": end - start + 1 });
    createReadStream(path, { start, end }).pipe(response);
  });
  await new Promise((done) => server.listen(port, "127.0.0.1", () => done(undefined)));
  const address = /** @type {import("node:net").AddressInfo} */ (server.address());
  return { server, origin: `http://localhost:${address.port}` };
}

if (argv[1]?.endsWith("serve.mjs")) {
  const { origin } = await serve(resolve(argv[2] ?? "."), Number(argv[3] ?? 8080));
  console.log(`${origin}/`);
}
