/** Pages of an index behind HTTP that the browser keeps, in Chromium: visits, versions, damage, want of room, two tabs at once. */
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { VectorIndex } from "../../ts/native.js";
import { launchChromium } from "../pack/browser.js";
import { generate } from "../support/generate.js";
import { DIST } from "./bundle.js";
import { type Served, serveSuite } from "./server.js";

const DIMENSIONS = 48;
const HEAD_BYTES = 4096 + 2 ** 17;
/** The first request for a file of which nothing is kept, and of one of which something is. */
const FIRST = `bytes=0-${HEAD_BYTES - 1}`;
const CHECK = "bytes=0-0";
const SOME = [0, 1];
const ALL = Array.from({ length: 12 }, (_, i) => i);

let served: Served;
let browser: Awaited<ReturnType<typeof launchChromium>>;
/** The file of the test under way: nothing is kept of it yet. */
let file = "";
let fileCount = 0;
const files: Record<string, Uint8Array> = {};
const queries = generate({ dimensions: DIMENSIONS, rows: ALL.length, stream: 1 });

beforeAll(async () => {
  served = await serveSuite(DIST);
  browser = await launchChromium();
  for (const [name, codes, stream] of [
    ["one", "1bit", 0],
    ["two", "1bit", 2],
    ["coded", "pq", 0],
  ] as const) {
    const vectors = generate({ dimensions: DIMENSIONS, rows: 2000, stream });
    const codeBytes = codes === "pq" ? 48 : undefined;
    const shape = { dimensions: DIMENSIONS, codes, codeBytes, maxDegree: 12, buildListSize: 24 };
    const index = await VectorIndex.build(vectors, shape);
    files[name] = await index.toBytes();
    await index.close();
  }
});
afterAll(async () => {
  await browser?.close();
  await served?.close();
});

/** A tab, and a file for it. */
async function begin(bytes: Uint8Array | undefined): Promise<Page> {
  file = `kept-${fileCount++}`;
  await put(bytes);
  return openTab();
}

async function openTab(): Promise<Page> {
  const page = await browser.context.newPage();
  await page.goto(served.url);
  return page;
}

const put = (bytes: Uint8Array | undefined): Promise<Response> =>
  fetch(`${served.url}files/${file}`, { method: "PUT", body: bytes as BodyInit });

interface How {
  readonly keepBytes?: number;
  readonly entry?: string;
  readonly fault?: string;
  /** Reads all of it. */
  readonly scan?: boolean;
}
interface Visit {
  readonly hits: unknown;
  readonly ranges: (string | undefined)[];
}

/** Opens in the page, searches for some rows and closes; what was asked of the server. */
async function visit(page: Page, rows: readonly number[], how: How = {}): Promise<Visit> {
  const { keepBytes = 2 ** 24, entry = "wasm.js", fault = "none", scan = false } = how;
  served.requests.length = 0;
  const asked = rows.map((i) => [...queries.subarray(i * DIMENSIONS, (i + 1) * DIMENSIONS)]);
  const hits = await page.evaluate(`(async () => {
    const { VectorIndex } = await import("/dist/${entry}");
    const url = location.origin + "/files/${file}?fault=${fault}";
    const index = await VectorIndex.open(url, { mode: "paged", keepBytes: ${keepBytes}, beamWidth: 4 });
    try {
      const hits = [];
      for (const query of ${JSON.stringify(asked)})
        hits.push(await index.search(query, { k: 5, searchListSize: 20 }));
      if (${scan}) await index.toBytes();
      return hits;
    } finally {
      await index.close();
    }
  })()`);
  return { hits, ranges: served.requests.map(({ range }) => range).sort(byPlace) };
}

/** Requests of a round are sent in any order. The check is the first. */
const byPlace = (a = "", b = ""): number =>
  Number(/\d+/.exec(a)) - Number(/\d+/.exec(b)) || a.length - b.length;

const codeOf = (visiting: Promise<Visit>): Promise<string> =>
  visiting.then(
    () => "none",
    (error: Error) => /cannot read|not an undamaged index/.exec(error.message)?.[0] ?? error.message,
  );

