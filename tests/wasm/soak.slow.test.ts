/** What takes minutes: 100,000 lives of an index, and memory up to the last of its 4 GiB. */
import { readFile } from "node:fs/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, describe, expect, it, vi } from "vitest";
import { wasmBackend } from "../../ts/backend/wasm/index.js";
import { generate } from "../support/generate.js";
import { cycles, watchInstances } from "./cycles.js";

const file = new URL("../../dist/diskann.wasm", import.meta.url);
const config = {
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

async function freshBackend() {
  return wasmBackend({ module: await WebAssembly.compile(await readFile(file)) }, () => file);
}

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** What JavaScript holds on to, garbage not counted. */
function heldBytes(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

afterEach(() => vi.restoreAllMocks());

describe("soak", () => {
  it("100,000 cycles of open, search, close: one instance, its memory flat, JavaScript's too", async () => {
    const backend = await freshBackend();
    const index = await backend.create(config);
    const insert = await index.insert("build", undefined);
    await insert.append(generate({ dimensions: 16, rows: 300 }), undefined);
    await insert.run({});
    const bytes = await index.toBytes({});
    const watch = watchInstances();
    await cycles(backend, bytes, 10_000);
    const memory = watch.memoryBytes(0);
    const before = heldBytes();
    await cycles(backend, bytes, 90_000);
    expect(watch.count).toBe(1);
    expect(watch.memoryBytes(0)).toBe(memory);
    const grown = (heldBytes() - before) / 90_000;
    console.log(`what JavaScript holds grew by ${grown.toFixed(1)} bytes a cycle`);
    // One object kept for each cycle would be more.
    expect(grown).toBeLessThan(16);
  });

  it("addresses above 2 GiB work, and the end of the 4 GiB is an error that leaves the index whole", async () => {
    const backend = await freshBackend();
    const dimensions = 65535;
    const index = await backend.create({ ...config, dimensions });
    const slab = generate({ dimensions, rows: 4 });
    const full = await index.insert("add", undefined);
    const fill = async () => {
      for (let rows = 0; ; rows += 4) {
        try {
          await full.append(slab, undefined);
        } catch (error) {
          return { rows, error };
        }
      }
    };
    const { rows, error } = await fill();
    expect(error).toMatchObject({ code: "ERR_NO_MEMORY" });
    expect(rows * dimensions * 4).toBeGreaterThan(3.5 * 2 ** 30);
    await full.discard();
    expect(index.size).toBe(0);

    const high = await index.insert("add", undefined);
    const count = Math.ceil((2.5 * 2 ** 30) / (dimensions * 4) / 4) * 4;
    for (let row = 0; row < count; row += 4) {
      const ids = Float64Array.from({ length: 4 }, (_, i) => (row + i === count - 1 ? 0 : row + i));
      await high.append(slab, ids);
    }
    await expect(high.run({})).rejects.toMatchObject({ code: "ERR_DUPLICATE_ID", row: count - 1 });

    const few = await index.insert("add", undefined);
    await few.append(slab, undefined);
    await few.run({});
    const nearest = await index.search(slab.subarray(0, dimensions), {
      k: 1,
      listSize: 10,
      beamWidth: 1,
      pageSearch: false,
    });
    expect([nearest.ids[0], nearest.distances[0]]).toEqual([0, 0]);
    await index.close();
  });
});
