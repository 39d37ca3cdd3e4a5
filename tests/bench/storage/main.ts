/**
 * Searches of an index that stays in the browser's storage: OPFS and IndexedDB, Chromium with a profile that outlives the browser.
 * `npm run bench -- storage [rows]` builds the files natively, once, and prints the table; everything lies in build/bench/storage.
 */
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { VectorIndex } from "diskann";
import { build } from "esbuild";
import type { Page } from "playwright-core";
import { serve } from "../../../examples/static-site/serve.mjs";
import { withProfile } from "../../runtimes/chromium.js";
import { repositoryRoot } from "../../support/data.js";
import { generate } from "../../support/generate.js";
import { describeMachine } from "../machine.js";
import { number, table } from "../report.js";
import type { Measured, Task } from "./page.js";

const DIMENSIONS = 384;
const QUERIES = 1200;
const K = 10;
/** Bytes of WebAssembly memory, in all. */
const HEAP_BYTES = 64e6;
const MIB = 2 ** 20;
const RELOADS = 5;
/** Without codes in memory the cache may have their share too. */
const FILES = [
  { codes: "pq", cacheBytes: 24 * MIB },
  { codes: "1bit", cacheBytes: 40 * MIB },
] as const;

const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** Queries and their true neighbours, and a file for each kind of codes. */
async function makeFiles(folder: string, rows: number): Promise<void> {
  const names = FILES.map(({ codes }) => `${codes}.diskann`);
  if ([...names, "truth.u32", "queries.f32"].every((name) => existsSync(join(folder, name)))) return;
  const shape = { shape: "text", dimensions: DIMENSIONS } as const;
  say(`making ${rows} x ${DIMENSIONS}`);
  const vectors = generate({ ...shape, rows });
  const queries = generate({ ...shape, rows: QUERIES, stream: 1 });
  for (const { codes } of FILES) {
    say(`building with codes ${codes}`);
    const index = await VectorIndex.build(vectors, { dimensions: DIMENSIONS, metric: "cosine", codes });
    await index.save(join(folder, `${codes}.diskann`));
    if (codes === FILES[0].codes) await saveTruth(folder, index, queries);
    await index.close();
  }
}

async function saveTruth(folder: string, index: VectorIndex, queries: Float32Array): Promise<void> {
  const truth = new Uint32Array(QUERIES * K);
  for (let i = 0; i < QUERIES; i++) {
    const query = queries.subarray(i * DIMENSIONS, (i + 1) * DIMENSIONS);
    const hits = await index.searchExact(query, { k: K });
    truth.set(
      hits.map(({ id }) => id),
      i * K,
    );
  }
  writeFileSync(join(folder, "truth.u32"), truth);
  writeFileSync(join(folder, "queries.f32"), queries);
}

async function makeSite(root: string, folder: string): Promise<void> {
  await build({
    entryPoints: ["page", "heap-worker"].map((name) => join(root, `tests/bench/storage/${name}.ts`)),
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    platform: "browser",
    format: "esm",
    target: "es2022",
    logLevel: "warning",
  });
  writeFileSync(
    join(folder, "index.html"),
    '<!doctype html><title>diskann</title><link rel="icon" href="data:,"><script type="module" src="/page.mjs"></script>',
  );
  if (!existsSync(join(folder, "dist"))) symlinkSync(join(root, "dist"), join(folder, "dist"));
}

const call = async <T>(page: Page, words: string): Promise<T> => {
  await page.waitForFunction("globalThis.searchPlace !== undefined");
  return page.evaluate<T>(words);
};

/** In a browser that has just been started. */
const measure = (profile: string, origin: string, task: Task, list: number | undefined): Promise<Measured> =>
  withProfile(profile, origin, (page) =>
    call(page, `searchPlace(${JSON.stringify(task)}, ${JSON.stringify(list)})`),
  );

/** First answers, in a browser that has just been started and when its page was loaded again, several times: the median. */
const measureFirst = (profile: string, origin: string, task: Task, list: number): Promise<[number, number]> =>
  withProfile(profile, origin, async (page) => {
    const times: number[] = [];
    for (let i = 0; i <= RELOADS; i++) {
      if (i > 0) await page.reload();
      times.push(await call<number>(page, `firstAnswer(${JSON.stringify(task)}, ${list}, ${i})`));
    }
    const [started = 0, ...again] = times;
    return [started, again.sort((a, b) => a - b)[RELOADS >> 1] ?? 0];
  });

function rowOf(
  codes: string,
  imported: { ms: number; bytes: number },
  one: Measured,
  [started, again]: [number, number],
): string[] {
  const megabytes = (bytes: number): string => number(bytes / 1e6);
  const kind = one.place.startsWith("opfs") ? "OPFS" : "IndexedDB";
  return [
    `${kind}, codes ${codes}`,
    ...[megabytes(one.fileBytes), number(imported.bytes / 1e3 / imported.ms), String(one.list)],
    ...[number(one.recall, 3), number(one.p50, 1), number(one.p99, 1)],
    ...[number(started), number(again)],
    ...[number(one.reads, 1), number(one.rounds, 1), megabytes(one.heapBytes)],
  ];
}

async function main(rows: number): Promise<void> {
  const root = repositoryRoot();
  const folder = join(root, `build/bench/storage/${rows}`);
  mkdirSync(folder, { recursive: true });
  await makeFiles(folder, rows);
  await makeSite(root, folder);
  const { server, origin } = await serve(folder);
  const profile = join(root, "build/bench/storage/profile");
  const lines: string[][] = [];
  try {
    for (const { codes, cacheBytes } of FILES) {
      for (const place of [`opfs:/${codes}`, `idb:${codes}`]) {
        rmSync(profile, { recursive: true, force: true });
        say(`${place}: import`);
        const words = `importInto("/${codes}.diskann", "${place}")`;
        const imported = await withProfile(profile, origin, (page) =>
          call<{ ms: number; bytes: number }>(page, words),
        );
        say(`${place}: search`);
        const task = { place, cacheBytes };
        const { list } = await measure(profile, origin, task, undefined);
        const one = await measure(profile, origin, task, list);
        if (one.heapBytes > HEAP_BYTES) throw new Error(`${place}: ${one.heapBytes} bytes of memory`);
        lines.push(rowOf(codes, imported, one, await measureFirst(profile, origin, task, list)));
      }
    }
  } finally {
    server.close();
    server.closeAllConnections();
    rmSync(profile, { recursive: true, force: true });
  }
  const { cpu, cores } = describeMachine(root);
  console.log(`${rows} x ${DIMENSIONS} generated, cosine, recall@10 .95, ${cpu}, ${cores} cores\n`);
  const head = ["", "MB", "import MB/s", "list", "recall", "p50 ms", "p99 ms"];
  const first = ["first answer ms, browser started", "page loaded again"];
  console.log(table([...head, ...first, "reads", "rounds", "heap MB"], lines));
}

const [, rows = "100000"] = process.argv.slice(2);
main(Number(rows)).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
