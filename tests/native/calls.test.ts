/** Calls of the native backend beside, before and after each other. The API above it is tested in tests/conformance. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Backend, BackendIndex, CoreConfig, CoreSearch } from "../../ts/backend/backend.js";
import { nativeBackend } from "../../ts/backend/native/index.js";
import { nextTask } from "../../ts/core/task.js";
import type { ProgressEvent } from "../../ts/core/types.js";
import { someRows } from "./programs/rows.js";

const DIMENSIONS = 24;
const CONFIG: CoreConfig = {
  dimensions: DIMENSIONS,
  metric: 0,
  dataType: 0,
  maxDegree: 16,
  buildListSize: 40,
  alpha: 1.2,
  seed: 0,
  codes: 2,
  codeBytes: 0,
  pageBytes: 0,
};
const PARAMS: CoreSearch = { k: 5, listSize: 40, beamWidth: 1, pageSearch: false };
const rows = someRows(4000, DIMENSIONS);
const row = (i: number): Float32Array => rows.subarray(i * DIMENSIONS, (i + 1) * DIMENSIONS);

let backend: Backend;
let index: BackendIndex;
let folder: string;

async function fill(
  target: BackendIndex,
  kind: "build" | "add",
  count: number,
  threads?: number,
): Promise<void> {
  const insert = await target.insert(kind, threads);
  await insert.append(rows.subarray(0, count * DIMENSIONS), undefined);
  await insert.run({ threads });
}

beforeAll(async () => {
  backend = await nativeBackend({});
  index = await backend.create(CONFIG);
  await fill(index, "build", 2000);
  folder = mkdtempSync(join(tmpdir(), "diskann-calls-"));
});

afterAll(async () => {
  await index.close();
  rmSync(folder, { recursive: true });
});

test("a thousand searches at once, each gets its own answer", async () => {
  const answers = await Promise.all(
    Array.from({ length: 1000 }, (_, i) => index.search(row(i), { ...PARAMS, k: 1 + (i % 7) })),
  );
  answers.forEach(({ ids, distances, hops }, i) => {
    expect([ids.length, ids[0], distances.length, distances[0]]).toEqual([1 + (i % 7), i, 1 + (i % 7), 0]);
    expect(hops).toBeGreaterThan(0);
  });
});

test("answers larger than the shared buffer", async () => {
  const k = 30_000;
  const { ids, distances } = await index.search(row(3), { ...PARAMS, k, listSize: k });
  expect(ids.length).toBe(k);
  expect(ids[0]).toBe(3);
  expect(new Set(ids.subarray(0, 2000)).size).toBe(2000);
  expect(ids[2000]).toBeNaN();
  expect(distances[k - 1]).toBe(Number.POSITIVE_INFINITY);
});

test("the synchronous search answers the same", async () => {
  const ids = new Float64Array(PARAMS.k);
  const distances = new Float32Array(PARAMS.k);
  const native = index as BackendIndex & {
    searchSync(q: Float32Array, p: CoreSearch, ids: Float64Array, distances: Float32Array): number;
  };
  expect(native.searchSync(row(9), PARAMS, ids, distances)).toBe(PARAMS.k);
  const hits = await index.search(row(9), PARAMS);
  expect(ids).toEqual(hits.ids);
  expect(distances).toEqual(hits.distances);
});

test("a query may be overwritten as soon as search has returned", async () => {
  const query = row(5).slice();
  const answer = index.search(query, PARAMS);
  query.fill(Number.NaN);
  expect((await answer).ids[0]).toBe(5);
});

test("queued searches are aborted, the others are answered", async () => {
  const warnings: string[] = [];
  const onWarning = (warning: Error): void => void warnings.push(warning.message);
  process.on("warning", onWarning);
  const controller = new AbortController();
  const calls = Array.from({ length: 400 }, (_, i) =>
    index.search(row(i), PARAMS, i % 2 === 1 ? controller.signal : undefined),
  );
  controller.abort(new Error("enough"));
  const settled = await Promise.allSettled(calls);
  settled.forEach((call, i) => {
    if (i % 2 === 0) expect(call).toMatchObject({ status: "fulfilled" });
    else expect(call).toMatchObject({ status: "rejected", reason: controller.signal.reason });
  });
  await nextTask();
  process.off("warning", onWarning);
  expect(warnings).toEqual([]);
});

test("long calls and searches of several indexes overlap", async () => {
  const other = await backend.create(CONFIG);
  const building = fill(other, "build", 4000);
  const [exact, report, batch, bytes, ...hits] = await Promise.all([
    index.searchExact(row(8), 3, {}),
    index.verify({}),
    index.searchBatch(rows.subarray(0, 300 * DIMENSIONS), PARAMS, {}),
    index.toBytes({}),
    ...Array.from({ length: 50 }, (_, i) => index.search(row(i), PARAMS)),
  ]);
  expect(exact.ids[0]).toBe(8);
  expect(report).toEqual({ ok: true, errors: [] });
  expect(Array.from({ length: 300 }, (_, i) => batch.ids[i * PARAMS.k])).toEqual([...Array(300).keys()]);
  expect(hits.map(({ ids }) => ids[0])).toEqual([...Array(50).keys()]);
  await building;
  expect(other.size).toBe(4000);
  const opened = await backend.open({ kind: "bytes", bytes }, {});
  expect(await opened.toBytes({})).toEqual(bytes);
  await Promise.all([other.close(), opened.close()]);
});

test("a build aborted half way leaves nothing, an add leaves whole batches and says so", async () => {
  for (const kind of ["build", "add"] as const) {
    const target = await backend.create(CONFIG);
    const insert = await target.insert(kind, undefined);
    await insert.append(rows, undefined);
    const controller = new AbortController();
    const reason = new Error("stop");
    const onProgress = ({ phase, done }: ProgressEvent): void => {
      if (phase === "link" && done > 0) controller.abort(reason);
    };
    const error: unknown = await insert
      .run({ signal: controller.signal, onProgress })
      .catch((caught) => caught);
    expect(error).toBe(reason);
    expect((error as { added?: number }).added).toBe(target.size);
    expect(target.size).toBeLessThan(4000);
    if (kind === "build") expect(target.size).toBe(0);
    else expect(target.size).toBeGreaterThan(0);
    expect((await target.verify({})).ok).toBe(true);
    await target.close();
  }
});

test("a discarded insertion changes nothing", async () => {
  const target = await backend.create(CONFIG);
  await fill(target, "build", 100);
  const before = await target.toBytes({});
  const insert = await target.insert("add", undefined);
  await insert.append(rows, undefined);
  await insert.discard();
  await insert.discard();
  expect(await target.toBytes({})).toEqual(before);
  await target.close();
});

test("progress: in order, ends at its total, before the promise settles", async () => {
  const target = await backend.create(CONFIG);
  const insert = await target.insert("build", undefined);
  await insert.append(rows, undefined);
  const events: ProgressEvent[] = [];
  await insert.run({ onProgress: (event) => events.push(event) });
  // Only the latest state is told when the thread was busy: a short phase may be passed over.
  const phases = ["validate", "link", "order"].filter((phase) =>
    events.some((event) => event.phase === phase),
  );
  expect(phases).toContain("link");
  expect(events.map(({ phase }) => phases.indexOf(phase))).toEqual(
    events.map(({ phase }) => phases.indexOf(phase)).sort((a, b) => a - b),
  );
  const last = events.at(-1);
  expect(last?.done).toBe(last?.total);
  expect(events.length).toBeLessThan(200);
  await target.close();
});

test("a callback that throws ends the call with its error, and nothing else", async () => {
  const bad = new Error("bad callback");
  const onProgress = (): void => {
    throw bad;
  };
  await expect(index.verify({ onProgress })).rejects.toBe(bad);
  await expect(index.save({ kind: "path", path: join(folder, "bad") }, { onProgress })).rejects.toBe(bad);
  expect(readdirSync(folder)).toEqual([]);
  expect((await index.search(row(1), PARAMS)).ids[0]).toBe(1);
});

test("a file is replaced whole, or not at all", async () => {
  const path = join(folder, "index");
  writeFileSync(path, "what was there");
  const controller = new AbortController();
  const reason = new Error("no, wait");
  const onProgress = (): void => controller.abort(reason);
  const save = index.save({ kind: "path", path }, { signal: controller.signal, onProgress });
  const error = await save.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  // It may have been done before it heard of the abort.
  if (error === undefined) expect(new Uint8Array(readFileSync(path))).toEqual(await index.toBytes({}));
  else expect([error, readFileSync(path, "utf8")]).toEqual([reason, "what was there"]);
  expect(readdirSync(folder)).toEqual(["index"]);
  await index.save({ kind: "path", path }, {});
  expect(new Uint8Array(readFileSync(path))).toEqual(await index.toBytes({}));
  expect(readdirSync(folder)).toEqual(["index"]);
  rmSync(path);
});

test("file errors say which file and why, and carry the system's error", async () => {
  const path = join(folder, "absent", "index");
  const open = await backend.open({ kind: "path", path }, {}).catch((error: unknown) => error);
  expect(open).toMatchObject({
    code: "ERR_IO",
    message: `cannot open '${path}': no such file or directory`,
    cause: { code: "ENOENT" },
  });
  const save = await index.save({ kind: "path", path }, {}).catch((error: unknown) => error);
  expect(save).toMatchObject({ code: "ERR_IO", cause: { code: "ENOENT" } });
  expect((save as Error).message).toContain(path);
});

test("bytes that go away while they are read are an error, not a crash", async () => {
  const big = await backend.create({ ...CONFIG, maxDegree: 128 });
  await fill(big, "add", 4000);
  const bytes = (await big.toBytes({})).slice();
  const opening = backend.open({ kind: "bytes", bytes }, {});
  await nextTask();
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
  await expect(opening).rejects.toMatchObject({ code: "ERR_IO" });
  await big.close();
});

test("close is idempotent", async () => {
  const target = await backend.create(CONFIG);
  const closing = target.close();
  await Promise.all([closing, target.close()]);
  await target.close();
});
