/** Product quantisation: codes, what they stand for, searching among them, and what calls do with mistakes and aborts. */
import type { Metric } from "../../../ts/core/types.js";
import golden from "../../golden/pq.json" with { type: "json" };
import { fnv1a64, goldenRows, quantizerBytes } from "../../golden/recipe.js";
import { equal, ids, ok, type PqEntry, rejection, rejects, type Subject, type Test, throws } from "../kit.js";
import { distance, nearest, rowsOf, sample } from "../model.js";

const D = 12;
const CHUNKS = 4;
const SMALL = { dimensions: D, chunks: CHUNKS, centroids: 16, iterations: 4 } as const;

type Quantizer = Awaited<ReturnType<PqEntry["train"]>>;

async function withQuantizer(
  ProductQuantizer: PqEntry,
  rows: Float32Array,
  body: (quantizer: Quantizer) => Promise<void>,
): Promise<void> {
  const quantizer = await ProductQuantizer.train(rows, SMALL);
  try {
    await body(quantizer);
  } finally {
    await quantizer.close();
  }
}

function goldenQuantizers(test: Test, ProductQuantizer: PqEntry): void {
  for (const recipe of golden.quantizers) {
    test(`golden quantiser: ${recipe.name}`, async () => {
      const { rows, dimensions, chunks, centroids, iterations, sampleRows, center, seed } = recipe;
      const flat = goldenRows(rows, dimensions);
      const options = { dimensions, chunks, centroids, iterations, sampleSize: sampleRows, center, seed };
      const quantizer = await ProductQuantizer.train(flat, options);
      const bytes = quantizerBytes(recipe, await quantizer.toBytes(), await quantizer.encode(flat));
      await quantizer.close();
      equal(fnv1a64(bytes), recipe.fnv1a64, "hash");
    });
  }
}

function codes(test: Test, ProductQuantizer: PqEntry, subject: Subject): void {
  const rows = sample(2000, D);

  test("pq: a quantiser says what it is", () =>
    withQuantizer(ProductQuantizer, rows, async (quantizer) => {
      const { dimensions, chunks, centroids, backend } = quantizer;
      equal(
        { dimensions, chunks, centroids, backend },
        { dimensions: D, chunks: CHUNKS, centroids: 16, backend: subject.backend },
      );
      ok(quantizer instanceof ProductQuantizer, "it is of the class it was made by");
    }));

  test("pq: bytes open again and make the same codes", () =>
    withQuantizer(ProductQuantizer, rows, async (quantizer) => {
      const bytes = await quantizer.toBytes();
      const made = await quantizer.encode(rows);
      const again = await ProductQuantizer.open(bytes);
      equal(await again.toBytes(), bytes, "bytes");
      equal(await again.encode(rows), made, "codes");
      await again.close();
      const stored = quantizer.codesToBytes(made);
      equal(await ProductQuantizer.readCodes(stored), { count: 2000, chunks: CHUNKS, codes: made });
      equal((await ProductQuantizer.readCodes(new Blob([stored as BlobPart]))).codes, made, "of a blob");
    }));

  test("pq: the same rows in any form are the same codes", () =>
    withQuantizer(ProductQuantizer, rows, async (quantizer) => {
      const expected = await quantizer.encode(rows);
      const list = rowsOf(rows, D).map(([, row]) => row);
      async function* slowly() {
        for (const row of list) yield Array.from(row);
      }
      for (const source of [list, new Set(list), slowly()]) equal(await quantizer.encode(source), expected);
      const same = await ProductQuantizer.train(list, { ...SMALL, threads: 1 });
      equal(await same.toBytes(), await quantizer.toBytes(), "trained on a list");
      await same.close();
      equal((await quantizer.encode(new Float32Array(0))).length, 0, "no rows");
      equal((await quantizer.decode(new Uint8Array(0))).length, 0, "no codes");
    }));

  test("pq: decoding gives the nearest of what there is, and the error is the distance to it", () =>
    withQuantizer(ProductQuantizer, rows, async (quantizer) => {
      const made = await quantizer.encode(rows);
      const decoded = await quantizer.decode(made);
      equal(await quantizer.encode(decoded), made, "codes of decoded vectors");
      let error = 0;
      let norm = 0;
      for (let row = 0; row < 2000; row++) {
        const [a, b] = [rows, decoded].map((flat) => flat.subarray(row * D, (row + 1) * D));
        error += distance("l2", a as Float32Array, b as Float32Array);
        norm += distance("l2", a as Float32Array, new Float32Array(D));
      }
      const told = await quantizer.error(rows);
      equal(told.count, 2000, "count");
      ok(Math.abs(told.meanSquaredError - error / 2000) < 1e-6 * (error / 2000), "mean squared error");
      ok(Math.abs(told.relative - error / norm) < 1e-6, "relative error");
      ok(told.relative > 0.001 && told.relative < 0.5, `a relative error of ${told.relative}`);
      equal(await quantizer.error([]), { count: 0, meanSquaredError: 0, relative: 0 }, "of nothing");
    }));

  test("pq: more chunks and more centroids make a smaller error", async () => {
    const errors: number[] = [];
    for (const [chunks, centroids] of [
      [1, 16],
      [4, 16],
      [4, 256],
      [12, 256],
    ] as const) {
      const quantizer = await ProductQuantizer.train(rows, { ...SMALL, chunks, centroids });
      errors.push((await quantizer.error(rows)).relative);
      await quantizer.close();
    }
    errors.forEach((error, i) => {
      ok(i === 0 || error < 0.7 * (errors[i - 1] as number), `errors ${errors}`);
    });
  });

  test("pq: rows and codes of several slabs", async () => {
    const many = sample(50_000, D);
    await withQuantizer(ProductQuantizer, many, async (quantizer) => {
      const made = await quantizer.encode(many);
      equal(made.length, 50_000 * CHUNKS);
      const some = [0, 43_000, 43_690, 43_691, 49_999];
      for (const row of some) {
        const own = many.subarray(row * D, (row + 1) * D);
        equal(await quantizer.encode(own), made.slice(row * CHUNKS, (row + 1) * CHUNKS), `row ${row}`);
      }
      const decoded = await quantizer.decode(made);
      equal(await quantizer.decode(made.slice(-CHUNKS)), decoded.slice(-D), "the last row");
    });
  });
}

