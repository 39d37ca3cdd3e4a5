/**
 * A server of files that a test puts there, and of all that can go wrong with one: `PUT /files/name`, then
 * `GET /files/name?fault=...`. Without a fault it serves ranges and tells versions apart by ETag.
 */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";

const PIECE_BYTES = 65536;
const SLOW_MS = 30;

interface Asked {
  readonly file: Uint8Array;
  readonly response: ServerResponse;
  readonly headers: Record<string, string>;
  readonly wantsPart: boolean;
  /** Of a range request: the bytes that it is about; undefined where they are to be of another version. */
  readonly range: { readonly begin: number; readonly end: number } | undefined;
  /** Resolves when the file is put there once more. */
  putAgain(): Promise<void>;
}

function partial({ file, response, headers }: Asked, begin: number, end: number): void {
  const range = `bytes ${begin}-${end - 1}/${file.length}`;
  response.writeHead(206, { ...headers, "content-range": range, "content-length": String(end - begin) });
  response.end(file.subarray(begin, end));
}

function whole({ file, response, headers }: Asked): void {
  response.writeHead(200, { ...headers, "content-length": String(file.length) }).end(file);
}

function plain(asked: Asked): void {
  if (!asked.range) whole(asked);
  else if (asked.range.begin < asked.file.length) partial(asked, asked.range.begin, asked.range.end);
  else asked.response.writeHead(416, { "content-range": `bytes */${asked.file.length}` }).end();
}

/** Half of it; the rest when the file is put there once more. */
async function hold({ file, response, headers, putAgain }: Asked): Promise<void> {
  const half = file.length >> 1;
  response
    .writeHead(200, { ...headers, "content-length": String(file.length) })
    .write(file.subarray(0, half));
  await putAgain();
  response.end(file.subarray(half));
}

/** Piece by piece; `length`: how many of the promised bytes come. */
async function trickle({ file, response, headers, range }: Asked, length: number, stop: "close" | "wait") {
  const body = range ? file.subarray(range.begin, range.end) : file;
  const part = range && { "content-range": `bytes ${range.begin}-${range.end - 1}/${file.length}` };
  response.writeHead(range ? 206 : 200, { ...headers, ...part, "content-length": String(body.length) });
  for (let at = 0; at < length && at < body.length && !response.destroyed; at += PIECE_BYTES) {
    response.write(body.subarray(at, Math.min(at + PIECE_BYTES, length)));
    await new Promise((resolve) => setTimeout(resolve, SLOW_MS));
  }
  // An answer that is complete has to end, or the next one on its connection never comes.
  if (length >= body.length) response.end();
  else if (stop === "close") response.destroy();
}

let versions = 0;

const FAULTS: Record<string, (asked: Asked) => unknown> = {
  none: plain,
  // for pages of other origins: as many servers have it, and as it has to be for parts
  "open to all": (asked) =>
    plain({ ...asked, headers: { ...asked.headers, "access-control-allow-origin": "*" } }),
  "open to all, with names": (asked) => {
    const names = { "access-control-expose-headers": "Content-Range, ETag" };
    plain({ ...asked, headers: { ...asked.headers, ...names, "access-control-allow-origin": "*" } });
  },
  "no version": ({ headers: { etag: _, ...headers }, ...asked }) => plain({ ...asked, headers }),
  "no ranges": whole,
  "another range": (asked) =>
    asked.range ? partial(asked, asked.range.begin + 1, asked.range.end + 1) : whole(asked),
  "another length": (asked) =>
    asked.range ? partial(asked, asked.range.begin, asked.range.end - 1) : whole(asked),
  replaced: (asked) => plain({ ...asked, headers: { ...asked.headers, etag: `"${versions++}"` } }),
  "replaced, by date": ({ headers, ...asked }) => {
    const { etag: _, ...rest } = headers;
    const date = new Date(Date.UTC(2020, 0, 1) + 1000 * versions++).toUTCString();
    plain({ ...asked, headers: { ...rest, "last-modified": date } });
  },
  short: (asked) => trickle(asked, 200_000, "close"),
  slow: (asked) => trickle(asked, asked.file.length, "close"),
  /** After 9 MB nothing comes, but for those who ask for a part. */
  "stops at 9 MB": (asked) => {
    if (asked.wantsPart) return plain(asked);
    asked.response.writeHead(200, { ...asked.headers, "content-length": String(asked.file.length) });
    return asked.response.write(asked.file.subarray(0, 9e6));
  },
  held: hold,
  hangs: (asked) => trickle(asked, 200_000, "wait"),
  "no length": ({ file, response, headers }) => {
    response.writeHead(200, headers).write(file.subarray(0, 1000));
    response.end(file.subarray(1000));
  },
  compressed: ({ file, response, headers, range }) => {
    const part = range && { "content-range": `bytes ${range.begin}-${range.end - 1}/${file.length}` };
    const bytes = gzipSync(range ? file.subarray(range.begin, range.end) : file);
    const more = { "content-encoding": "gzip", "content-length": String(bytes.length) };
    response.writeHead(range ? 206 : 200, { ...headers, ...part, ...more }).end(bytes);
  },
  broken: ({ response }) => response.writeHead(500).end(),
};

