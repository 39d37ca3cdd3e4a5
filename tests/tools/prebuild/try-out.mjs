/*
 * Tries an addon in the Node it is for: node try-out.mjs <path of the addon>
 * Where the bundle is built: builds, adds, searches, saves and opens, searches a file where it lies by every way to read one, and
 * builds one within a budget of memory; the bytes and the answers must be those of WebAssembly, or of memory.
 */
import { strict as assert } from "node:assert";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const DIMENSIONS = 24;
const nativeBinding = resolve(process.argv[2]);

/** A fixed sequence of numbers in [-1, 1). */
function* numbers() {
  for (let state = 1; ; state = (Math.imul(state, 1664525) + 1013904223) >>> 0) yield state / 2 ** 31 - 1;
}

const source = numbers();
const rows = (count) => Float32Array.from({ length: count * DIMENSIONS }, () => source.next().value);
const [base, more, queries] = [rows(600), rows(40), rows(20)];

async function make(VectorIndex, extra) {
  const index = await VectorIndex.build(base, {
    dimensions: DIMENSIONS,
    metric: "cosine",
    threads: 2,
    ...extra,
  });
  await index.add(more);
  const answers = await index.searchBatch(queries, { k: 7 });
  return { index, bytes: await index.toBytes(), ids: [...answers.ids], distances: [...answers.distances] };
}

async function compare() {
  const { VectorIndex: Native } = await import("../../../dist/native.js");
  const { VectorIndex: Wasm } = await import("../../../dist/wasm.js");
  const native = await make(Native, { nativeBinding });
  const wasm = await make(Wasm, {});
  assert.deepEqual(native.ids, wasm.ids);
  assert.deepEqual(native.distances, wasm.distances);
  assert.ok(
    Buffer.from(native.bytes).equals(Buffer.from(wasm.bytes)),
    "native and WebAssembly make other bytes",
  );
  const folder = mkdtempSync(join(tmpdir(), "diskann-try-"));
  try {
    const simd = await saveAndOpen(native, Native, join(folder, "index"));
    for (const codes of ["1bit", "pq"]) await searchInFile(Native, codes, join(folder, codes));
    return `${simd}: as WebAssembly`;
  } finally {
    await Promise.all([native.index.close(), wasm.index.close()]);
    rmSync(folder, { recursive: true, force: true });
  }
}

async function saveAndOpen(native, Native, path) {
  await native.index.save(path);
  assert.ok(readFileSync(path).equals(Buffer.from(native.bytes)), "the saved file is not toBytes()");
  const opened = await Native.open(path, { nativeBinding });
  assert.equal((await opened.verify()).ok, true);
  assert.equal(opened.size, 640);
  const { simd } = opened.stats();
  await opened.close();
  return simd;
}

/** Twice over: what is there is replaced. */
async function searchInFile(Native, codes, path) {
  const shape = { dimensions: DIMENSIONS, codes, nativeBinding };
  const search = { k: 7, beamWidth: 4, pageSearch: true };
  const built = await Native.build(base, shape);
  for (let round = 0; round < 2; round++) await built.save(path);
  const expected = await built.searchBatch(queries, search);
  await built.close();
  for (const fileAccess of ["pread", "mmap", "direct"]) {
    const opened = await Native.open(path, { mode: "paged", fileAccess, cacheBytes: 65536, nativeBinding });
    const found = await opened.searchBatch(queries, search);
    assert.deepEqual([found.ids, found.distances], [expected.ids, expected.distances], fileAccess);
    await opened.close();
  }
  const within = await Native.build(base, { ...shape, path: `${path}-budget`, memoryBytes: 64 * 2 ** 20 });
  assert.equal((await within.verify()).ok, true);
  assert.deepEqual((await within.searchBatch(queries, search)).ids, expected.ids);
  await within.close();
}

/* Where only the addon was built there is no bundle to drive it with. */
function loadOnly() {
  const addon = createRequire(import.meta.url)(nativeBinding);
  assert.equal(typeof addon.connect, "function");
  return `kernels ${addon.simdBest()}: loads, no bundle to compare with`;
}

const bundled = ["native.js", "wasm.js"].every((name) =>
  existsSync(new URL(`../../../dist/${name}`, import.meta.url)),
);
const result = bundled ? await compare() : loadOnly();
console.log(`tried out: node ${process.versions.node}, ${process.platform}-${process.arch}, ${result}`);
