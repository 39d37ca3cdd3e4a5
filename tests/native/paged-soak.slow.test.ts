/** A hundred thousand searches of a paged index in the addon, of a file and of a `Blob`: it holds what it held, and so does JavaScript. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, expect, it } from "vitest";
import { VectorIndex } from "../../ts/native.js";
import { sample } from "../conformance/model.js";

const DIMENSIONS = 16;
const QUERIES = 400;
setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;
const folder = mkdtempSync(join(tmpdir(), "diskann-soak-"));
afterAll(() => rmSync(folder, { recursive: true }));

function heldBytes(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

it.each(["file", "blob"])("100,000 searches of a %s with a small cache, some aborted", async (kind) => {
  const built = await VectorIndex.build(sample(700, DIMENSIONS), {
    ...{ dimensions: DIMENSIONS, maxDegree: 12, buildListSize: 40, codes: "1bit" },
  });
  const bytes = await built.toBytes();
  await built.close();
  const path = join(folder, "index");
  writeFileSync(path, bytes);
  const source = kind === "file" ? path : new Blob([bytes as Uint8Array<ArrayBuffer>]);
  const index = await VectorIndex.open(source, { mode: "paged", cacheBytes: 60_000 });
  const queries = sample(QUERIES, DIMENSIONS, 1);
  const query = (i: number): Float32Array =>
    queries.subarray((i % QUERIES) * DIMENSIONS, ((i % QUERIES) + 1) * DIMENSIONS);
  const searches = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i += 100) {
      const controller = new AbortController();
      const { signal } = controller;
      const ends = Promise.allSettled(
        Array.from({ length: 100 }, (_, j) =>
          index.search(query(i + j), { k: 5, searchListSize: 20, ...(j % 10 === 0 ? { signal } : {}) }),
        ),
      );
      controller.abort(new Error("enough"));
      await ends;
    }
  };
  await searches(10_000);
  const { total } = index.stats().memory;
  const before = heldBytes();
  await searches(100_000);
  expect(index.stats().memory.total).toBe(total);
  expect((heldBytes() - before) / 100_000).toBeLessThan(16);
  expect(await index.verify()).toEqual({ ok: true, errors: [] });
  await index.close();
});
