/** Where the module comes from, and what happens when it does not come. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { wasmBackend } from "../../ts/backend/wasm/index.js";
import { loadModule } from "../../ts/backend/wasm/load.js";

const file = new URL("../../dist/diskann.wasm", import.meta.url);
const beside = () => file;
const bytes = await readFile(file);
const nowhere = () => {
  throw new TypeError("Invalid URL");
};
const config = {
  dimensions: 4,
  metric: 0,
  dataType: 0,
  maxDegree: 8,
  buildListSize: 20,
  alpha: 1.2,
  seed: 0,
  codes: 2,
  codeBytes: 0,
  pageBytes: 0,
};

let folder = "";
let origin = "";
const requests: string[] = [];

/** "/type/<anything>": the module, sent as that type. */
const answer: RequestListener = (request, response) => {
  const url = request.url ?? "";
  requests.push(url);
  if (url === "/absent.wasm") response.writeHead(404).end("not here");
  else if (url === "/page.wasm")
    response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html>");
  else if (url === "/later.wasm" && requests.filter((seen) => seen === url).length === 1)
    response.writeHead(503).end();
  else {
    const type = url.startsWith("/plain") ? "text/plain" : "application/wasm";
    response.writeHead(200, { "content-type": type }).end(bytes);
  }
};
const server = createServer(answer);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "diskann-load-"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.close();
  await rm(folder, { recursive: true, force: true });
});

/** The module works: an index can be made of it. */
async function works(options: Parameters<typeof wasmBackend>[0]): Promise<boolean> {
  const backend = await wasmBackend(options, nowhere);
  const index = await backend.create(config);
  const { dimensions } = index.stats();
  await index.close();
  return dimensions === 4;
}

describe("places", () => {
  it("is found beside the code when no option says otherwise", async () => {
    expect(await loadModule({}, beside)).toBeInstanceOf(WebAssembly.Module);
  });
  it("comes from a path, a file URL as text or as URL", async () => {
    expect(await works({ wasmUrl: fileURLToPath(file) })).toBe(true);
    expect(await works({ wasmUrl: file.href })).toBe(true);
    expect(await works({ wasmUrl: file })).toBe(true);
  });
  it("comes from a server, whatever type the server says it has", async () => {
    expect(await works({ wasmUrl: `${origin}/right.wasm` })).toBe(true);
    expect(await works({ wasmUrl: `${origin}/plain.wasm` })).toBe(true);
  });
  it("comes as bytes, as a view into more bytes, and compiled", async () => {
    const wide = new Uint8Array(bytes.length + 7);
    wide.set(bytes, 3);
    expect(await works({ wasmBinary: wide.subarray(3, 3 + bytes.length) })).toBe(true);
    expect(await works({ wasmBinary: wide.slice(3, 3 + bytes.length).buffer })).toBe(true);
    expect(await works({ module: await WebAssembly.compile(bytes) })).toBe(true);
  });
  it("is compiled once for each place", async () => {
    const url = `${origin}/once.wasm`;
    const modules = await Promise.all([1, 2, 3].map(() => loadModule({ wasmUrl: url }, nowhere)));
    expect(new Set(modules).size).toBe(1);
    expect(requests.filter((seen) => seen === "/once.wasm")).toHaveLength(1);
    expect(await loadModule({ wasmBinary: bytes }, nowhere)).toBe(
      await loadModule({ wasmBinary: bytes }, nowhere),
    );
  });
});

describe("failures", () => {
  const rejects = async (options: object, code: string, text: RegExp) => {
    const error = await loadModule(options, nowhere).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: "DiskAnnError", code, message: expect.stringMatching(text) });
  };
  it("tells what was tried and what to do when the file is not there", async () => {
    await rejects({ wasmUrl: join(folder, "none.wasm") }, "ERR_IO", /none\.wasm.*wasmUrl.*diskann\/inline/s);
    await rejects({ wasmUrl: `${origin}/absent.wasm` }, "ERR_IO", /HTTP 404/);
    await rejects({ wasmUrl: "http://127.0.0.1:1/x.wasm" }, "ERR_IO", /x\.wasm/);
  });
  it("says so when a server sends a page in its place", async () => {
    await rejects({ wasmUrl: `${origin}/page.wasm` }, "ERR_IO", /not a WebAssembly module/);
  });
  it("says so when the code does not know its own place", async () => {
    await rejects({}, "ERR_IO", /not found by itself/);
  });
  it("refuses bytes that are no module, or a damaged one", async () => {
    await rejects({ wasmBinary: new Uint8Array(8) }, "ERR_IO", /not a WebAssembly module/);
    await rejects({ wasmBinary: bytes.slice(0, 1000) }, "ERR_UNSUPPORTED", /cannot compile/);
    const path = join(folder, "cut.wasm");
    await writeFile(path, bytes.subarray(0, 5000));
    await rejects({ wasmUrl: pathToFileURL(path) }, "ERR_UNSUPPORTED", /cannot compile/);
  });
  it("refuses options of another kind", async () => {
    await rejects({ wasmUrl: 7 }, "ERR_INVALID_ARGUMENT", /wasmUrl/);
    await rejects({ wasmUrl: null }, "ERR_INVALID_ARGUMENT", /wasmUrl/);
    await rejects({ wasmUrl: "" }, "ERR_INVALID_ARGUMENT", /wasmUrl/);
    await rejects({ wasmBinary: "AGFzbQ==" }, "ERR_INVALID_ARGUMENT", /wasmBinary/);
    await rejects({ wasmBinary: null }, "ERR_INVALID_ARGUMENT", /wasmBinary/);
    await rejects({ module: {} }, "ERR_INVALID_ARGUMENT", /WebAssembly\.Module/);
    await rejects({ module: null }, "ERR_INVALID_ARGUMENT", /WebAssembly\.Module/);
  });
  it("refuses a module that is another one", async () => {
    const empty = new WebAssembly.Module(new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]));
    const backend = await wasmBackend({ module: empty }, nowhere);
    await expect(backend.create(config)).rejects.toMatchObject({ code: "ERR_UNSUPPORTED" });
  });
  it("is not remembered: the next call tries again", async () => {
    const wasmUrl = `${origin}/later.wasm`;
    await rejects({ wasmUrl }, "ERR_IO", /HTTP 503/);
    expect(await works({ wasmUrl })).toBe(true);
  });
});
