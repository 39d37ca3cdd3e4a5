/** Random sequences of calls against a model: a map from id to vector, and brute force. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Codes, DataType, Metric } from "../../ts/core/types.js";
import { VectorIndex as NativeIndex } from "../../ts/native.js";
import { VectorIndex as WasmIndex } from "../../ts/wasm.js";
import type { Entry, Index } from "../conformance/kit.js";
import { distance, nearest } from "../conformance/model.js";

const RUNS = 60;
/** Small integers: every distance is exact in float32, for every metric but cosine, and every type holds them. */
const component = (dataType: DataType) =>
  dataType === "u8" ? fc.integer({ min: 0, max: 16 }) : fc.integer({ min: -8, max: 8 });

interface State {
  rows: Map<number, number[]>;
  nextId: number;
}

interface Real {
  index: Index;
  readonly entry: Entry;
}

interface Shape {
  readonly dimensions: number;
  readonly metric: Metric;
  readonly dataType: DataType;
  readonly codes: Codes;
}

type Step = fc.AsyncCommand<State, Real>;

function put(state: State, ids: readonly number[], rows: readonly number[][]): void {
  ids.forEach((id, i) => {
    state.rows.set(id, rows[i] as number[]);
    state.nextId = Math.max(state.nextId, id + 1);
  });
}

class Add implements Step {
  constructor(
    readonly rows: number[][],
    readonly own: number[] | undefined,
  ) {}
  check = (): boolean => true;
  async run(state: State, real: Real): Promise<void> {
    const own = this.own?.slice(0, this.rows.length);
    const taken = own?.some((id, i) => state.rows.has(id) || own.indexOf(id) !== i);
    const call = real.index.add(this.rows, own ? { ids: own } : {});
    if (taken) {
      await expect(call).rejects.toMatchObject({ code: "ERR_DUPLICATE_ID" });
      return;
    }
    const expected = own ?? this.rows.map((_, i) => state.nextId + i);
    expect(await call).toEqual(expected);
    put(state, expected, this.rows);
  }
  toString = (): string => `add(${JSON.stringify(this.rows)}, ids ${JSON.stringify(this.own)})`;
}

class Look implements Step {
  constructor(readonly id: number) {}
  check = (): boolean => true;
  async run(state: State, real: Real): Promise<void> {
    const row = state.rows.get(this.id);
    expect(await real.index.has(this.id)).toBe(row !== undefined);
    expect(await real.index.get(this.id)).toEqual(row && Float32Array.from(row));
  }
  toString = (): string => `get(${this.id})`;
}

class Search implements Step {
  constructor(
    readonly query: number[],
    readonly k: number,
    readonly shape: Shape,
  ) {}
  check = (): boolean => true;
  async run(state: State, real: Real): Promise<void> {
    const { metric } = this.shape;
    const truth = nearest(metric, [...state.rows], this.query, this.k);
    const exact = await real.index.searchExact(this.query, { k: this.k });
    expectHits(exact, truth, metric);
    // A list as long as the index sees all of it: the graph is connected, so the answer is the truth.
    const searchListSize = Math.max(this.k, state.rows.size, 1);
    const found = await real.index.search(this.query, { k: this.k, searchListSize });
    expect(found).toEqual(exact);
    const batch = await real.index.searchBatch([this.query, this.query], { k: this.k, searchListSize });
    expect([batch.hits(0), batch.hits(1)]).toEqual([found, found]);
    // A short list may miss some, but never repeats or invents.
    const short = await real.index.search(this.query, { k: this.k, searchListSize: 1 });
    expect(short.length).toBe(truth.length);
    expect(new Set(short.map((hit) => hit.id)).size).toBe(truth.length);
    for (const hit of short) {
      const row = state.rows.get(hit.id) as number[];
      expect(hit.distance).toBeCloseTo(distance(metric, this.query, row), 5);
    }
  }
  toString = (): string => `search(${JSON.stringify(this.query)}, k ${this.k})`;
}

function expectHits(
  hits: readonly { id: number; distance: number }[],
  truth: readonly { id: number; distance: number }[],
  metric: Metric,
): void {
  if (metric !== "cosine") {
    // Adding +0 makes -0 of the model 0, as the core does.
    expect(hits).toEqual(truth.map((hit) => ({ id: hit.id, distance: hit.distance + 0 })));
    return;
  }
  expect(hits.length).toBe(truth.length);
  for (const [i, hit] of hits.entries()) {
    expect(hit.distance).toBeCloseTo((truth[i] as { distance: number }).distance, 5);
  }
}

