/** Element types: what is stored, what is refused, answers of every type and metric. */
import type { DataType, Metric, VectorSource } from "../../../ts/core/types.js";
import { Random } from "../../support/random.js";
import { equal, type Index, ids, ok, rejects, type Subject, type Test, withIndex } from "../kit.js";
import { nearest, quantized, recall, rowsOf, sample } from "../model.js";

const TYPES: readonly DataType[] = ["f32", "f16", "i8", "u8"];
const METRICS: readonly Metric[] = ["l2", "cosine", "ip", "l1"];
const ELEMENT_BYTES = { f32: 4, f16: 2, i8: 1, u8: 1 } as const;
const LEAST = { f32: -64, f16: -64, i8: -128, u8: 0 } as const;

/** Numbers that the type holds exactly. */
function rowsFor(dataType: DataType, rows: number, dimensions: number): Float32Array {
  const random = new Random(rows + dimensions);
  const step = dataType === "f32" || dataType === "f16" ? 0.5 : 1;
  return new Float32Array(rows * dimensions).map(() => {
    random.next();
    return LEAST[dataType] + step * (random.low % 256);
  });
}

/** The same rows in every form that `build` and `add` take. */
function formsOf(flat: Float32Array, dataType: DataType, dimensions: number): [string, VectorSource][] {
  const rows = rowsOf(flat, dimensions).map(([, row]) => row);
  const forms: [string, VectorSource][] = [
    ["a Float32Array", flat],
    ["arrays of numbers", rows.map((row) => Array.from(row))],
    ["a sequence of Float32Arrays", new Set(rows)],
  ];
  if (dataType === "i8" || dataType === "u8") {
    const bytes = dataType === "i8" ? Int8Array.from(flat) : Uint8Array.from(flat);
    const apart = new Uint8Array(bytes.length + 3);
    apart.set(new Uint8Array(bytes.buffer), 3);
    const view = dataType === "i8" ? new Int8Array(apart.buffer, 3, bytes.length) : apart.subarray(3);
    forms.push(["its own typed array", bytes], ["an unaligned view", view]);
    forms.push([
      "typed arrays of its own",
      rows.map((_, i) => bytes.subarray(i * dimensions, (i + 1) * dimensions)),
    ]);
  }
  return forms;
}

async function checkAnswers(
  index: Index,
  metric: Metric,
  flat: Float32Array,
  query: Float32Array,
): Promise<void> {
  const truth = nearest(metric, rowsOf(flat, index.dimensions), query, 10);
  const exact = await index.searchExact(query);
  const found = await index.search(query, { searchListSize: 100 });
  ok(recall(exact, truth) === 1, `${metric}: exact search finds other vectors`);
  ok(recall(found, truth) >= 0.9, `${metric}: recall ${recall(found, truth)}`);
  for (const [i, hit] of exact.entries()) {
    const wanted = truth[i]?.distance ?? Number.NaN;
    const bound = metric === "cosine" ? 1e-6 : 0;
    ok(Math.abs(hit.distance - Math.fround(wanted)) <= bound, `${metric}: ${hit.distance}, not ${wanted}`);
  }
}

/** [rows, what the error says] of what an index of a type refuses. */
const MISFITS: readonly (readonly [DataType, number, "ERR_INVALID_ARGUMENT" | "ERR_NOT_FINITE"])[] = [
  ["u8", 256, "ERR_INVALID_ARGUMENT"],
  ["u8", -1, "ERR_INVALID_ARGUMENT"],
  ["u8", 0.5, "ERR_INVALID_ARGUMENT"],
  ["i8", 128, "ERR_INVALID_ARGUMENT"],
  ["i8", -129, "ERR_INVALID_ARGUMENT"],
  ["i8", 1e-9, "ERR_INVALID_ARGUMENT"],
  ["u8", Number.NaN, "ERR_NOT_FINITE"],
  ["i8", Number.POSITIVE_INFINITY, "ERR_NOT_FINITE"],
  ["f16", Number.NaN, "ERR_NOT_FINITE"],
  ["f16", Number.NEGATIVE_INFINITY, "ERR_NOT_FINITE"],
];

