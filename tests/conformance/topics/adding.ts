/** What goes in: sources of every shape, ids, refusals that change nothing. */
import type { Vector } from "../../../ts/core/types.js";
import { equal, type Index, ids, ok, rejects, type Subject, settle, type Test, withIndex } from "../kit.js";
import { sampleOf } from "../model.js";

const FLAT = Float32Array.of(1, 2, 3, 4, 5, 6);
const ROWS = [
  [1, 2],
  [3, 4],
  [5, 6],
];

async function* slowly(rows: Iterable<Vector>): AsyncGenerator<Vector> {
  for (const row of rows) {
    await new Promise((resolve) => setTimeout(resolve, 0));
    yield row;
  }
}

/** Every way to give the same three rows. */
const SOURCES: readonly (readonly [string, () => Parameters<Index["add"]>[0]])[] = [
  ["a Float32Array", () => FLAT],
  ["a Float32Array view", () => Float32Array.of(9, 9, 9, ...FLAT, 9).subarray(3, 9)],
  ["a Float32Array on shared memory", () => sharedCopy(FLAT)],
  ["an Int8Array", () => Int8Array.from(FLAT)],
  ["an Int8Array view", () => Int8Array.of(9, ...FLAT).subarray(1)],
  ["a Uint8Array", () => Uint8Array.from(FLAT)],
  ["arrays of numbers", () => ROWS],
  ["frozen arrays", () => Object.freeze(ROWS.map((row) => Object.freeze([...row])))],
  ["Float32Arrays", () => ROWS.map((row) => Float32Array.from(row))],
  ["mixed vectors", () => [[1, 2], Int8Array.of(3, 4), Uint8Array.of(0, 5, 6).subarray(1)]],
  ["a Set", () => new Set(ROWS)],
  ["a generator", () => ROWS[Symbol.iterator]()],
  ["an async generator", () => slowly(ROWS)],
];

function sharedCopy(values: Float32Array): Float32Array {
  if (typeof SharedArrayBuffer === "undefined") return values.slice();
  const copy = new Float32Array(new SharedArrayBuffer(values.byteLength));
  copy.set(values);
  return copy;
}

type Bad = readonly [string, unknown, string, RegExp];
const NAN = Number.NaN;
const BAD_SOURCES: readonly Bad[] = [
  ["null", null, "ERR_INVALID_ARGUMENT", /vectors/],
  ["undefined", undefined, "ERR_INVALID_ARGUMENT", /vectors/],
  ["text", "12", "ERR_INVALID_ARGUMENT", /vectors/],
  ["a number", 5, "ERR_INVALID_ARGUMENT", /vectors/],
  ["an object", {}, "ERR_INVALID_ARGUMENT", /vectors/],
  ["a flat array of numbers", [1, 2], "ERR_INVALID_ARGUMENT", /\[vector\]/],
  ["a Float64Array", Float64Array.of(1, 2), "ERR_INVALID_ARGUMENT", /Float32Array/],
  ["a BigInt64Array", BigInt64Array.of(1n, 2n), "ERR_INVALID_ARGUMENT", /Float32Array/],
  ["a row that is a Float64Array", [Float64Array.of(1, 2)], "ERR_INVALID_ARGUMENT", /row 0/],
  ["a row that is null", [[1, 2], null], "ERR_INVALID_ARGUMENT", /row 1/],
  ["a row with text", [[1, "2"]], "ERR_INVALID_ARGUMENT", /row 0, component 1/],
  ["a row with a BigInt", [[1, 2n]], "ERR_INVALID_ARGUMENT", /component 1/],
  ["a row with null", [[null, 2]], "ERR_INVALID_ARGUMENT", /component 0/],
  ["a row with a hole", [[1, 2], Object.assign([1], { length: 2 })], "ERR_INVALID_ARGUMENT", /row 1/],
  ["a missing row", Object.assign([[1, 2]], { length: 2 }), "ERR_INVALID_ARGUMENT", /row 1/],
  ["a short row", [[1, 2], [3]], "ERR_DIMENSION_MISMATCH", /row 1/],
  ["a long row", [[1, 2, 3]], "ERR_DIMENSION_MISMATCH", /row 0/],
  ["an empty row", [[]], "ERR_DIMENSION_MISMATCH", /row 0/],
  ["a flat array that does not divide", Float32Array.of(1, 2, 3), "ERR_DIMENSION_MISMATCH", /multiple/],
  [
    "NaN",
    [
      [1, 2],
      [1, 2],
      [NAN, 2],
    ],
    "ERR_NOT_FINITE",
    /row 2/,
  ],
  ["NaN in a Float32Array", Float32Array.of(1, 2, 3, NAN), "ERR_NOT_FINITE", /row 1/],
  ["Infinity", [[1, Number.POSITIVE_INFINITY]], "ERR_NOT_FINITE", /row 0/],
  ["-Infinity", Float32Array.of(Number.NEGATIVE_INFINITY, 1), "ERR_NOT_FINITE", /row 0/],
  [
    "a number above float32",
    [
      [1, 2],
      [1e39, 0],
    ],
    "ERR_NOT_FINITE",
    /row 1/,
  ],
  ["a bad row in a generator", new Set([[1, 2], [1]]), "ERR_DIMENSION_MISMATCH", /row 1/],
];