class Reopen implements Step {
  check = (): boolean => true;
  async run(state: State, real: Real): Promise<void> {
    const bytes = await real.index.toBytes();
    await real.index.close();
    await expect(real.index.search([])).rejects.toBeDefined();
    real.index = await real.entry.open(bytes);
    expect(real.index.size).toBe(state.rows.size);
    expect(Buffer.compare(await real.index.toBytes(), bytes)).toBe(0);
  }
  toString = (): string => "reopen()";
}

class Verify implements Step {
  check = (): boolean => true;
  async run(state: State, real: Real): Promise<void> {
    expect(await real.index.verify()).toEqual({ ok: true, errors: [] });
    const stats = real.index.stats();
    expect(stats.size).toBe(state.rows.size);
    expect(stats.degree.max).toBeLessThanOrEqual(stats.maxDegree);
  }
  toString = (): string => "verify()";
}

/** A build of all that is there instead of the index that grew: every row must be found again. */
class Rebuild implements Step {
  constructor(readonly shape: Shape) {}
  check = (): boolean => true;
  async run(state: State, real: Real): Promise<void> {
    await real.index.close();
    const ids = [...state.rows.keys()];
    real.index = await real.entry.build([...state.rows.values()], { ...options(this.shape), ids });
    expect(real.index.size).toBe(state.rows.size);
    state.nextId = ids.length === 0 ? 0 : Math.max(...ids) + 1;
  }
  toString = (): string => "rebuild()";
}

function options(shape: Shape) {
  return { ...shape, maxDegree: 4, buildListSize: 8 };
}

const shapes: fc.Arbitrary<Shape> = fc
  .record({
    dimensions: fc.integer({ min: 1, max: 5 }),
    metric: fc.constantFrom<Metric>("l2", "cosine", "ip", "l1"),
    dataType: fc.constantFrom<DataType>("f32", "f16", "i8", "u8"),
    codes: fc.constantFrom<Codes>("auto", "1bit", "pq"),
  })
  .map((shape) => (shape.metric === "l1" && shape.codes === "1bit" ? { ...shape, codes: "auto" } : shape));

/** Anything that the type can be asked to hold; halves are rounded. */
const NUMBERS: Readonly<Record<DataType, fc.Arbitrary<number>>> = {
  f32: fc.float({ noNaN: true, min: Math.fround(-1e6), max: Math.fround(1e6) }),
  f16: fc.float({ noNaN: true, min: -65504, max: 65504 }),
  i8: fc.integer({ min: -128, max: 127 }),
  u8: fc.integer({ min: 0, max: 255 }),
};

function commandsOf(shape: Shape) {
  const { dimensions } = shape;
  const row = fc.array(component(shape.dataType), { minLength: dimensions, maxLength: dimensions });
  const id = fc.oneof(fc.integer({ min: 0, max: 40 }), fc.constant(2 ** 40), fc.constant(2 ** 52));
  const ids = fc.array(id, { minLength: 12, maxLength: 12 });
  return fc.commands(
    [
      fc
        .tuple(fc.array(row, { maxLength: 12 }), fc.option(ids, { nil: undefined }))
        .map(([rows, own]) => new Add(rows, own)),
      id.map((one) => new Look(one)),
      fc.tuple(row, fc.integer({ min: 1, max: 60 })).map(([query, k]) => new Search(query, k, shape)),
      fc.constant(new Reopen()),
      fc.constant(new Verify()),
      fc.constant(new Rebuild(shape)),
    ],
    { maxCommands: 30 },
  );
}

const cases = shapes.chain((shape) => commandsOf(shape).map((commands) => ({ shape, commands })));

describe.each([
  ["native", NativeIndex as unknown as Entry],
  ["wasm", WasmIndex as unknown as Entry],
] as const)("random calls, %s", (_name, entry) => {
  test("behave like a map and brute force", async () => {
    const property = fc.asyncProperty(cases, async ({ shape, commands }) => {
      // Codes that are trained begin with a build.
      const first = shape.codes === "pq" ? [new Array<number>(shape.dimensions).fill(1)] : [];
      const made = first.length > 0 ? entry.build(first, options(shape)) : entry.create(options(shape));
      const real: Real = { entry, index: await made };
      const model: State = { rows: new Map(first.entries()), nextId: first.length };
      try {
        await fc.asyncModelRun(() => ({ model, real }), commands);
      } finally {
        await real.index.close();
      }
    });
    await fc.assert(property, { numRuns: 2 * RUNS, seed: 20 });
  });

  test("calls that are not awaited behave as if they were", async () => {
    const rows = fc.array(fc.array(component("f32"), { minLength: 2, maxLength: 2 }), { maxLength: 6 });
    const property = fc.asyncProperty(fc.array(rows, { maxLength: 20 }), async (adds) => {
      const index = await entry.create({ dimensions: 2, maxDegree: 4, buildListSize: 8 });
      const twin = await entry.create({ dimensions: 2, maxDegree: 4, buildListSize: 8 });
      try {
        const calls = adds.flatMap((each) => [index.add(each), index.searchExact([1, -1], { k: 200 })]);
        const results = await Promise.all(calls);
        for (const [i, each] of adds.entries()) {
          expect(results[2 * i]).toEqual(await twin.add(each));
          expect(results[2 * i + 1]).toEqual(await twin.searchExact([1, -1], { k: 200 }));
        }
        expect(Buffer.compare(await index.toBytes(), await twin.toBytes())).toBe(0);
      } finally {
        await Promise.all([index.close(), twin.close()]);
      }
    });
    await fc.assert(property, { numRuns: RUNS, seed: 21 });
  });
});