function searching(test: Test, ProductQuantizer: PqEntry): void {
  const rows = sample(1500, D);

  for (const metric of ["l2", "cosine", "ip", "l1"] satisfies Metric[]) {
    test(`pq: a search finds what is nearest among the decoded vectors, ${metric}`, () =>
      withQuantizer(ProductQuantizer, rows, async (quantizer) => {
        const made = await quantizer.encode(rows);
        const decoded = rowsOf(await quantizer.decode(made), D);
        for (const query of rowsOf(sample(5, D, 1), D).map(([, row]) => row)) {
          const hits = await quantizer.search(made, query, { k: 20, metric });
          const truth = nearest(metric, decoded, query, 20);
          equal(hits.length, 20);
          hits.forEach(({ distance: found }, i) => {
            const wanted = truth[i]?.distance ?? Number.NaN;
            ok(Math.abs(found - wanted) < 1e-4 * (1 + Math.abs(wanted)), `hit ${i}: ${found}, not ${wanted}`);
          });
          const sorted = hits.every(
            (hit, i) => i === 0 || hit.distance >= (hits[i - 1] as { distance: number }).distance,
          );
          ok(sorted, "nearest first");
        }
      }));
  }

  test("pq: ties go by place, k beyond the codes gives all", () =>
    withQuantizer(ProductQuantizer, rows, async (quantizer) => {
      const one = await quantizer.encode(rows.subarray(0, D));
      const same = new Uint8Array(7 * CHUNKS);
      for (let i = 0; i < 7; i++) same.set(one, i * CHUNKS);
      const query = rows.subarray(0, D);
      equal(ids(await quantizer.search(same, query, { k: 5 })), [0, 1, 2, 3, 4]);
      equal(ids(await quantizer.search(same, Array.from(query), { k: 100 })), [0, 1, 2, 3, 4, 5, 6]);
      equal(await quantizer.search(new Uint8Array(0), query), []);
    }));

  test("pq: a search of several slabs", async () => {
    const quantizer = await ProductQuantizer.train(Float32Array.of(0, 1, 2, 3), {
      dimensions: 1,
      chunks: 1,
      centroids: 4,
      center: false,
    });
    const values = await quantizer.decode(Uint8Array.of(0, 1, 2, 3));
    const code = (value: number): number => values.indexOf(value);
    const many = new Uint8Array(9_000_000).fill(code(3));
    for (const at of [8_999_999, 8_388_608, 8_388_607, 5]) many[at] = code(0);
    many[8_500_000] = code(1);
    const hits = await quantizer.search(many, [0], { k: 6 });
    equal(ids(hits), [5, 8_388_607, 8_388_608, 8_999_999, 8_500_000, 0]);
    equal(
      hits.map((hit) => hit.distance),
      [0, 0, 0, 0, 1, 9],
    );
    await quantizer.close();
  });
}

