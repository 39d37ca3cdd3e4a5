/** create, build, open: options, defaults, refusals. */
import { equal, type Index, ids, ok, rejects, type Subject, type Test, throws, withIndex } from "../kit.js";
import { sample } from "../model.js";

const BAD_OPTIONS: readonly (readonly [string, object])[] = [
  ["dimensions 0", { dimensions: 0 }],
  ["dimensions 65536", { dimensions: 65536 }],
  ["dimensions 1.5", { dimensions: 1.5 }],
  ["dimensions NaN", { dimensions: Number.NaN }],
  ["dimensions as text", { dimensions: "8" }],
  ["dimensions as BigInt", { dimensions: 8n }],
  ["dimensions null", { dimensions: null }],
  ["no dimensions", {}],
  ["metric unknown", { dimensions: 2, metric: "euclid" }],
  ["metric null", { dimensions: 2, metric: null }],
  ["metric as a number", { dimensions: 2, metric: 0 }],
  ["dataType unknown", { dimensions: 2, dataType: "f64" }],
  ["maxDegree 3", { dimensions: 2, maxDegree: 3 }],
  ["maxDegree 513", { dimensions: 2, maxDegree: 513 }],
  ["maxDegree null", { dimensions: 2, maxDegree: null }],
  ["buildListSize 0", { dimensions: 2, buildListSize: 0 }],
  ["buildListSize 65536", { dimensions: 2, buildListSize: 65536 }],
  ["alpha 0.9", { dimensions: 2, alpha: 0.9 }],
  ["alpha 2.1", { dimensions: 2, alpha: 2.1 }],
  ["alpha NaN", { dimensions: 2, alpha: Number.NaN }],
  ["alpha null", { dimensions: 2, alpha: null }],
  ["threads 0", { dimensions: 2, threads: 0 }],
  ["threads 257", { dimensions: 2, threads: 257 }],
  ["seed -1", { dimensions: 2, seed: -1 }],
  ["seed 2^53", { dimensions: 2, seed: 2 ** 53 }],
  ["seed Infinity", { dimensions: 2, seed: Number.POSITIVE_INFINITY }],
];

const NOT_SOURCES: readonly (readonly [string, unknown])[] = [
  ["undefined", undefined],
  ["null", null],
  ["a number", 3],
  ["an empty object", {}],
  ["an array of bytes", [1, 2, 3]],
  ["a Float32Array", new Float32Array(4)],
  ["a DataView", new DataView(new ArrayBuffer(8))],
  ["an empty path", ""],
];