test("native and wasm answer the same and write the same bytes", async () => {
  const input = shapes.chain((shape) => {
    const row = fc.array(NUMBERS[shape.dataType], {
      minLength: shape.dimensions,
      maxLength: shape.dimensions,
    });
    return fc.record({ shape: fc.constant(shape), rows: fc.array(row, { maxLength: 60 }), query: row });
  });
  const property = fc.asyncProperty(input, async ({ shape, rows, query }) => {
    const [native, wasm] = await Promise.all([
      NativeIndex.build(rows, options(shape)),
      WasmIndex.build(rows, options(shape)),
    ]);
    expect(Buffer.compare(await native.toBytes(), await wasm.toBytes())).toBe(0);
    for (const k of [1, 7]) {
      expect(await native.search(query, { k })).toEqual(await wasm.search(query, { k }));
      expect(await native.searchExact(query, { k })).toEqual(await wasm.searchExact(query, { k }));
    }
    await Promise.all([native.close(), wasm.close()]);
  });
  await fc.assert(property, { numRuns: 2 * RUNS, seed: 22 });
});

describe.each([
  ["native", NativeIndex as unknown as Entry],
  ["wasm", WasmIndex as unknown as Entry],
] as const)("elements, %s", (_name, entry) => {
  test("what comes back is the nearest that the type holds, or the row is refused by its number", async () => {
    const any = fc.oneof(
      fc.float(),
      fc.integer({ min: -300, max: 300 }),
      fc.float({ min: -70000, max: 70000 }),
    );
    const input = fc.record({
      dataType: fc.constantFrom<DataType>("f32", "f16", "i8", "u8"),
      rows: fc.array(fc.array(any, { minLength: 3, maxLength: 3 }), { minLength: 1, maxLength: 6 }),
    });
    const property = fc.asyncProperty(input, async ({ dataType, rows }) => {
      const stored = rows.map((row) => row.map((value) => storedAs(dataType, Math.fround(value))));
      const bad = stored.findIndex((row) => row.includes(undefined) || !isShort(row as number[]));
      const index = await entry.create({ dimensions: 3, dataType });
      try {
        if (bad >= 0) {
          await expect(index.add(rows)).rejects.toMatchObject({ row: bad, added: 0 });
          expect(index.size).toBe(0);
          return;
        }
        await index.add(rows);
        for (const [id, row] of stored.entries()) {
          expect(await index.get(id)).toEqual(Float32Array.from(row as number[]));
        }
      } finally {
        await index.close();
      }
    });
    await fc.assert(property, { numRuns: 5 * RUNS, seed: 23 });
  });
});

function isShort(row: readonly number[]): boolean {
  return row.reduce((sum, value) => sum + value * value, 0) <= (2 - 2 ** -23) * 2 ** 125;
}

/** The element that stands for a float, or undefined where none does. */
function storedAs(dataType: DataType, value: number): number | undefined {
  if (!Number.isFinite(value)) return undefined;
  if (dataType === "f32") return value;
  if (dataType === "f16") return nearestHalf(value);
  const least = dataType === "i8" ? -128 : 0;
  return Number.isInteger(value) && value >= least && value <= least + 255 ? value + 0 : undefined;
}

/** By arithmetic: the step between halves of this size, then to the nearest multiple, ties to even. */
function nearestHalf(value: number): number | undefined {
  const exponent = Math.max(-14, Math.floor(Math.log2(Math.abs(value) || 2 ** -24)));
  const steps = value / 2 ** (exponent - 10);
  const floor = Math.floor(steps);
  const rest = steps - floor;
  const up = rest > 0.5 || (rest === 0.5 && floor % 2 !== 0);
  const half = (up ? floor + 1 : floor) * 2 ** (exponent - 10);
  if (Math.abs(half) >= 65520) return undefined;
  return half === 0 && (value < 0 || Object.is(value, -0)) ? -0 : half;
}