/** What is kept: keys and lengths. `change`: a statement about `key` and the bytes of one, `true` where they are to be put back. */
function kept(page: Page, change = "false"): Promise<[string, number][]> {
  return page.evaluate(`new Promise((resolve, reject) => {
    const opening = indexedDB.open("diskann pages " + location.origin + "/files/${file}?fault=none");
    opening.onsuccess = () => {
      const database = opening.result;
      if (!database.objectStoreNames.contains("parts")) return database.close(), resolve([]);
      const found = [];
      const transaction = database.transaction("parts", "readwrite");
      transaction.objectStore("parts").openCursor().onsuccess = ({ target: { result: cursor } }) => {
        if (!cursor) return;
        const { key, value } = cursor;
        const bytes = value instanceof ArrayBuffer ? new Uint8Array(value) : undefined;
        found.push([String(key), bytes?.length ?? 0]);
        if (bytes && (${change})) cursor.update(bytes.buffer);
        cursor.continue();
      };
      transaction.oncomplete = () => { database.close(); resolve(found); };
    };
    opening.onerror = () => reject(opening.error);
  })`);
}

const sum = (parts: readonly [string, number][]): number =>
  parts.reduce((all, [, length]) => all + length, 0);

test.each(["one", "coded"])("the next visit reads nothing again, in a page or a worker: %s", async (name) => {
  const page = await begin(files[name]);
  const plain = await visit(page, SOME, { keepBytes: 0 });
  const first = await visit(page, SOME);
  expect(first).toEqual(plain);
  expect(first.ranges[0]).toBe(FIRST);
  expect(first.ranges.length).toBeGreaterThan(3);
  await page.reload();
  const next = { hits: first.hits, ranges: [CHECK] };
  expect(await visit(page, SOME)).toEqual(next);
  expect(await visit(page, SOME, { entry: "worker.js" })).toEqual(next);
  expect((await visit(page, [...SOME, 10], { entry: "worker.js" })).ranges.length).toBeGreaterThan(1);
  expect((await visit(page, [...SOME, 10])).ranges).toEqual([CHECK]);
  await page.context().setOffline(true);
  expect(await visit(page, SOME)).toEqual({ hits: first.hits, ranges: [] });
  expect(await codeOf(visit(page, ALL))).toBe("cannot read");
  await page.context().setOffline(false);
  await page.close();
});

test("of a file that was replaced nothing is used or left", async () => {
  const page = await begin(files.one);
  await visit(page, SOME);
  const before = await kept(page);
  await put(files.two);
  const other = await visit(page, SOME);
  expect(other.ranges.slice(0, 2)).toEqual([CHECK, FIRST]);
  expect(other.hits).toEqual((await visit(page, SOME, { keepBytes: 0 })).hits);
  expect(await visit(page, SOME)).toEqual({ hits: other.hits, ranges: [CHECK] });
  const after = await kept(page);
  const { ranges } = other;
  const asked = new Set(ranges.map((range) => /=(\d+)/.exec(range ?? "")?.[1]));
  const keys = after.map(([key]) => key).filter((key) => key.includes(","));
  expect(keys.length).toBeGreaterThanOrEqual(asked.size - 2);
  expect(keys).not.toEqual(before.map(([key]) => key).filter((key) => key.includes(",")));
  await put(undefined);
  expect(await codeOf(visit(page, SOME))).not.toBe("none");
  await page.close();
});

test("what is damaged, short or gone is fetched again; a page that the server damaged too", async () => {
  const page = await begin(files.one);
  const { hits } = await visit(page, SOME);
  const parts = (await kept(page)).length;
  const whole = { hits, ranges: [CHECK] };
  const spoil = [
    "(bytes[77] ^= 1, true)",
    "(cursor.update(new ArrayBuffer(5)), false)",
    "(cursor.delete(), false)",
  ];
  await kept(page, `Array.isArray(key) && [() => ${spoil.join(", () => ")}][found.length % 3]()`);
  const again = await visit(page, SOME);
  expect(again.hits).toEqual(hits);
  expect(again.ranges.length).toBeGreaterThan(parts / 3);
  expect(await visit(page, SOME)).toEqual(whole);
  for (const at of [30, HEAD_BYTES - 9]) {
    await kept(page, `key === "first" && (bytes[${at}] ^= 1, true)`);
    expect((await visit(page, SOME)).ranges[0]).toBe(FIRST);
  }
  expect(await visit(page, SOME)).toEqual(whole);
  expect((await kept(page)).length).toBe(parts);
  // A page of bad bytes with a good name.
  await kept(page, "Array.isArray(key) && (bytes.fill(7), true)");
  expect((await visit(page, SOME)).hits).toEqual(hits);
  await page.close();
});