function mistakes(test: Test, ProductQuantizer: PqEntry): void {
  const rows = sample(300, D);

  test("pq: options that make no sense are refused", async () => {
    const wrong: Record<string, unknown>[] = [
      { dimensions: 0 },
      { dimensions: 65536 },
      { chunks: 0 },
      { chunks: D + 1 },
      { chunks: undefined },
      { chunks: 2.5 },
      { centroids: 0 },
      { centroids: 257 },
      { iterations: 0 },
      { iterations: 1001 },
      { sampleSize: 0 },
      { sampleSize: 2 ** 24 + 1 },
      { center: 1 },
      { seed: -1 },
      { threads: 0 },
      { signal: {} },
      { onProgress: 5 },
    ];
    for (const options of wrong)
      await rejects(() => ProductQuantizer.train(rows, { ...SMALL, ...options }), "ERR_INVALID_ARGUMENT");
    await rejects(() => ProductQuantizer.train(rows, null as never), "ERR_INVALID_ARGUMENT");
    await rejects(() => ProductQuantizer.train(new Float32Array(0), SMALL), "ERR_INVALID_ARGUMENT");
    await rejects(() => ProductQuantizer.train(new Float32Array(5), SMALL), "ERR_DIMENSION_MISMATCH");
    await rejects(() => ProductQuantizer.train([[1, 2]], SMALL), "ERR_DIMENSION_MISMATCH");
    throws(
      () => new (ProductQuantizer as unknown as new (parts: object) => unknown)({}),
      "ERR_INVALID_ARGUMENT",
    );
  });

  test("pq: a row that is not finite is refused, and named", () =>
    withQuantizer(ProductQuantizer, rows, async (quantizer) => {
      const many = sample(45_000, D);
      many[44_000 * D + 3] = Number.NaN;
      for (const call of [
        () => ProductQuantizer.train(many, SMALL),
        () => quantizer.encode(many),
        () => quantizer.error(many),
      ])
        equal((await rejects(call, "ERR_NOT_FINITE")).row, 44_000, "row");
      const query = new Float32Array(D).fill(Number.POSITIVE_INFINITY);
      await rejects(() => quantizer.search(new Uint8Array(CHUNKS), query), "ERR_NOT_FINITE");
    }));

  test("pq: codes and queries that cannot be are refused", () =>
    withQuantizer(ProductQuantizer, rows, async (quantizer) => {
      const query = rows.subarray(0, D);
      const good = await quantizer.encode(rows);
      for (const bad of [null, 5, "codes", [1, 2, 3, 4], new Int8Array(4), new Uint16Array(4)]) {
        await rejects(() => quantizer.decode(bad as never), "ERR_INVALID_ARGUMENT");
        await rejects(() => quantizer.search(bad as never, query), "ERR_INVALID_ARGUMENT");
        throws(() => quantizer.codesToBytes(bad as never), "ERR_INVALID_ARGUMENT");
      }
      await rejects(() => quantizer.decode(new Uint8Array(5)), "ERR_DIMENSION_MISMATCH");
      await rejects(() => quantizer.search(new Uint8Array(5), query), "ERR_DIMENSION_MISMATCH");
      await rejects(() => quantizer.search(good, query.subarray(1)), "ERR_DIMENSION_MISMATCH");
      good[17 * CHUNKS + 2] = 16; // there are centroids 0 .. 15
      await rejects(() => quantizer.decode(good), "ERR_INVALID_ARGUMENT");
      equal((await rejects(() => quantizer.search(good, query), "ERR_INVALID_ARGUMENT")).row, 17, "row");
      for (const options of [{ k: 0 }, { k: 65536 }, { metric: "l3" }, { threads: 1.5 }, { signal: 1 }])
        await rejects(() => quantizer.search(good, query, options as never), "ERR_INVALID_ARGUMENT");
    }));

  test("pq: after close() every call is refused; what runs ends first", async () => {
    const quantizer = await ProductQuantizer.train(rows, SMALL);
    const made = await quantizer.encode(rows);
    const running = quantizer.encode(rows);
    const closing = quantizer.close();
    equal(await running, made, "what runs");
    await closing;
    await quantizer.close();
    const query = rows.subarray(0, D);
    for (const call of [
      () => quantizer.encode(rows),
      () => quantizer.decode(made),
      () => quantizer.search(made, query),
      () => quantizer.error(rows),
      () => quantizer.toBytes(),
    ])
      await rejects(call, "ERR_CLOSED", /quantizer is closed/);
    equal(quantizer.codesToBytes(made).length, made.length + 8, "codesToBytes needs nothing of it");
  });

  test("pq: an abort rejects with the reason, whenever it comes", async () => {
    const reason = new Error("enough");
    const aborted = { signal: AbortSignal.abort(reason) };
    await withQuantizer(ProductQuantizer, rows, async (quantizer) => {
      const made = await quantizer.encode(rows);
      for (const call of [
        () => ProductQuantizer.train(rows, { ...SMALL, ...aborted }),
        () => ProductQuantizer.open(new Uint8Array(0), aborted),
        () => ProductQuantizer.readCodes(new Uint8Array(0), aborted),
        () => quantizer.encode(rows, aborted),
        () => quantizer.decode(made, aborted),
        () => quantizer.search(made, rows.subarray(0, D), aborted),
        () => quantizer.error(rows, aborted),
      ])
        equal((await rejection(call)) === reason, true, "the reason");
    });
    const controller = new AbortController();
    const onProgress = (): void => controller.abort(reason);
    const long = { dimensions: D, chunks: CHUNKS, iterations: 1000 } as const;
    const late = { ...long, onProgress, signal: controller.signal };
    equal(
      (await rejection(() => ProductQuantizer.train(sample(20_000, D), late))) === reason,
      true,
      "half way",
    );
  });

  test("pq: progress comes, and what a callback throws ends the call", async () => {
    const events: { phase: string; done: number; total: number }[] = [];
    const quantizer = await ProductQuantizer.train(rows, {
      ...SMALL,
      onProgress: (event) => events.push(event),
    });
    ok(
      events.every(({ phase, done, total }) => phase === "train" && done <= total),
      "training",
    );
    equal(events.at(-1)?.done, events.at(-1)?.total, "the end of training");
    const told: number[] = [];
    await quantizer.encode(rows, { onProgress: ({ done }) => told.push(done) });
    equal(told, [300], "encoding");
    const error = new Error("mine");
    const fail = (): never => {
      throw error;
    };
    equal((await rejection(() => quantizer.encode(rows, { onProgress: fail }))) === error, true, "encode");
    const training = () => ProductQuantizer.train(rows, { ...SMALL, onProgress: fail });
    equal((await rejection(training)) === error, true, "train");
    await quantizer.close();
  });
}

