/**
 * How good the graph is, in counters that no machine and no load changes. The bounds are a promise on the real data;
 * the generated data that stand in for them are made as hard (tests/support/generate.ts), so they have the same bounds.
 */
import { beforeAll, describe, expect, test } from "vitest";
import { typeOptions } from "../golden/recipe.js";
import { type Dataset, loadDataset } from "../support/data.js";
import { dataset, type Index, measure, Native, Wasm, workAt } from "./subjects.js";

const MINUTES = 60_000;

describe("a graph with R 32, L 75, alpha 1.2 over 100,000 image descriptors", () => {
  let data: Dataset;
  let index: Index;
  beforeAll(async () => {
    data = dataset("image");
    const shape = { dimensions: 128, maxDegree: 32, buildListSize: 75, alpha: 1.2 };
    index = await Native.build(data.base.values, shape);
  }, 8 * MINUTES);

  test.each([
    [0.978, 900],
    [0.995, 1470],
  ])(
    "at recall@10 %d computes at most %d distances a query",
    async (recall, most) => {
      const found = await workAt(index, data.queries.values, data.truth, recall, "distances");
      console.log(`distance computations at recall@10 ${recall}: ${found.toFixed(1)}`);
      expect(found).toBeLessThanOrEqual(most);
    },
    MINUTES,
  );

  test("holds little more than the vectors, the graph and the codes", () => {
    const { memory } = index.stats();
    expect(memory.vectors).toBe(100_000 * 128 * 4);
    expect(memory.graph).toBe(100_000 * 32 * 4);
    expect((memory.total - memory.codes) / (memory.vectors + memory.graph)).toBeLessThanOrEqual(1.15);
    expect(memory.codes / (100_000 * (128 + 32))).toBeGreaterThanOrEqual(1);
    expect(memory.codes / (100_000 * (128 + 32))).toBeLessThanOrEqual(1.02);
    expect(memory.total).toBeGreaterThanOrEqual(memory.records + memory.codes + memory.ids);
  });
});

describe.each([
  { name: "image", bound: 0.995, small: "u8", what: "100,000 image descriptors" },
  { name: "text", bound: 0.985, small: "f16", what: "25,000 text embeddings" },
] as const)("a default graph over $what", ({ name, bound, small }) => {
  let data: Dataset;
  let index: Index;
  beforeAll(async () => {
    data = dataset(name);
    const { metric, base } = data;
    index = await Native.build(base.values, { dimensions: base.dimensions, metric });
  }, 8 * MINUTES);

  test(
    `finds at least ${bound} of the 10 nearest with search list size 100; WASM finds the same, to the bit`,
    async () => {
      const { recall, distances, batch } = await measure(index, data.queries.values, data.truth, 100);
      console.log(`recall@10 ${recall.toFixed(4)}, ${distances.toFixed(1)} distance computations`);
      expect(recall).toBeGreaterThanOrEqual(bound);

      const other = await Wasm.open(await index.toBytes());
      const same = await measure(other, data.queries.values, data.truth, 100);
      expect(same.batch.ids).toEqual(batch.ids);
      expect(new Uint32Array(same.batch.distances.buffer)).toEqual(new Uint32Array(batch.distances.buffer));
      expect(same.distances).toBe(distances);
      await other.close();
    },
    2 * MINUTES,
  );

  test(
    `stored as ${small} finds as much at the same search list sizes; WASM finds the same, to the bit`,
    async () => {
      const { metric, base, queries, truth } = data;
      const options = { dimensions: base.dimensions, metric, dataType: small };
      const typed = await Native.build(base.values, options);
      const other = await Wasm.open(await typed.toBytes());
      for (const listSize of [30, 100]) {
        const floats = await measure(index, queries.values, truth, listSize);
        const found = await measure(typed, queries.values, truth, listSize);
        console.log(`L ${listSize}: ${small} ${found.recall.toFixed(4)}, f32 ${floats.recall.toFixed(4)}`);
        expect(Math.abs(found.recall - floats.recall)).toBeLessThanOrEqual(0.002);
        const same = await measure(other, queries.values, truth, listSize);
        expect(same.batch.ids).toEqual(found.batch.ids);
        expect(same.batch.distances).toEqual(found.batch.distances);
      }
      expect(await typed.verify()).toEqual({ ok: true, errors: [] });
      await Promise.all([typed.close(), other.close()]);
    },
    8 * MINUTES,
  );

  test(
    "quantised to i8 finds nearly as many of the true neighbours of what was given, in less memory",
    async () => {
      const { metric, base, queries, truth } = data;
      const small = await Native.build(base.values, { dimensions: base.dimensions, metric, quantize: "i8" });
      const { memory, quantization } = small.stats();
      console.log(`relative error ${quantization?.relativeError.toFixed(5)}`);
      for (const listSize of [30, 100]) {
        const floats = await measure(index, queries.values, truth, listSize);
        const found = await measure(small, queries.values, truth, listSize);
        console.log(`L ${listSize}: i8 ${found.recall.toFixed(4)}, f32 ${floats.recall.toFixed(4)}`);
        expect(floats.recall - found.recall).toBeLessThanOrEqual(0.01);
      }
      expect(quantization?.relativeError).toBeLessThanOrEqual(0.01);
      expect(memory.total / index.stats().memory.total).toBeLessThanOrEqual(0.4);
      expect(await small.verify()).toEqual({ ok: true, errors: [] });
      await small.close();
    },
    8 * MINUTES,
  );

  test(
    "is sound",
    async () => {
      expect(await index.verify()).toEqual({ ok: true, errors: [] });
    },
    MINUTES,
  );
});