const TOO_LONG: Bad = ["a squared norm that overflows", [[1.5e19, 1.5e19]], "ERR_NOT_FINITE", /row 0/];

const BAD_IDS: readonly (readonly [string, unknown, RegExp])[] = [
  ["null", null, /ids/],
  ["text", "123", /ids/],
  ["a number", 1, /ids/],
  ["too few", [1, 2], /ids has 2 entries/],
  ["too many", [1, 2, 3, 4], /ids has 4 entries/],
  ["a negative id", [1, -1, 2], /ids\[1\]/],
  ["a fraction", [1, 2, 0.5], /ids\[2\]/],
  ["NaN", [Number.NaN, 2, 3], /ids\[0\]/],
  ["2^53", [1, 2, 2 ** 53], /ids\[2\]/],
  ["BigInts", [1n, 2n, 3n], /Number\(id\)/],
  ["a BigUint64Array", BigUint64Array.of(1n, 2n, 3n), /Number\(id\)/],
  ["text ids", ["a", "b", "c"], /ids\[0\]/],
  ["a hole", Object.assign([1, 2], { length: 3 }), /ids\[2\]/],
];

/** Numbers at the ends of what a type holds. */
const TRICKY = {
  f32: Float32Array.of(0, -0, 1e-45, -3.4e-38, 1 / 3, 16777217, -1e18, 1e18),
  f16: Float32Array.of(0, -0, 2 ** -24, -1023 * 2 ** -24, 2 ** -14, 65504, -65504, 2047),
  i8: Float32Array.of(0, 1, -1, 127, -127, -128, 64, -64),
  u8: Float32Array.of(0, 1, 2, 127, 128, 129, 254, 255),
} as const;

async function contents(index: Index, count: number): Promise<unknown[]> {
  const found: unknown[] = [];
  for (let id = 0; id < count; id++) found.push(await index.get(id));
  return found;
}

