/** Instances: pooled when small, dropped when large or broken, and nothing leaks. */
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Backend, CoreConfig } from "../../ts/backend/backend.js";
import { Core } from "../../ts/backend/wasm/core.js";
import { wasmBackend } from "../../ts/backend/wasm/index.js";
import { DiskAnnError } from "../../ts/core/errors.js";
import { generate } from "../support/generate.js";
import { cycles, watchInstances } from "./cycles.js";

const file = new URL("../../dist/diskann.wasm", import.meta.url);
const config: CoreConfig = {
  dimensions: 16,
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
const search = { k: 5, listSize: 30, beamWidth: 1, pageSearch: false };

/** A backend whose instances nobody else has: the pool belongs to the compiled module. */
async function freshBackend(): Promise<Backend> {
  const { readFile } = await import("node:fs/promises");
  return wasmBackend({ module: await WebAssembly.compile(await readFile(file)) }, () => file);
}

async function indexOf(backend: Backend, rows: number) {
  const index = await backend.create(config);
  const insert = await index.insert("build", undefined);
  await insert.append(generate({ dimensions: config.dimensions, rows }), undefined);
  await insert.run({});
  return index;
}

afterEach(() => vi.restoreAllMocks());

describe("instances", () => {
  it("are used again by later indexes, whose answers do not depend on it", async () => {
    const backend = await freshBackend();
    const watch = watchInstances();
    const answers: string[] = [];
    for (let i = 0; i < 6; i++) {
      const index = await indexOf(backend, 500);
      const { ids, distances } = await index.search(generate({ dimensions: 16, rows: 1, stream: 1 }), search);
      answers.push(`${ids} ${distances}`);
      await index.close();
    }
    expect(new Set(answers).size).toBe(1);
    expect(watch.count).toBe(1);
  });

  it("are one for each open index", async () => {
    const backend = await freshBackend();
    const watch = watchInstances();
    const open = await Promise.all(Array.from({ length: 7 }, () => backend.create(config)));
    expect(watch.count).toBe(7);
    for (const index of open) await index.close();
    await Promise.all(Array.from({ length: 4 }, () => backend.create(config)));
    expect(watch.count).toBe(7);
    await backend.create(config);
    expect(watch.count).toBe(8);
  });

  it("are dropped when their memory has grown large", async () => {
    const backend = await freshBackend();
    const watch = watchInstances();
    const large = await backend.create({ ...config, dimensions: 8192 });
    const insert = await large.insert("add", undefined);
    await insert.append(new Float32Array(8192 * 600), undefined);
    await insert.discard();
    expect(watch.memoryBytes(0)).toBeGreaterThan(16 * 2 ** 20);
    await large.close();
    await (await backend.create(config)).close();
    expect(watch.count).toBe(2);
  });

  it("keep no byte of an index that was closed: 2,000 cycles of open, search, close need no more memory than two", async () => {
    const backend = await freshBackend();
    const index = await indexOf(backend, 300);
    const bytes = await index.toBytes({});
    const watch = watchInstances();
    await cycles(backend, bytes, 2);
    const before = watch.memoryBytes(0);
    await cycles(backend, bytes, 2000);
    expect(watch.count).toBe(1);
    expect(watch.memoryBytes(0)).toBe(before);
  });

  it("keep no byte of an insertion that was given up, or of a call that failed", async () => {
    const backend = await freshBackend();
    const watch = watchInstances();
    const index = await backend.create(config);
    const rows = generate({ dimensions: 16, rows: 200 });
    const damaged = new Uint8Array(20_000);
    const round = async () => {
      const given = await index.insert("add", undefined);
      await given.append(rows, undefined);
      await given.discard();
      const refused = await index.insert("add", undefined);
      await refused.append(
        rows,
        Float64Array.from({ length: 200 }, () => 7),
      );
      await expect(refused.run({})).rejects.toMatchObject({ code: "ERR_DUPLICATE_ID" });
      await expect(backend.open({ kind: "bytes", bytes: damaged }, {})).rejects.toMatchObject({
        code: "ERR_CORRUPT",
      });
      const signal = AbortSignal.abort("enough");
      await expect(index.searchExact(rows.subarray(0, 16), 3, { signal })).rejects.toBe("enough");
    };
    for (let i = 0; i < 3; i++) await round();
    const before = [watch.memoryBytes(0), watch.memoryBytes(1)];
    for (let i = 0; i < 300; i++) await round();
    expect([watch.memoryBytes(0), watch.memoryBytes(1)]).toEqual(before);
    expect(watch.count).toBe(2);
    expect(index.size).toBe(0);
    await index.close();
  });
});

describe("a trap", () => {
  it("ends the instance: this call and all later ones reject, nothing hangs, close works, others live on", async () => {
    const backend = await freshBackend();
    const other = await indexOf(backend, 300);
    const watch = watchInstances();
    const index = await indexOf(backend, 300);
    const query = generate({ dimensions: 16, rows: 1 });
    // An address outside the memory stands for a defect of the core.
    watch.breakNext(0);
    await expect(index.search(query, search)).rejects.toMatchObject({ code: "ERR_CORRUPT" });
    await expect(index.search(query, search)).rejects.toMatchObject({ code: "ERR_CORRUPT" });
    await expect(index.has(1, {})).rejects.toMatchObject({ code: "ERR_CORRUPT" });
    await expect(index.toBytes({})).rejects.toMatchObject({ code: "ERR_CORRUPT" });
    await index.close();
    const next = await backend.create(config);
    expect(watch.count).toBe(2);
    expect((await other.search(query, search)).ids[0]).toBe(0);
    await next.close();
    await other.close();
  });

  it("is told with its cause", async () => {
    const { instance } = await WebAssembly.instantiate(
      await (await import("node:fs/promises")).readFile(file),
      {
        env: { emscripten_notify_memory_growth: () => {} },
      },
    );
    const core = new Core(instance);
    const trap = new WebAssembly.RuntimeError("unreachable");
    const fail = () =>
      core.run(() => {
        throw trap;
      });
    expect(fail).toThrow(DiskAnnError);
    expect(fail).toThrow(expect.objectContaining({ cause: trap }));
    expect(core.whole).toBe(false);
    expect(() => core.allocate(8)).toThrow(DiskAnnError);
  });
});

describe("memory", () => {
  it("that 32 bits cannot address is refused before anything is allocated", async () => {
    const backend = await freshBackend();
    const watch = watchInstances();
    const size = 2 ** 32 + 4096;
    const blob = { size, slice: () => blob, arrayBuffer: () => Promise.reject(new Error("not to be read")) };
    await expect(backend.open({ kind: "blob", blob }, {})).rejects.toMatchObject({ code: "ERR_NO_MEMORY" });
    expect(watch.count).toBe(0);
  });
});