function files(test: Test, ProductQuantizer: PqEntry, subject: Subject): void {
  const { files: system } = subject;
  test("pq: damaged bytes are refused", async () => {
    await rejects(() => ProductQuantizer.open(new Uint8Array(100)), "ERR_CORRUPT");
    await rejects(() => ProductQuantizer.open(new Uint8Array(5000)), "ERR_CORRUPT");
    await rejects(() => ProductQuantizer.readCodes(new Uint8Array(7)), "ERR_CORRUPT");
    await rejects(() => ProductQuantizer.readCodes(new Uint8Array(100)), "ERR_CORRUPT");
    await rejects(() => ProductQuantizer.open(5 as never), "ERR_INVALID_ARGUMENT");
    await rejects(() => ProductQuantizer.readCodes(null as never), "ERR_INVALID_ARGUMENT");
  });

  if (!system) return;
  test("pq: files open by path; those of rotated vectors do not", () =>
    withQuantizer(ProductQuantizer, sample(100, D), async (quantizer) => {
      const path = system.join(await system.folder(), "a_pq_pivots.bin");
      const bytes = await quantizer.toBytes();
      await system.write(path, bytes);
      const opened = await ProductQuantizer.open(system.url(path));
      equal(await opened.toBytes(), bytes);
      await opened.close();
      await system.write(`${path}_rotation_matrix.bin`, new Uint8Array(8));
      await rejects(() => ProductQuantizer.open(path), "ERR_UNSUPPORTED", /rotat/);
      await rejects(() => ProductQuantizer.open(`${path}.not`), "ERR_IO");
    }));
}

export function quantizing(test: Test, ProductQuantizer: PqEntry, subject: Subject): void {
  goldenQuantizers(test, ProductQuantizer);
  codes(test, ProductQuantizer, subject);
  searching(test, ProductQuantizer);
  mistakes(test, ProductQuantizer);
  files(test, ProductQuantizer, subject);
}