function rangeOf(header: string | undefined, size: number): Asked["range"] {
  const [, begin, last] = /^bytes=(\d+)-(\d+)$/.exec(header ?? "") ?? [];
  return last === undefined ? undefined : { begin: Number(begin), end: Math.min(Number(last) + 1, size) };
}

/** What it has served, for tests that count. */
export interface Files {
  readonly requests: {
    readonly method: string | undefined;
    readonly name: string;
    readonly range: string | undefined;
  }[];
  /** True if the request was for here. */
  handle(request: IncomingMessage, response: ServerResponse): boolean;
}

export function serveFiles(): Files {
  const files = new Map<string, Uint8Array>();
  const waiting = new Map<string, (() => void)[]>();
  const requests: Files["requests"] = [];
  const put = async (name: string, request: IncomingMessage, response: ServerResponse) => {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    files.set(name, Buffer.concat(pieces));
    for (const resolve of waiting.get(name) ?? []) resolve();
    waiting.delete(name);
    response.writeHead(204).end();
  };
  const get = (url: URL, request: IncomingMessage, response: ServerResponse) => {
    const file = files.get(url.pathname);
    if (!file) return response.writeHead(404).end();
    const etag = `"${createHash("sha256").update(file).digest("hex").slice(0, 16)}"`;
    const headers = { "content-type": "application/octet-stream", etag };
    const fault = FAULTS[url.searchParams.get("fault") ?? "none"];
    // Of another version all of it is sent.
    const isOther = request.headers["if-range"] !== undefined && request.headers["if-range"] !== etag;
    const range = isOther ? undefined : rangeOf(request.headers.range, file.length);
    const wantsPart = request.headers.range !== undefined;
    const { pathname } = url;
    const putAgain = (): Promise<void> =>
      new Promise((resolve) => waiting.set(pathname, [...(waiting.get(pathname) ?? []), resolve]));
    return fault?.({ file, response, headers, wantsPart, range, putAgain });
  };
  return {
    requests,
    handle: (request, response) => {
      const url = new URL(request.url ?? "/", "http://localhost");
      if (!url.pathname.startsWith("/files/")) return false;
      requests.push({ method: request.method, name: url.pathname, range: request.headers.range });
      if (request.method === "PUT") void put(url.pathname, request, response);
      else void get(url, request, response);
      return true;
    },
  };
}

/** A server of nothing else. `base`: what names are put after. */
export async function startFileServer(): Promise<Files & { readonly base: string; close(): void }> {
  const files = serveFiles();
  const server = createServer((request, response) => {
    if (!files.handle(request, response)) response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const close = (): void => {
    server.close();
    server.closeAllConnections();
  };
  return { ...files, base: `http://127.0.0.1:${port}/files/`, close };
}