test("two tabs at once share what they keep, and do not meet where one has an older version", async () => {
  const page = await begin(files.one);
  const second = await openTab();
  const [one, two] = await Promise.all([visit(page, SOME), visit(second, [3, 4])]);
  expect((await visit(page, [...SOME, 3, 4])).hits).toEqual([
    ...(one.hits as unknown[]),
    ...(two.hits as unknown[]),
  ]);
  expect((await visit(second, [...SOME, 3, 4])).ranges).toEqual([CHECK]);
  const query = JSON.stringify([...queries.subarray(6 * DIMENSIONS, 7 * DIMENSIONS)]);
  await page.evaluate(`(async () => {
      const { VectorIndex } = await import("/dist/wasm.js");
      const url = location.origin + "/files/${file}?fault=none";
      globalThis.old = await VectorIndex.open(url, { mode: "paged", keepBytes: 2 ** 24, beamWidth: 4 });
    })()`);
  await put(files.two);
  const other = await visit(second, SOME);
  const old = await page.evaluate(`old.search(${query}).then(() => "hits", ({ code }) => code)`);
  expect(old).toBe("ERR_IO");
  await page.evaluate("old.close()");
  expect(await visit(second, SOME)).toEqual({ hits: other.hits, ranges: [CHECK] });
  await page.close();
});

test("it stays within its bound; what is read from end to end is not kept", async () => {
  const page = await begin(files.one);
  await visit(page, ALL, { keepBytes: 250_000 });
  const parts = await kept(page);
  expect(sum(parts)).toBeGreaterThan(180_000);
  await visit(page, ALL, { keepBytes: 250_000 });
  expect(await kept(page)).toEqual(parts);
  await page.evaluate(
    `new Promise((resolve) => {
        const name = "diskann pages " + location.origin + "/files/${file}?fault=none";
        indexedDB.deleteDatabase(name).onsuccess = resolve;
      })`,
  );
  await visit(page, [], { scan: true });
  expect(sum(await kept(page))).toBe(HEAD_BYTES);

  await page.close();
});

test("where there is no room, searches go on", async () => {
  const page = await begin(files.one);
  const { hits } = await visit(page, SOME, { keepBytes: 0 });
  // Of an origin that has stored nothing yet, the browser does not remember how much room there is.
  const other = await serveSuite(DIST);
  await fetch(`${other.url}files/${file}`, { method: "PUT", body: files.one as BodyInit });
  await page.goto(other.url);
  const session = await page.context().newCDPSession(page);
  await session.send("Storage.overrideQuotaForOrigin", {
    origin: new URL(other.url).origin,
    quotaSize: 1000,
  });
  for (let round = 0; round < 2; round++) expect((await visit(page, SOME)).hits).toEqual(hits);
  expect(await kept(page)).toEqual([]);
  await page.close();
  await other.close();
});

test("nothing is kept of a file without a version, nor of one that is no index", async () => {
  const page = await begin(files.one);
  const fault = "no version";
  const { hits, ranges } = await visit(page, SOME, { fault });
  expect(await visit(page, SOME, { fault })).toEqual({ hits, ranges });
  await put(new Uint8Array(300_000));
  expect(await codeOf(visit(page, []))).toBe("not an undamaged index");
  expect(
    await page.evaluate(
      `indexedDB.databases().then((all) => all.filter(({ name }) => name.includes("${file}")))`,
    ),
  ).toEqual([]);
  await page.close();
});
