/** An index in its file, in the native backend: the answers of the same file in memory, errors with their page, aborts, ends. */
import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type {
  Backend,
  BackendIndex,
  CoreConfig,
  CoreHits,
  CoreSearch,
  PagedOptions,
} from "../../ts/backend/backend.js";
import { nativeBackend } from "../../ts/backend/native/index.js";
import { runProgram } from "./child.js";
import { someRows } from "./programs/rows.js";

const DIMENSIONS = 48;
const COUNT = 3000;
const CONFIG: CoreConfig = {
  dimensions: DIMENSIONS,
  metric: 0,
  dataType: 0,
  maxDegree: 16,
  buildListSize: 40,
  alpha: 1.2,
  seed: 0,
  codes: 3,
  codeBytes: 0,
  pageBytes: 0,
};
const PARAMS: CoreSearch = { k: 5, listSize: 40, beamWidth: 4, pageSearch: true };
const SMALL: PagedOptions = { cacheBytes: 100_000, resident: "never" };
const rows = someRows(COUNT, DIMENSIONS);
const some = rows.subarray(0, 300 * DIMENSIONS);
const row = (i: number): Float32Array => rows.subarray(i * DIMENSIONS, (i + 1) * DIMENSIONS);

let backend: Backend;
let resident: BackendIndex;
let folder: string;
let path: string;

async function saved(config: CoreConfig, name: string): Promise<[BackendIndex, string]> {
  const index = await backend.create(config);
  const insert = await index.insert("build", undefined);
  await insert.append(rows, undefined);
  await insert.run({});
  const file = join(folder, name);
  await index.save({ kind: "path", path: file }, {});
  return [index, file];
}

const open = (options: PagedOptions, file = path): Promise<BackendIndex> =>
  backend.open({ kind: "path", path: file }, {}, options);

beforeAll(async () => {
  backend = await nativeBackend({});
  folder = mkdtempSync(join(tmpdir(), "diskann-paged-"));
  [resident, path] = await saved(CONFIG, "index");
});

/** An answer without what was read for it. */
const unread = ({ reads, bytesRead, ...answer }: CoreHits): Partial<CoreHits> => answer;

afterAll(async () => {
  await resident.close();
  rmSync(folder, { recursive: true });
});

test.each([0, 30_000, 300_000, Number.MAX_SAFE_INTEGER])(
  "a cache of %d bytes: the same answers",
  async (cacheBytes) => {
    const paged = await open({ cacheBytes, resident: "never" });
    expect([paged.paged, paged.size, resident.paged]).toEqual([true, COUNT, false]);
    for (const beamWidth of [1, 4]) {
      for (const pageSearch of [false, true]) {
        const params = { ...PARAMS, beamWidth, pageSearch };
        const numbers = Array.from({ length: 20 }, (_, i) => i);
        const wanted = await Promise.all(numbers.map((i) => resident.search(row(i), params)));
        const found = await Promise.all(numbers.map((i) => paged.search(row(i), params)));
        expect(found.map(unread)).toEqual(wanted.map(unread));
        const queries = rows.subarray(0, 100 * DIMENSIONS);
        const many = await paged.searchBatch(queries, params, {});
        expect(unread(many)).toEqual(unread(await resident.searchBatch(queries, params, {})));
        if (cacheBytes === 0) expect(many.bytesRead).toBe((many.reads ?? 0) * paged.stats().pageBytes);
      }
    }
    const stats = paged.stats();
    const { pageBytes, pages, fileBytes } = resident.stats();
    expect(stats).toMatchObject({ size: COUNT, codes: 3, pageBytes, pages, fileBytes, memoryRecords: 0 });
    expect(stats.cacheLimit).toBeLessThanOrEqual(Math.max(cacheBytes, 4 * (pageBytes + 100)));
    expect(stats.cacheBytes).toBeLessThanOrEqual(stats.cacheLimit);
    expect(stats.cacheHits).toBeGreaterThan(0);
    expect(stats.cacheReads).toBe(stats.cacheMisses);
    expect(stats.cacheBytesRead).toBe(stats.cacheReads * pageBytes);
    await paged.close();
    await paged.close();
    await expect(paged.search(row(0), PARAMS)).rejects.toMatchObject({ code: "ERR_CLOSED" });
    expect(() => paged.stats()).toThrow(expect.objectContaining({ code: "ERR_CLOSED" }));
  },
);