export function making(test: Test, subject: Subject): void {
  const { VectorIndex } = subject;

  test("create: defaults, and what stats() says of them", async () => {
    const index = await VectorIndex.create({ dimensions: 3 });
    equal([index.dimensions, index.metric, index.dataType, index.size], [3, "l2", "f32", 0]);
    equal(index.backend, subject.backend);
    ok(index instanceof VectorIndex, "instanceof VectorIndex");
    const stats = index.stats();
    equal([stats.maxDegree, stats.buildListSize, stats.alpha, stats.seed], [32, 100, 1.2, 0]);
    equal([stats.degree.average, stats.degree.max, stats.memory.vectors], [0, 0, 0]);
    equal(stats.backend, subject.backend);
    ok(["portable", "avx2", "avx512", "neon", "wasm128"].includes(stats.simd), `simd ${stats.simd}`);
    await index.close();
  });

  test("create: all options arrive in stats() and survive a round trip", async () => {
    const options = {
      dimensions: 5,
      maxDegree: 12,
      buildListSize: 33,
      alpha: 1.37,
      seed: 2 ** 53 - 1,
    } as const;
    const metrics = ["l2", "cosine", "ip", "l1"] as const;
    for (const metric of metrics) {
      await withIndex(subject, { ...options, metric, rows: sample(30, 5) }, async (index) => {
        const again = await VectorIndex.open(await index.toBytes());
        for (const one of [index, again]) {
          const { maxDegree, buildListSize, alpha, seed, dimensions } = one.stats();
          equal({ dimensions, maxDegree, buildListSize, alpha, seed }, options);
          equal([one.metric, one.size], [metric, 30]);
        }
        await again.close();
      });
    }
  });

  test("the extremes of every option are accepted", async () => {
    const low = { dimensions: 1, maxDegree: 4, buildListSize: 1, alpha: 1, threads: 1, seed: 0 };
    await withIndex(subject, { ...low, rows: Float32Array.of(3, 1, 2) }, async (index) => {
      equal(ids(await index.search([0.9], { k: 3 })), [1, 2, 0]);
    });
    const high = { dimensions: 65535, maxDegree: 512, buildListSize: 65535, alpha: 2, threads: 256 };
    const rows = new Float32Array(3 * 65535).map((_, i) => Math.floor(i / 65535) / 256);
    await withIndex(subject, { ...high, rows }, async (index) => {
      equal(ids(await index.search(rows.subarray(2 * 65535), { k: 2 })), [2, 1]);
    });
  });

  for (const [name, options] of BAD_OPTIONS) {
    test(`refuses ${name}`, async () => {
      await rejects(() => VectorIndex.create(options as never), "ERR_INVALID_ARGUMENT", /must be/);
      await rejects(
        () => VectorIndex.build(new Float32Array(0), options as never),
        "ERR_INVALID_ARGUMENT",
        /must be/,
      );
    });
  }

  test("refuses options that are no object", async () => {
    for (const options of [null, undefined, 3, "l2"]) {
      await rejects(() => VectorIndex.create(options as never), "ERR_INVALID_ARGUMENT", /options/);
      await rejects(() => VectorIndex.build([[1]], options as never), "ERR_INVALID_ARGUMENT", /options/);
    }
    await rejects(
      () => VectorIndex.open(new Uint8Array(1), null as never),
      "ERR_INVALID_ARGUMENT",
      /options/,
    );
  });

  test("the constructor is not for use", async () => {
    const Constructor = VectorIndex as unknown as new (parts?: unknown) => Index;
    throws(() => new Constructor(), "ERR_INVALID_ARGUMENT");
    throws(() => new Constructor({}), "ERR_INVALID_ARGUMENT");
  });

  test("static methods work without their class", async () => {
    const { create, build, open } = VectorIndex;
    const index = await build(
      [
        [1, 2],
        [3, 4],
      ],
      { dimensions: 2 },
    );
    const opened = await open(await index.toBytes());
    const empty = await create({ dimensions: 2 });
    equal([index.size, opened.size, empty.size], [2, 2, 0]);
    await Promise.all([index.close(), opened.close(), empty.close()]);
  });

  test("build of nothing is an empty index", async () => {
    for (const nothing of [new Float32Array(0), [], new Set<number[]>()]) {
      const index = await VectorIndex.build(nothing, { dimensions: 4 });
      equal(index.size, 0);
      equal(await index.search([1, 2, 3, 4]), []);
      equal(await index.searchExact([1, 2, 3, 4]), []);
      equal(await index.add([[1, 2, 3, 4]]), [0]);
      equal(ids(await index.search([0, 0, 0, 0])), [0]);
      await index.close();
    }
  });

  test("many indexes at once do not know of each other", async () => {
    const all = await Promise.all(
      [1, 2, 3, 4].map((n) => VectorIndex.build([[n], [n + 10]], { dimensions: 1, metric: "l1" })),
    );
    await all[1]?.add([[100]]);
    const found = await Promise.all(all.map((index) => index.search([0], { k: 5 })));
    equal(
      found.map((hits) => hits.map((hit) => hit.distance)),
      [
        [1, 11],
        [2, 12, 100],
        [3, 13],
        [4, 14],
      ],
    );
    await all[0]?.close();
    equal(ids((await all[2]?.search([3])) ?? []), [0, 1]);
    await Promise.all(all.map((index) => index.close()));
  });

  for (const [name, source] of NOT_SOURCES) {
    test(`open refuses ${name}`, async () => {
      await rejects(() => VectorIndex.open(source as never), "ERR_INVALID_ARGUMENT", /cannot open/);
    });
  }

  if (!subject.files) {
    test("paths are refused where there is no file system", async () => {
      await rejects(() => VectorIndex.open("a.diskann"), "ERR_UNSUPPORTED", /Blob/);
      await withIndex(subject, { dimensions: 1 }, async (index) => {
        await rejects(() => index.save("a.diskann"), "ERR_UNSUPPORTED", /toBytes/);
      });
    });
  }
}
