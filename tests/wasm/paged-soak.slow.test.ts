/** A hundred thousand searches of a paged index: the instance and JavaScript hold what they held. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, expect, it, vi } from "vitest";
import { bytesStore } from "../../ts/storage/memory.js";
import { watchInstances } from "./cycles.js";
import { built, freshModule, openHeld, PARAMS, query } from "./paged-kit.js";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

function heldBytes(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

afterEach(() => vi.restoreAllMocks());

it("100,000 searches with a small cache, some aborted: one instance, its memory flat, JavaScript's too", async () => {
  const { bytes } = await built(await freshModule());
  const fresh = await freshModule();
  const watch = watchInstances();
  const { readSync: _, ...later } = bytesStore(bytes);
  const index = await openHeld(
    fresh,
    { ...later, capabilities: { ...later.capabilities, concurrency: 4 } },
    60_000,
  );
  const searches = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i += 100) {
      const controller = new AbortController();
      const ends = Promise.allSettled(
        Array.from({ length: 100 }, (_, j) =>
          index.search(query((i + j) % 400), PARAMS, j % 10 === 0 ? controller.signal : undefined),
        ),
      );
      controller.abort(new Error("enough"));
      await ends;
    }
  };
  await searches(10_000);
  const memory = watch.memoryBytes(0);
  const before = heldBytes();
  await searches(100_000);
  expect(watch.count).toBe(1);
  expect(watch.memoryBytes(0)).toBe(memory);
  expect((heldBytes() - before) / 100_000).toBeLessThan(16);
  await index.close();
});