test("what it cannot do says how to", async () => {
  const paged = await open(SMALL);
  const refused = { code: "ERR_UNSUPPORTED", message: expect.stringContaining('mode: "resident"') };
  await expect(paged.insert("add", undefined)).rejects.toMatchObject(refused);
  await paged.close();
});

test("when it may be opened in memory", async () => {
  const bytes = statSync(path).size;
  for (const [cacheBytes, resident, paged] of [
    [bytes, "allowed", false],
    [bytes - 1, "allowed", true],
    [bytes, "never", true],
  ] as const) {
    const index = await open({ cacheBytes, resident });
    expect(index.paged).toBe(paged);
    await index.close();
  }
  const [plain, file] = await saved({ ...CONFIG, codes: 0 }, "plain");
  await plain.close();
  await expect(open(SMALL, file)).rejects.toMatchObject({
    code: "ERR_UNSUPPORTED",
    message: expect.stringContaining('"1bit"'),
  });
  const opened = await open({ ...SMALL, resident: "allowed" }, file);
  expect(opened.paged).toBe(false);
  await opened.close();
  const source = { kind: "bytes", bytes: readFileSync(path) } as const;
  for (const [cacheBytes, resident, paged] of [
    [bytes, "allowed", false],
    [bytes - 1, "allowed", true],
    [bytes, "never", true],
  ] as const) {
    const index = await backend.open(source, {}, { cacheBytes, resident });
    expect(index.paged).toBe(paged);
    await index.close();
  }
});

test("files that are not there, or not an index", async () => {
  await expect(open(SMALL, join(folder, "absent"))).rejects.toMatchObject({
    code: "ERR_IO",
    cause: { code: "ENOENT" },
  });
  const bad = join(folder, "bad");
  writeFileSync(bad, new Uint8Array(5000));
  await expect(open(SMALL, bad)).rejects.toMatchObject({ code: "ERR_CORRUPT" });
});

test("a damaged page is an error of its readers, with the page, until it is whole again", async () => {
  const bytes = readFileSync(path);
  const { fileBytes, pageBytes, pages } = resident.stats();
  const file = join(folder, "damaged");
  const first = fileBytes - pages * pageBytes; // a navigator comes before it
  writeFileSync(file, bytes);
  const paged = await open({ cacheBytes: 0, resident: "never" }, file);
  for (const page of [3, pages - 1]) {
    const spoilt = Uint8Array.from(bytes);
    const at = first + page * pageBytes + 200;
    spoilt[at] = (spoilt[at] as number) ^ 1;
    writeFileSync(file, spoilt);
    const ended = await Promise.allSettled(
      Array.from({ length: 400 }, (_, i) => paged.search(row(i), { ...PARAMS, listSize: 5 })),
    );
    const reasons = ended.flatMap((one) => (one.status === "rejected" ? [one.reason] : []));
    expect(reasons.length).toBeGreaterThan(0);
    expect(reasons.length).toBeLessThan(400);
    for (const reason of reasons) expect(reason).toMatchObject({ code: "ERR_CORRUPT", page });
    const batch = paged.searchBatch(rows, PARAMS, {});
    await expect(batch).rejects.toMatchObject({ code: "ERR_CORRUPT", page, row: expect.any(Number) });
  }
  writeFileSync(file, bytes);
  const again = await paged.searchBatch(some, PARAMS, {});
  expect(unread(again)).toEqual(unread(await resident.searchBatch(some, PARAMS, {})));
  truncateSync(file, 4096);
  const cut = { code: "ERR_IO", page: expect.any(Number), message: expect.stringContaining("it was cut") };
  await expect(paged.search(row(0), PARAMS)).rejects.toMatchObject(cut);
  await expect(paged.searchBatch(row(0), PARAMS, {})).rejects.toMatchObject(cut);
  await paged.close();
});