export function types(test: Test, subject: Subject): void {
  const { VectorIndex } = subject;

  for (const dataType of TYPES) {
    test(`${dataType}: the same bytes from every form of the rows, and what was added comes back`, async () => {
      const dimensions = 13;
      const flat = rowsFor(dataType, 60, dimensions);
      const first = flat.subarray(0, 40 * dimensions);
      const images: Uint8Array[] = [];
      for (const [name, source] of formsOf(first, dataType, dimensions)) {
        const index = await VectorIndex.build(source, { dimensions, dataType });
        const rest = formsOf(flat.subarray(40 * dimensions), dataType, dimensions);
        await index.add(rest.find(([other]) => other === name)?.[1] ?? []);
        equal([index.dataType, index.size], [dataType, 60], name);
        equal(index.stats().memory.vectors, 60 * dimensions * ELEMENT_BYTES[dataType], name);
        for (const [id, row] of rowsOf(flat, dimensions)) equal(await index.get(id), row.slice(), name);
        equal((await index.verify()).errors, [], name);
        images.push(await index.toBytes());
        await index.close();
      }
      for (const image of images) equal(image, images[0], "bytes");
    });

    for (const metric of METRICS) {
      test(`${dataType}, ${metric}: true distances, before and after a round trip`, async () => {
        const dimensions = 33;
        const flat = rowsFor(dataType, 300, dimensions);
        const queries = rowsFor(dataType, 5, dimensions);
        await withIndex(subject, { dimensions, dataType, metric, rows: flat }, async (index) => {
          const again = await VectorIndex.open(await index.toBytes());
          equal([again.dataType, again.metric], [dataType, metric]);
          for (const [, query] of rowsOf(queries, dimensions)) {
            await checkAnswers(index, metric, flat, query);
            equal(await again.search(query), await index.search(query), "after the round trip");
          }
          equal(await again.toBytes(), await index.toBytes(), "bytes");
          await again.close();
        });
      });
    }

    test(`${dataType}: a query may come in any form, one by one and in batches`, async () => {
      const dimensions = 8;
      const flat = rowsFor(dataType, 50, dimensions);
      await withIndex(subject, { dimensions, dataType, rows: flat }, async (index) => {
        for (const values of [rowsFor("u8", 3, dimensions), rowsFor("i8", 3, dimensions)]) {
          const own = dataType === "u8" ? values.map(Math.abs) : values.map((x) => Math.min(x, 127));
          const fitting = own.map((x) => Math.min(x, 255));
          const expected = await index.searchBatch(fitting);
          const typed = fitting.some((x) => x < 0) ? Int8Array.from(fitting) : Uint8Array.from(fitting);
          const batch = await index.searchBatch(typed);
          equal([batch.ids, batch.distances], [expected.ids, expected.distances], "batch");
          for (let row = 0; row < 3; row++) {
            const query = typed.slice(row * dimensions, (row + 1) * dimensions);
            equal(await index.search(query), expected.hits(row), "typed");
            equal(await index.search(Array.from(query)), expected.hits(row), "numbers");
          }
        }
      });
    });
  }

  for (const [dataType, value, code] of MISFITS) {
    test(`${dataType} refuses ${value}, naming the row, and stays as it was`, async () => {
      const dimensions = 3;
      const flat = new Float32Array(9 * dimensions).fill(1);
      await withIndex(subject, { dimensions, dataType, rows: flat }, async (index) => {
        const before = await index.toBytes();
        const bad = flat.slice();
        bad[7 * dimensions + 1] = value;
        bad[8 * dimensions] = value;
        const row = /row 7/;
        const refused = await rejects(() => index.add(bad), code, row);
        equal([refused.row, refused.added], [7, 0]);
        const list = rowsOf(bad, dimensions).map(([, one]) => Array.from(one));
        equal((await rejects(() => index.add(list), code, row)).row, 7);
        equal((await rejects(() => VectorIndex.build(bad, { dimensions, dataType }), code, row)).row, 7);
        const query = bad.slice(7 * dimensions, 8 * dimensions);
        await rejects(() => index.search(query), code, /query/);
        await rejects(() => index.searchExact(query), code, /query/);
        equal((await rejects(() => index.searchBatch(bad), code, row)).row, 7);
        equal(await index.toBytes(), before, "bytes");
        equal(await index.add(flat.subarray(0, dimensions)), [9]);
      });
    });
  }

  test("f16 rounds rows to the nearest half, ties to even, and measures queries as they are", async () => {
    const rows = [
      [2049, 2051, 1 / 3],
      [65519, -65519, 2 ** -25],
      [2 ** -24, 3 * 2 ** -25, -(2 ** -25)],
    ];
    const stored = [
      [2048, 2052, 0.333251953125],
      [65504, -65504, 0],
      [2 ** -24, 2 ** -23, -0],
    ];
    const index = await VectorIndex.build(rows, { dimensions: 3, dataType: "f16", metric: "l1" });
    for (const [id, row] of stored.entries()) equal(await index.get(id), Float32Array.from(row));
    const [hit] = await index.search([2049, 2052, 0.333251953125], { k: 1 });
    equal(hit, { id: 0, distance: 1 });
    await index.close();
  });

  test("f16 refuses rows that round beyond the largest half; a query may be longer", async () => {
    await withIndex(subject, { dimensions: 2, dataType: "f16", metric: "l1" }, async (index) => {
      await rejects(() => index.add([[1, 65520]]), "ERR_NOT_FINITE", /row 0.*65504/);
      await rejects(() => index.add([[-1e30, 0]]), "ERR_NOT_FINITE", /row 0/);
      equal(await index.add([[65504, 0]]), [0]);
      equal(await index.search([65536, 0]), [{ id: 0, distance: 32 }]);
    });
  });

  test("bytes of one sign in an index of the other are taken by their numbers", async () => {
    const unsigned = await VectorIndex.build(Int8Array.of(1, 2, 127, 0), { dimensions: 2, dataType: "u8" });
    equal(await unsigned.get(1), Float32Array.of(127, 0));
    const error = await rejects(
      () => unsigned.add(Int8Array.of(1, 1, -1, 1)),
      "ERR_INVALID_ARGUMENT",
      /row 1/,
    );
    equal(error.row, 1);
    equal(ids(await unsigned.search(Int8Array.of(120, 1), { k: 1 })), [1]);
    await rejects(() => unsigned.search(Int8Array.of(-1, 1)), "ERR_INVALID_ARGUMENT", /u8/);
    await unsigned.close();
    const signed = await VectorIndex.build(Uint8Array.of(1, 2, 127, 0), { dimensions: 2, dataType: "i8" });
    await rejects(() => signed.add(Uint8Array.of(128, 0)), "ERR_INVALID_ARGUMENT", /row 0/);
    await signed.close();
  });

  test("sums of extreme bytes are exact up to 65,535 dimensions", async () => {
    const dimensions = 65535;
    for (const [dataType, low, high] of [
      ["i8", -128, 127],
      ["u8", 0, 255],
    ] as const) {
      const rows = new Float32Array(2 * dimensions).fill(low).fill(high, dimensions);
      await withIndex(subject, { dimensions, dataType, rows }, async (index) => {
        const hits = await index.search(rows.subarray(0, dimensions), { k: 2 });
        equal(hits[1], { id: 1, distance: Math.fround(dimensions * 255 * 255) });
      });
    }
  });

  test("an index of bytes takes a quarter of the vectors' memory, one of halves a half", async () => {
    const rows = new Float32Array(100 * 64).fill(3);
    for (const dataType of TYPES) {
      await withIndex(subject, { dimensions: 64, dataType, rows }, async (index) => {
        const { layout, memory } = index.stats();
        equal(memory.vectors, 100 * 64 * ELEMENT_BYTES[dataType]);
        equal(layout.recordBytes, 64 * ELEMENT_BYTES[dataType] + 16 + 32 * 4);
      });
    }
  });

  quantizing(test, subject);
}

