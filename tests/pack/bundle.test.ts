/** The published package in a browser: through Vite, through esbuild, and with no bundler at all. */
import { cp, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build as esbuild } from "esbuild";
import * as vite from "vite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DiskAnnError, VectorIndex } from "../../ts/wasm.js";
import { loadedAtOnce } from "../support/browser-entry.js";
import { program } from "./apps/program.mjs";
import { type Browser, ISOLATION, openBrowser, serveFolder, type Visit } from "./browser.js";
import { type Installed, install } from "./installed.js";

const GZIP_BYTES_MAX = 15_000;

let app: Installed;
let browser: Browser;
let expected: Awaited<ReturnType<typeof program>>["answers"];

beforeAll(async () => {
  [app, browser] = await Promise.all([install({ withAddon: false }), openBrowser()]);
  expected = (await program({ VectorIndex, DiskAnnError })).answers;
});
afterAll(async () => {
  await browser?.close();
  await app?.remove();
});

function expectAnswers({ result, complaints }: Visit): void {
  const one = { backend: "wasm", answers: expected, turns: expect.any(Number) };
  expect(result).toEqual({ diskann: one, inline: one, worker: one });
  expect(complaints).toEqual([]);
  // A build that held the page would let no timer run until it ends.
  for (const { turns } of Object.values(result as Record<string, { turns: number }>)) {
    expect(turns).toBeGreaterThan(3);
  }
}

async function visitFolder(
  folder: string,
  types?: Record<string, string>,
  headers?: Record<string, string>,
  page = "",
) {
  const server = await serveFolder(folder, types, headers);
  try {
    const visit = await browser.visit(`${server.origin}/${page}`);
    return { ...visit, paths: server.paths };
  } finally {
    server.close();
  }
}

describe("Vite", () => {
  it("builds a page, with module and worker found by themselves", async () => {
    const outDir = join(app.folder, "out-vite");
    const warnings: string[] = [];
    const customLogger = { ...vite.createLogger("silent"), warn: (text: string) => void warnings.push(text) };
    await vite.build({
      root: app.folder,
      configFile: false,
      // A slow machine is no fault of the package.
      build: { outDir, target: "es2022", rolldownOptions: { checks: { pluginTimings: false } } },
      customLogger,
    });
    const assets = await readdir(join(outDir, "assets"));
    const modules = assets
      .filter((name) => name.endsWith(".wasm"))
      .map((name) => name.replace(/-[^-]*$/, ""));
    expect(modules.sort()).toEqual(["diskann", "diskann-threads"]);
    expect(warnings).toEqual([]);
    expectAnswers(await visitFolder(outDir));
  });

  it("serves a page while it is being developed", async () => {
    const server = await vite.createServer({
      root: app.folder,
      configFile: false,
      logLevel: "silent",
      server: { host: "127.0.0.1", port: 0 },
    });
    try {
      await server.listen();
      const { port } = (server.httpServer?.address() ?? { port: 0 }) as { port: number };
      expectAnswers(await browser.visit(`http://127.0.0.1:${port}/`));
    } finally {
      await server.close();
    }
  });
});

describe("an isolated page", () => {
  const threadsOf = ({ paths }: { paths: string[] }): number =>
    paths.filter((path) => /wasm-thread(-[\w-]+)?\.js$/.test(path)).length;

  it("builds and searches on threads that Vite has found", async () => {
    const outDir = join(app.folder, "out-vite-threads");
    await vite.build({
      root: app.folder,
      configFile: false,
      logLevel: "silent",
      build: { outDir, target: "es2022", rolldownOptions: { input: join(app.folder, "threads.html") } },
    });
    const visit = await visitFolder(outDir, {}, ISOLATION, "threads.html");
    expect(visit).toMatchObject({ result: { isolated: true, same: true }, complaints: [] });
    expect(threadsOf(visit)).toBe(8); // two of each build, two of each batch
  });

  it("is no condition: any other works on its own thread", async () => {
    const visit = await visitFolder(join(app.folder, "out-vite-threads"), {}, {}, "threads.html");
    expect(visit).toMatchObject({ result: { isolated: false, same: true }, complaints: [] });
    expect(threadsOf(visit)).toBe(0);
  });
});

describe("esbuild", () => {
  it("bundles a page; the module and the worker's script lie beside it", async () => {
    const outdir = join(app.folder, "out-esbuild");
    const { warnings } = await esbuild({
      absWorkingDir: app.folder,
      entryPoints: ["page.mjs"],
      bundle: true,
      minify: true,
      format: "esm",
      outExtension: { ".js": ".mjs" },
      outdir,
      logLevel: "silent",
    });
    expect(warnings).toEqual([]);
    for (const name of ["diskann.wasm", "worker-host.js"]) {
      await cp(join(app.package, "dist", name), join(outdir, name));
    }
    await cp(join(app.folder, "index.html"), join(outdir, "index.html"));
    expectAnswers(await visitFolder(outdir));
  });

  it("makes at most 15 KB gzipped of the browser entry", async () => {
    const stdin = { contents: 'export * from "diskann";', resolveDir: app.folder };
    const script = await loadedAtOnce({ stdin });
    const bytes = gzipSync(script, { level: 9 }).length;
    console.log(`browser entry: ${bytes} bytes gzipped`);
    expect(bytes).toBeGreaterThan(1000);
    expect(bytes).toBeLessThanOrEqual(GZIP_BYTES_MAX);
  });

  it("makes no more of product quantisation alone, and leaves it out of the rest", async () => {
    const sizes: Record<string, number> = {};
    for (const contents of ['export * from "diskann/pq";', 'export * from "diskann";']) {
      const script = await loadedAtOnce({ stdin: { contents, resolveDir: app.folder } });
      const text = Buffer.from(script).toString();
      expect(text.includes("pq_train_begin")).toBe(contents.includes("pq"));
      sizes[contents] = gzipSync(text, { level: 9 }).length;
    }
    console.log("gzipped:", sizes);
    for (const bytes of Object.values(sizes)) expect(bytes).toBeLessThanOrEqual(GZIP_BYTES_MAX);
  });
});

describe("no bundler", () => {
  it("needs an import map only, even where the server does not know .wasm", async () => {
    const folder = join(app.folder, "out-plain");
    await mkdir(folder);
    await cp(join(app.package, "dist"), join(folder, "diskann"), { recursive: true });
    for (const name of ["page.mjs", "program.mjs"]) await cp(join(app.folder, name), join(folder, name));
    const imports = {
      diskann: "./diskann/wasm.js",
      "diskann/inline": "./diskann/inline.js",
      "diskann/worker": "./diskann/worker.js",
    };
    const map = `<script type="importmap">${JSON.stringify({ imports })}</script>`;
    const html = await readFile(join(app.folder, "index.html"), "utf8");
    await writeFile(join(folder, "index.html"), html.replace("<body>", `<body>${map}`));
    const visit = await visitFolder(folder, { ".wasm": "application/octet-stream" });
    expectAnswers(visit);
    expect(visit.paths.filter((path) => path.endsWith("diskann.wasm")).length).toBeGreaterThan(0);
  });
});
