/** Builds into a file with little memory beside builds with as much as they want: what searches find, in 100,000 x 128. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { dataset, measure, Native } from "./subjects.js";

const MINUTES = 60_000;
/** What a budget may cost: a point of recall, and twice the time on top. */
const RECALL_LOSS = 0.01;
const TIME_RATIO = 3;
const MIB = 2 ** 20;
const folder = mkdtempSync(join(tmpdir(), "diskann-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("a build of 100,000 image descriptors as floats (49 MiB), with codes", () => {
  test(
    "finds as much with 80, 56 and 48 MiB",
    async () => {
      const { base, queries, truth, metric } = dataset("image");
      const options = { dimensions: base.dimensions, metric, codes: "pq", threads: 2 } as const;
      const values = Float32Array.from(base.values);
      const began = performance.now();
      const whole = await Native.build(values, options);
      const unbounded = performance.now() - began;
      const { recall } = await measure(whole, queries.values, truth, 100);
      await whole.close();
      for (const size of [80, 56, 48]) {
        const path = join(folder, `${size}.diskann`);
        const start = performance.now();
        const index = await Native.build(values, { ...options, path, memoryBytes: size * MIB });
        const ratio = (performance.now() - start) / unbounded;
        const found = await measure(index, queries.values, truth, 100);
        console.log(
          `${size} MiB: recall@10 ${found.recall.toFixed(4)} for ${recall.toFixed(4)}, ${ratio.toFixed(2)} times as long`,
        );
        expect(found.recall).toBeGreaterThanOrEqual(recall - RECALL_LOSS);
        expect(ratio).toBeLessThanOrEqual(TIME_RATIO);
        await index.close();
      }
    },
    20 * MINUTES,
  );
});