/** Windows lets nobody cut a file that is mapped. */
const WAYS = (["pread", "direct", "mmap"] as const).slice(0, process.platform === "win32" ? 2 : 3);
describe.each(WAYS)("a file read by %s", (access) => {
  test("one that is cut is an error of those who want what is gone, until it is whole again", async () => {
    const bytes = readFileSync(path);
    const file = join(folder, `cut-${access}`);
    writeFileSync(file, bytes);
    const paged = await open({ cacheBytes: 0, resident: "never", access }, file);
    for (const length of [Math.floor(bytes.length / 2), 4096, 0]) {
      truncateSync(file, length);
      const cut = {
        code: "ERR_IO",
        page: expect.any(Number),
        message: expect.stringContaining("it was cut"),
      };
      await expect(paged.searchBatch(some, PARAMS, {})).rejects.toMatchObject(cut);
      await expect(paged.verify({})).rejects.toMatchObject({ code: "ERR_IO" });
    }
    writeFileSync(file, bytes);
    const again = await paged.searchBatch(some, PARAMS, {});
    expect(unread(again)).toEqual(unread(await resident.searchBatch(some, PARAMS, {})));
    expect(Buffer.compare(await paged.toBytes({}), bytes)).toBe(0);
    await paged.close();
  });

  test("files of no bytes, of few, and of more than blocks", async () => {
    const file = join(folder, `short-${access}`);
    for (const length of [0, 1, 5000, statSync(path).size + 1]) {
      writeFileSync(file, readFileSync(path).subarray(0, length));
      if (length > 5000) writeFileSync(file, "x", { flag: "a" });
      await expect(open({ ...SMALL, access }, file)).rejects.toMatchObject({ code: "ERR_CORRUPT" });
    }
    await expect(open({ ...SMALL, access }, folder)).rejects.toMatchObject({ code: "ERR_IO" });
  });
});

test.runIf(process.platform === "linux")("a file system that reads through its cache only", async () => {
  const opening = open({ cacheBytes: 0, resident: "never", access: "direct" }, "/proc/version");
  const message = expect.stringContaining('"pread"');
  await expect(opening).rejects.toMatchObject({
    code: "ERR_UNSUPPORTED",
    message,
    cause: { code: "EINVAL" },
  });
});

test("bad queries", async () => {
  const paged = await open(SMALL);
  const bad = row(0).slice();
  bad[1] = Number.NaN;
  await expect(paged.search(bad, PARAMS)).rejects.toMatchObject({ code: "ERR_NOT_FINITE" });
  const queries = rows.slice(0, 100 * DIMENSIONS);
  queries[61 * DIMENSIONS] = Number.POSITIVE_INFINITY;
  await expect(paged.searchBatch(queries, PARAMS, {})).rejects.toMatchObject({
    code: "ERR_NOT_FINITE",
    row: 61,
  });
  await paged.close();
});

test("aborts end what they are for, and nothing else; then it closes", async () => {
  for (let round = 0; round < 5; round++) {
    const paged = await open({ cacheBytes: 20_000, resident: "never" });
    const controllers = Array.from({ length: 300 }, () => new AbortController());
    const ended = Promise.allSettled(
      controllers.map(({ signal }, i) => paged.search(row(i), PARAMS, i % 3 === 0 ? signal : undefined)),
    );
    const batchAbort = new AbortController();
    const batch = paged.searchBatch(rows, PARAMS, { signal: batchAbort.signal }).catch((error) => error);
    if (round > 0) await new Promise((resolve) => setTimeout(resolve, round));
    for (const controller of controllers) controller.abort("enough");
    batchAbort.abort("enough too");
    for (const [i, one] of (await ended).entries()) {
      if (one.status === "rejected") expect([i % 3, one.reason]).toEqual([0, "enough"]);
      else expect(one.value.ids[0]).toBe(i);
    }
    expect(await batch).toBe("enough too");
    await paged.close();
  }
});

test.each([
  ...["exit", "natural", "terminate", "collect"].map((ending) => [ending, "file"]),
  ...["exit", "terminate"].map((ending) => [ending, "blob"]),
])("an end in the middle of searches: %s, of a %s", async (ending, kind) => {
  const { code, signal, out } = await runProgram("paged", [ending, path, kind], { node: ["--expose-gc"] });
  expect({ code, signal, out }).toEqual({ code: 0, signal: null, out: "searching\n" });
});