/** A search along codes reads about as many records as its list holds, and takes its hits from those. */
describe.each([
  { name: "image", what: "100,000 image descriptors", least: 0.985, at: [47, 88] },
  { name: "text", what: "25,000 text embeddings", least: 0.985, at: [31, 73] },
] as const)("a graph with 1-bit codes over $what", ({ name, least, at }) => {
  let data: Dataset;
  let index: Index;
  beforeAll(async () => {
    data = dataset(name);
    const { metric, base } = data;
    index = await Native.build(base.values, { dimensions: base.dimensions, metric, codes: "1bit" });
  }, 8 * MINUTES);

  test(`finds at least ${least} of the 10 nearest with search list size 100`, async () => {
    const { recall, distances, hops } = await measure(index, data.queries.values, data.truth, 100);
    console.log(`recall@10 ${recall.toFixed(4)}, ${hops.toFixed(1)} records read`);
    expect(recall).toBeGreaterThanOrEqual(least);
    expect(distances).toBe(hops);
  });

  test.each([
    [0.95, at[0]],
    [0.99, at[1]],
  ])(
    "at recall@10 %d reads at most %d records a query",
    async (recall, most) => {
      const found = await workAt(index, data.queries.values, data.truth, recall, "hops");
      console.log(`records read at recall@10 ${recall}: ${found.toFixed(1)}`);
      expect(found).toBeLessThanOrEqual(most);
    },
    MINUTES,
  );

  test(
    "answers the same in WASM, to the bit, and is sound",
    async () => {
      const other = await Wasm.open(await index.toBytes(), { mode: "resident" });
      const here = await measure(index, data.queries.values, data.truth, 50);
      const there = await measure(other, data.queries.values, data.truth, 50);
      expect(there.batch.ids).toEqual(here.batch.ids);
      expect(there.batch.distances).toEqual(here.batch.distances);
      expect(there.hops).toBe(here.hops);
      expect(await other.verify()).toEqual({ ok: true, errors: [] });
      await other.close();
    },
    2 * MINUTES,
  );
});

describe("one build", () => {
  test.each([
    { name: "image", metric: "l2", dataType: "f32", codes: "auto" },
    { name: "text", metric: "cosine", dataType: "f32", codes: "auto" },
    { name: "text", metric: "ip", dataType: "f32", codes: "auto" },
    { name: "image", metric: "l1", dataType: "f32", codes: "auto" },
    { name: "text", metric: "cosine", dataType: "f16", codes: "auto" },
    { name: "text", metric: "ip", dataType: "f16", codes: "auto" },
    { name: "image", metric: "l2", dataType: "u8", codes: "auto" },
    { name: "image", metric: "cosine", dataType: "u8", codes: "auto" },
    { name: "image", metric: "l1", dataType: "i8", codes: "auto" },
    { name: "image", metric: "l2", dataType: "u8", codes: "1bit" },
    { name: "text", metric: "cosine", dataType: "f32", codes: "1bit" },
    { name: "text", metric: "ip", dataType: "f16", codes: "1bit" },
    { name: "image", metric: "l2", dataType: "sq8", codes: "auto" },
    { name: "text", metric: "cosine", dataType: "sq8", codes: "auto" },
  ] as const)(
    "has the same bytes natively and in WASM, whatever the threads: $name, $metric, $dataType, codes $codes",
    async ({ name, metric, dataType, codes }) => {
      const data = loadDataset(name, { rows: 4000, queries: 1, truth: false, notice: () => {} });
      const rows = dataType === "i8" ? data.base.values.map((value) => value - 128) : data.base.values;
      const shape = { dimensions: data.base.dimensions, metric, codes, ...typeOptions(dataType) };
      const builds = [
        Native.build(rows, { ...shape, threads: 1 }),
        Native.build(rows, { ...shape, threads: 3 }),
        Wasm.build(rows, shape),
      ];
      const [one, three, wasm] = await Promise.all(builds.map(async (build) => (await build).toBytes()));
      expect(Buffer.compare(one as Uint8Array, three as Uint8Array)).toBe(0);
      expect(Buffer.compare(one as Uint8Array, wasm as Uint8Array)).toBe(0);
    },
    2 * MINUTES,
  );
});
