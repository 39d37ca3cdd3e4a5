/** Random vectors, quantised: what comes out is what plain arithmetic makes of them, to the bit, natively and in WASM. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Metric } from "../../ts/core/types.js";
import { VectorIndex as NativeIndex } from "../../ts/native.js";
import { VectorIndex as WasmIndex } from "../../ts/wasm.js";
import { quantized } from "../conformance/model.js";

const METRICS: readonly Metric[] = ["l2", "cosine", "ip", "l1"];

/** Ordinary numbers, tiny ones, and some far from zero; their squares fit a float. */
const component = fc.oneof(
  fc.float({ min: -100, max: 100, noNaN: true }),
  fc.float({ min: Math.fround(-1e-30), max: Math.fround(1e-30), noNaN: true }),
  fc.integer({ min: -2, max: 2 }).map((x) => x * 2 ** 30),
);

const rowsOf = (dimensions: number) =>
  fc.array(fc.array(component, { minLength: dimensions, maxLength: dimensions }), {
    minLength: 1,
    maxLength: 12,
  });

const problem = fc.record({
  rows: fc.integer({ min: 1, max: 40 }).chain(rowsOf),
  metric: fc.constantFrom(...METRICS),
});

test("get returns what arithmetic says, distances are those of floats, both backends have the same bytes", async () => {
  await fc.assert(
    fc.asyncProperty(problem, async ({ rows, metric }) => {
      const dimensions = (rows[0] as number[]).length;
      const kept = rows.map(quantized);
      const options = { dimensions, metric, quantize: "i8" } as const;
      const native = await NativeIndex.build(rows, options);
      const wasm = await WasmIndex.build(rows, options);
      const floats = await NativeIndex.build(kept, { dimensions, metric });
      const query = Float32Array.from(rows[rows.length - 1] as number[]);
      for (const index of [native, wasm]) {
        for (const [id, row] of kept.entries()) expect(await index.get(id)).toEqual(row);
        expect(await index.searchExact(query)).toEqual(await floats.searchExact(query));
        expect(await index.search(query)).toEqual(await floats.searchExact(query));
      }
      expect(Buffer.compare(await native.toBytes(), await wasm.toBytes())).toBe(0);
      expect(native.stats().quantization).toEqual(wasm.stats().quantization);
      await Promise.all([native.close(), wasm.close(), floats.close()]);
    }),
    { numRuns: 60 },
  );
});