function quantizing(test: Test, subject: Subject): void {
  const { VectorIndex } = subject;
  const dimensions = 40;
  const quantize = "i8";

  for (const metric of METRICS) {
    test(`quantize, ${metric}: answers are of what is kept, which get returns, before and after a round trip`, async () => {
      const rows = sample(300, dimensions);
      const kept = rowsOf(rows, dimensions).map(([id, row]) => [id, quantized(row)] as const);
      const flat = new Float32Array(kept.flatMap(([, row]) => Array.from(row)));
      const floats = await VectorIndex.build(flat, { dimensions, metric });
      await withIndex(subject, { dimensions, metric, quantize, rows }, async (index) => {
        const again = await VectorIndex.open(await index.toBytes());
        for (const [id, row] of kept) equal(await index.get(id), row, `row ${id}`);
        for (const [, query] of rowsOf(sample(5, dimensions, 1), dimensions)) {
          const exact = await index.searchExact(query);
          equal(exact, await floats.searchExact(query), "as of floats, to the bit");
          const found = await index.search(query, { searchListSize: 100 });
          ok(recall(found, exact) >= 0.9, `recall ${recall(found, exact)}`);
          equal(await again.search(query, { searchListSize: 100 }), found, "after the round trip");
        }
        equal(again.stats().quantization, index.stats().quantization);
        equal((await again.verify()).errors, []);
        equal(await again.toBytes(), await index.toBytes(), "bytes");
        await again.close();
      });
      await floats.close();
    });
  }

  test("quantize: what it says of itself, and what it costs", async () => {
    const rows = sample(200, dimensions);
    await withIndex(subject, { dimensions, quantize }, async (index) => {
      equal(index.stats().quantization, { kind: "i8", relativeError: 0 });
      await index.add(rows);
      let sum = 0;
      for (const [, row] of rowsOf(rows, dimensions)) {
        const kept = quantized(row);
        sum += Math.hypot(...row.map((value, i) => value - (kept[i] as number))) / Math.hypot(...kept);
      }
      const { quantization, dataType, memory, layout, codes } = index.stats();
      ok(Math.abs((quantization?.relativeError ?? 1) / (sum / 200) - 1) < 1e-4, JSON.stringify(quantization));
      equal([index.dataType, dataType, codes, quantization?.kind], ["f32", "f32", "none", "i8"]);
      equal(memory.vectors, 200 * (dimensions + 16));
      equal(layout.recordBytes, (Math.ceil((dimensions + 16) / 8) * 8 + 16 + 128 + 15) & ~15);
    });
    await withIndex(subject, { dimensions, quantize: "none" }, async (index) => {
      equal(index.stats().quantization, undefined);
    });
  });

  test("quantize: rows in any form, and rows of bytes by their numbers", async () => {
    const bytes = Uint8Array.from({ length: 20 * dimensions }, (_, i) => (i * 97) % 256);
    const images: Uint8Array[] = [];
    const rows = rowsOf(Float32Array.from(bytes), dimensions).map(([, row]) => row);
    for (const source of [
      bytes,
      Float32Array.from(bytes),
      rows.map((row) => Array.from(row)),
      new Set(rows),
    ]) {
      const index = await VectorIndex.build(source, { dimensions, quantize });
      images.push(await index.toBytes());
      await index.close();
    }
    for (const image of images) equal(image, images[0], "bytes");
  });

  test("quantize: what is refused, and the index stays as it was", async () => {
    for (const dataType of ["f16", "i8", "u8"] as const)
      await rejects(
        () => VectorIndex.create({ dimensions, dataType, quantize }),
        "ERR_INVALID_ARGUMENT",
        /f32/,
      );
    for (const other of ["u8", "", null, true, 8])
      await rejects(
        () => VectorIndex.create({ dimensions, quantize: other } as never),
        "ERR_INVALID_ARGUMENT",
        /quantize/,
      );
    const rows = sample(9, dimensions);
    await withIndex(subject, { dimensions, quantize, rows }, async (index) => {
      const before = await index.toBytes();
      for (const value of [Number.NaN, Number.POSITIVE_INFINITY, 3e38]) {
        const bad = rows.slice();
        bad[7 * dimensions + 3] = value;
        equal((await rejects(() => index.add(bad), "ERR_NOT_FINITE", /row 7/)).row, 7);
        await rejects(
          () => index.search(bad.slice(7 * dimensions, 8 * dimensions)),
          "ERR_NOT_FINITE",
          /query/,
        );
      }
      equal(await index.toBytes(), before, "bytes");
    });
  });
}