export function adding(test: Test, subject: Subject): void {
  const { VectorIndex } = subject;
  const isFloat = subject.dataType === undefined;
  const sample = sampleOf(subject.dataType);
  const expected = ROWS.map((row) => Float32Array.from(row));

  for (const [name, source] of SOURCES) {
    test(`build and add take ${name}`, async () => {
      await withIndex(subject, { dimensions: 2 }, async (index) => {
        equal(await index.add(source()), [0, 1, 2], "ids");
        equal(await contents(index, 3), expected, "contents");
      });
      const built = await VectorIndex.build(source(), { dimensions: 2 });
      equal(built.size, 3, "size");
      equal(await contents(built, 3), expected, "contents");
      await built.close();
    });
  }

  for (const [name, source, code, message] of isFloat ? [...BAD_SOURCES, TOO_LONG] : BAD_SOURCES) {
    test(`refuses ${name}, and nothing changes`, async () => {
      await withIndex(subject, { dimensions: 2, rows: FLAT }, async (index) => {
        const before = await index.toBytes();
        const error = await rejects(() => index.add(source as never), code as never, message);
        ok(!error.added, "nothing was added");
        equal(index.size, 3, "size");
        equal(await index.toBytes(), before, "bytes");
        equal(await index.add([[7, 8]]), [3], "the next id");
      });
      const options = { dimensions: 2 };
      await rejects(() => VectorIndex.build(source as never, options), code as never, message);
    });
  }

  for (const [name, given, message] of BAD_IDS) {
    test(`refuses ids: ${name}`, async () => {
      await withIndex(subject, { dimensions: 2 }, async (index) => {
        await rejects(() => index.add(FLAT, { ids: given as never }), "ERR_INVALID_ARGUMENT", message);
        equal(index.size, 0, "size");
      });
      const options = { dimensions: 2, ids: given as never };
      await rejects(() => VectorIndex.build(FLAT, options), "ERR_INVALID_ARGUMENT", message);
    });
  }

  test("ids of the user's own, in any array", async () => {
    const max = Number.MAX_SAFE_INTEGER;
    for (const own of [[7, max, 0], Float64Array.of(7, max, 0), { length: 3, 0: 7, 1: max, 2: 0 }]) {
      await withIndex(subject, { dimensions: 2 }, async (index) => {
        equal(await index.add(FLAT, { ids: own }), [7, max, 0], "ids");
        equal(await index.get(max), Float32Array.of(3, 4), "vector");
        equal([await index.has(0), await index.has(1)], [true, false], "has");
        equal(ids(await index.search([3, 4], { k: 1 })), [max], "hit");
        await rejects(() => index.add([[1, 1]]), "ERR_FULL");
      });
    }
    const built = await VectorIndex.build(FLAT, { dimensions: 2, ids: Uint32Array.of(5, 4, 2 ** 32 - 1) });
    equal(ids(await built.search([5, 6], { k: 3 })), [2 ** 32 - 1, 4, 5], "hits");
    equal(await built.add([[0, 0]]), [2 ** 32], "the next id");
    await built.close();
  });

  test("ids that are assigned follow the largest so far", async () => {
    await withIndex(subject, { dimensions: 1 }, async (index) => {
      equal(await index.add([[1], [2]]), [0, 1]);
      equal(await index.add([[3]], { ids: [10] }), [10]);
      equal(await index.add([[4]], { ids: [5] }), [5]);
      equal(await index.add([[6], [7]]), [11, 12]);
      const again = await VectorIndex.open(await index.toBytes());
      equal(await again.add([[8]]), [13]);
      await again.close();
    });
  });

  test("a duplicate id is refused, within one call and across calls, and nothing changes", async () => {
    await withIndex(subject, { dimensions: 2 }, async (index) => {
      await rejects(() => index.add(FLAT, { ids: [3, 4, 3] }), "ERR_DUPLICATE_ID", /id 3/);
      equal(index.size, 0, "size");
      await index.add(FLAT, { ids: [3, 4, 5] });
      const error = await rejects(
        () => index.add(FLAT, { ids: [8, 9, 4] }),
        "ERR_DUPLICATE_ID",
        /id 4.*row 2|row 2.*id 4/,
      );
      equal(error.row, 2, "row");
      equal([index.size, await index.has(8)], [3, false]);
      equal(await index.get(4), Float32Array.of(3, 4), "vector");
    });
    await rejects(
      () => VectorIndex.build(FLAT, { dimensions: 2, ids: [1, 1, 2] }),
      "ERR_DUPLICATE_ID",
      /id 1/,
    );
  });

  test("what was added comes back to the bit, for every metric", async () => {
    const tricky = TRICKY[subject.dataType ?? "f32"];
    for (const metric of ["l2", "cosine", "ip", "l1"] as const) {
      await withIndex(subject, { dimensions: 8, metric }, async (index) => {
        await index.add([tricky, new Float32Array(8)]);
        equal(await index.get(0), tricky, metric);
        equal(await index.get(1), new Float32Array(8), metric);
        const again = await VectorIndex.open(await index.toBytes());
        equal(await again.get(0), tricky, metric);
        await again.close();
      });
    }
  });

  test("get gives a copy of one's own; unknown ids are undefined", async () => {
    await withIndex(subject, { dimensions: 2, rows: FLAT }, async (index) => {
      const mine = await index.get(0);
      mine?.fill(9);
      equal(await index.get(0), Float32Array.of(1, 2));
      equal([await index.get(3), await index.has(3), await index.has(2)], [undefined, false, true]);
      for (const id of [-1, 0.5, Number.NaN, 2 ** 53, "0", null, undefined]) {
        await rejects(() => index.get(id as never), "ERR_INVALID_ARGUMENT", /id/);
        await rejects(() => index.has(id as never), "ERR_INVALID_ARGUMENT", /id/);
      }
      await rejects(() => index.get(0n as never), "ERR_INVALID_ARGUMENT", /BigInt/);
    });
  });

  test("the input is not modified, and may change as soon as the call is made", async () => {
    const flat = sample(50, 4);
    const before = flat.slice();
    const own = [...Array(50).keys()].map((i) => i * 3);
    await withIndex(subject, { dimensions: 4 }, async (index) => {
      const adding = index.add(flat, { ids: own });
      equal(flat, before, "input");
      flat.fill(-1);
      own.fill(0);
      const added = await adding;
      equal(added[49], 147, "id");
      equal(await index.get(147), before.slice(49 * 4), "vector");
      const rows = [[1, 2, 3, 4]];
      const more = index.add(rows);
      (rows[0] as number[])[0] = 99;
      equal(await index.get((await more)[0] as number), Float32Array.of(1, 2, 3, 4), "vector");
    });
  });

  test("input that is transferred during a large call fails with a code or is taken whole", async () => {
    const rows = 20_000;
    const flat = new Float32Array(rows * 64).map((_, i) => i % 127);
    const building = VectorIndex.build(flat, { dimensions: 64, maxDegree: 4, buildListSize: 4 });
    const outcome = building.then(
      (index) => index,
      (error: unknown) => error as { code: string },
    );
    await settle();
    if (flat.buffer instanceof ArrayBuffer) structuredClone(flat.buffer, { transfer: [flat.buffer] });
    const result = await outcome;
    if ("code" in result) equal(result.code, "ERR_INVALID_ARGUMENT", "code");
    else {
      equal(result.size, rows, "size");
      await result.close();
    }
  });

  test("an iterator that throws: its own error, and nothing changes", async () => {
    const mine = new Error("mine");
    let returned = 0;
    function* broken(): Generator<number[]> {
      try {
        yield [1, 2];
        throw mine;
      } finally {
        returned++;
      }
    }
    async function* brokenLater(): AsyncGenerator<number[]> {
      yield* broken();
    }
    await withIndex(subject, { dimensions: 2 }, async (index) => {
      for (const source of [broken, brokenLater]) {
        const error = await index.add(source()).catch((caught: unknown) => caught);
        ok(error === mine, `the iterator's own error, not ${String(error)}`);
      }
      equal([index.size, returned], [0, 2]);
      equal(await index.add([[1, 2]]), [0]);
    });
  });

  test("a generator that gives a bad row is closed", async () => {
    let closed = 0;
    function* rows(): Generator<number[]> {
      try {
        for (;;) yield [1, 2, 3];
      } finally {
        closed++;
      }
    }
    await withIndex(subject, { dimensions: 2 }, async (index) => {
      await rejects(() => index.add(rows()), "ERR_DIMENSION_MISMATCH");
      equal(closed, 1, "closed");
    });
  });

  test("sequences longer than a slab arrive whole and in order", async () => {
    const dimensions = 512;
    const rows = 1500;
    function* endless(): Generator<Float32Array> {
      for (let i = 0; i < rows; i++) yield new Float32Array(dimensions).fill(i % 101);
    }
    const options = { dimensions, maxDegree: 4, buildListSize: 4 };
    const fromGenerator = await VectorIndex.build(endless(), options);
    const fromArray = await VectorIndex.build([...endless()], options);
    const flat = new Float32Array(rows * dimensions).map((_, i) => Math.floor(i / dimensions) % 101);
    const fromFlat = await VectorIndex.build(flat, options);
    equal(await fromGenerator.get(rows - 1), new Float32Array(dimensions).fill((rows - 1) % 101), "last row");
    const bytes = await fromFlat.toBytes();
    equal(await fromGenerator.toBytes(), bytes, "bytes");
    equal(await fromArray.toBytes(), bytes, "bytes");
    await Promise.all([fromGenerator.close(), fromArray.close(), fromFlat.close()]);
  });

  test("an error in a later slab names its row, and nothing changes", async () => {
    const dimensions = 512;
    const rows = 1500;
    const flat = new Float32Array(rows * dimensions).fill(1);
    flat[1400 * dimensions + 3] = Number.NaN;
    await withIndex(subject, { dimensions, maxDegree: 4, buildListSize: 4 }, async (index) => {
      const error = await rejects(() => index.add(flat), "ERR_NOT_FINITE", /row 1400\b/);
      equal([error.row, index.size], [1400, 0]);
    });
  });

  test("2,000 adds of one row each, none awaited, are all found", async () => {
    const count = 2000;
    const flat = sample(count, 6);
    await withIndex(subject, { dimensions: 6 }, async (index) => {
      const calls: Promise<number[]>[] = [];
      for (let i = 0; i < count; i++) calls.push(index.add(flat.subarray(i * 6, i * 6 + 6)));
      equal((await Promise.all(calls)).flat(), [...Array(count).keys()], "ids");
      equal(index.size, count, "size");
      for (let i = 0; i < count; i += 97) {
        equal((await index.search(flat.subarray(i * 6, i * 6 + 6), { k: 1 }))[0]?.distance, 0, `row ${i}`);
      }
      equal(await index.verify(), { ok: true, errors: [] }, "verify");
    });
  });
}
