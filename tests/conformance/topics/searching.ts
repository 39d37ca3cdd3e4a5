/** search, searchBatch, searchExact: answers, options, refusals. */
import { equal, type Index, ids, ok, rejects, type Subject, type Test, throws, withIndex } from "../kit.js";
import { nearest, recall, rowsOf, sampleOf } from "../model.js";

const METRICS = ["l2", "cosine", "ip", "l1"] as const;
const D = 24;

const BAD_SEARCH: readonly (readonly [string, unknown])[] = [
  ["options null", null],
  ["options 5", 5],
  ["k 0", { k: 0 }],
  ["k -1", { k: -1 }],
  ["k 1.5", { k: 1.5 }],
  ["k NaN", { k: Number.NaN }],
  ["k Infinity", { k: Number.POSITIVE_INFINITY }],
  ["k 1e10", { k: 1e10 }],
  ["k 65536", { k: 65536 }],
  ["k as text", { k: "3" }],
  ["k as BigInt", { k: 3n }],
  ["k null", { k: null }],
  ["searchListSize 0", { searchListSize: 0 }],
  ["searchListSize 65536", { searchListSize: 65536 }],
  ["searchListSize null", { searchListSize: null }],
  ["beamWidth 0", { beamWidth: 0 }],
  ["beamWidth 65", { beamWidth: 65 }],
  ["pageSearch 1", { pageSearch: 1 }],
  ["pageSearch null", { pageSearch: null }],
  ["signal null", { signal: null }],
  ["signal true", { signal: true }],
];

const BAD_QUERIES: readonly (readonly [string, unknown, string])[] = [
  ["undefined", undefined, "ERR_INVALID_ARGUMENT"],
  ["null", null, "ERR_INVALID_ARGUMENT"],
  ["text", "12", "ERR_INVALID_ARGUMENT"],
  ["an object", { 0: 1, 1: 2, length: 2 }, "ERR_INVALID_ARGUMENT"],
  ["a Float64Array", Float64Array.of(1, 2), "ERR_INVALID_ARGUMENT"],
  ["text components", ["1", "2"], "ERR_INVALID_ARGUMENT"],
  ["BigInt components", [1n, 2n], "ERR_INVALID_ARGUMENT"],
  ["a nested vector", [[1, 2]], "ERR_DIMENSION_MISMATCH"],
  ["too short", [1], "ERR_DIMENSION_MISMATCH"],
  ["too long", Float32Array.of(1, 2, 3), "ERR_DIMENSION_MISMATCH"],
  ["empty", [], "ERR_DIMENSION_MISMATCH"],
  ["NaN", [1, Number.NaN], "ERR_NOT_FINITE"],
  ["NaN in a Float32Array", Float32Array.of(Number.NaN, 1), "ERR_NOT_FINITE"],
  ["Infinity", [Number.POSITIVE_INFINITY, 0], "ERR_NOT_FINITE"],
  ["a number above float32", [1e300, 0], "ERR_NOT_FINITE"],
];
const TOO_LONG = ["a squared norm that overflows", [1.5e19, 0], "ERR_NOT_FINITE"] as const;

export function searching(test: Test, subject: Subject): void {
  const { dataType } = subject;
  const count = dataType === undefined ? 3000 : 1000; // the other types go through all of this again
  const sample = sampleOf(dataType);
  for (const metric of METRICS) {
    test(`${metric}: searchExact is the truth, search is near it, distances are right`, async () => {
      const flat = sample(count, D);
      const queries = sample(50, D, 1);
      const rows = rowsOf(flat, D);
      await withIndex(subject, { dimensions: D, metric, rows: flat }, async (index) => {
        let found = 0;
        for (const [, query] of rowsOf(queries, D)) {
          const truth = nearest(metric, rows, query, 10);
          const exact = await index.searchExact(query);
          equal(ids(exact), ids(truth), "exact ids");
          const scale = metric === "cosine" ? 1 : Math.max(1, Math.abs(truth[9]?.distance ?? 1));
          exact.forEach((hit, i) => {
            const error = Math.abs(hit.distance - (truth[i]?.distance ?? Number.NaN));
            ok(
              error <= 2e-5 * scale,
              `distance of hit ${i}: ${hit.distance}, expected ${truth[i]?.distance}`,
            );
          });
          const hits = await index.search(query, { searchListSize: 100 });
          equal(hits.length, 10, "hits");
          found += recall(hits, truth);
          const distances = new Map(exact.map((hit) => [hit.id, hit.distance]));
          for (const hit of hits) {
            const known = distances.get(hit.id);
            if (known !== undefined) equal(hit.distance, known, "search and searchExact agree to the bit");
          }
        }
        ok(found / 50 >= 0.99, `recall@10 ${found / 50} of ${metric} is below 0.99`);
      });
    });
  }

  test("hits are nearest first, equal distances by id, without repeats", async () => {
    const flat = new Float32Array(400 * 2).map((_, i) => (i % 2 ? 0 : Math.floor(i / 2) % 20));
    const own = [...Array(400).keys()].map((i) => (i * 7919) % 100_003);
    await withIndex(subject, { dimensions: 2 }, async (index) => {
      await index.add(flat, { ids: own });
      for (const call of [index.search([3, 0], { k: 60 }), index.searchExact([3, 0], { k: 60 })]) {
        const hits = await call;
        const sorted = [...hits].sort((a, b) => a.distance - b.distance || a.id - b.id);
        equal(hits, sorted, "order");
        equal(new Set(ids(hits)).size, 60, "distinct");
        equal(
          hits.slice(0, 20).every((hit) => hit.distance === 0),
          true,
          "the nearest",
        );
      }
    });
  });

  test("min(k, size) distinct hits, with any k, also of equal rows", async () => {
    for (const size of [1, 2, 17, 500]) {
      await withIndex(subject, { dimensions: 3, rows: new Float32Array(size * 3).fill(2) }, async (index) => {
        for (const k of [1, 2, 17, 499, 500, 501, 65535]) {
          const expected = [...Array(Math.min(k, size)).keys()];
          const hits = await index.search([2, 2, 2], { k });
          equal(new Set(ids(hits)).size, expected.length, `search: size ${size}, k ${k}`);
          const exact = await index.searchExact([2, 2, 2], { k });
          equal(ids(exact), expected, `searchExact: size ${size}, k ${k}`);
        }
      });
    }
  });

  test("every row finds itself", async () => {
    const flat = sample(count, D);
    await withIndex(subject, { dimensions: D, rows: flat }, async (index) => {
      const batch = await index.searchBatch(flat, { k: 1 });
      let found = 0;
      for (let i = 0; i < count; i++) found += batch.ids[i] === i ? 1 : 0;
      equal(found, count, "rows that find themselves");
    });
  });

  test("cosine: a zero vector has distance 1 to all, length does not matter", async () => {
    await withIndex(
      subject,
      { dimensions: 2, metric: "cosine", dataType: dataType === "u8" ? "i8" : dataType },
      async (index) => {
        const [short, long] = dataType === undefined ? [1e-12, 1e12] : [1, 120];
        await index.add([
          [0, 0],
          [short, 0],
          [0, long],
          [-5, 0],
        ]);
        equal(await index.search([3, 0]), [
          { id: 1, distance: 0 },
          { id: 0, distance: 1 },
          { id: 2, distance: 1 },
          { id: 3, distance: 2 },
        ]);
        const zero = await index.search([0, 0]);
        equal(
          zero.map((hit) => [hit.id, hit.distance]),
          [
            [0, 1],
            [1, 1],
            [2, 1],
            [3, 1],
          ],
        );
      },
    );
  });

  test("ip: the largest inner product is the nearest", async () => {
    await withIndex(
      subject,
      { dimensions: 2, metric: "ip", rows: Float32Array.of(2, 0, 3, 0, 0, 1) },
      async (index) => {
        equal(await index.search([2, 0]), [
          { id: 1, distance: -6 },
          { id: 0, distance: -4 },
          { id: 2, distance: 0 },
        ]);
      },
    );
  });

  test("a query of any accepted shape gives the same answer", async () => {
    const flat = Float32Array.from(sample(300, 4), Math.round).map((x) => x % 100);
    await withIndex(subject, { dimensions: 4, rows: flat }, async (index) => {
      const numbers = [1, dataType === "u8" ? 2 : -2, 3, 4];
      const expected = await index.search(numbers);
      const wide = Float32Array.of(7, 7, ...numbers, 7);
      for (const query of [
        Float32Array.from(numbers),
        wide.subarray(2, 6),
        Int8Array.from(numbers),
        Int8Array.of(9, ...numbers).subarray(1),
      ]) {
        equal(await index.search(query), expected, query.constructor.name);
        equal((await index.searchBatch([query])).hits(0), expected, query.constructor.name);
        equal(await index.searchExact(query), expected, query.constructor.name);
      }
      equal(await index.search(Uint8Array.of(1, 2, 3, 4)), await index.search([1, 2, 3, 4]), "Uint8Array");
    });
  });

  test("a subarray view is honoured with its byteOffset", async () => {
    const flat = sample(200, D);
    await withIndex(subject, { dimensions: D, rows: flat }, async (index) => {
      for (const row of [1, 57, 199]) {
        const view = flat.subarray(row * D, (row + 1) * D);
        equal((await index.search(view, { k: 1 }))[0], { id: row, distance: 0 }, "search");
        equal((await index.searchExact(view, { k: 1 }))[0], { id: row, distance: 0 }, "searchExact");
        equal((await index.searchBatch(view, { k: 1 })).hits(0)[0], { id: row, distance: 0 }, "searchBatch");
      }
      const middle = flat.subarray(10 * D, 20 * D);
      equal(
        Array.from((await index.searchBatch(middle, { k: 1 })).ids),
        [10, 11, 12, 13, 14, 15, 16, 17, 18, 19],
      );
    });
  });

  test("a query may change as soon as the call is made", async () => {
    const flat = sample(500, D);
    await withIndex(subject, { dimensions: D, rows: flat }, async (index) => {
      const query = flat.slice(0, D);
      const expected = await index.search(query);
      const controller = new AbortController();
      const calls = [
        () => index.search(query),
        () => index.search(query, { signal: controller.signal }),
        () => index.searchExact(query),
        async () => (await index.searchBatch(query)).hits(0),
        async () => (await index.searchBatch([query])).hits(0),
      ];
      const answers = calls.map((call) => {
        query.set(flat.subarray(0, D));
        const answer = call();
        query.fill(1e9);
        return answer;
      });
      for (const answer of answers) equal(ids(await answer), ids(expected), "ids");
      query.set(flat.subarray(0, D));
      const adding = index.add(flat.subarray(D, 2 * D));
      const queued = index.search(query);
      query.fill(-1e9);
      await adding;
      equal((await queued)[0]?.id, 0, "a search that had to wait");
    });
  });

  test("searchBatch: every row is the answer of search; padding; hits(row)", async () => {
    const flat = sample(count, D);
    const queries = sample(200, D, 1);
    await withIndex(subject, { dimensions: D, rows: flat }, async (index) => {
      for (const threads of [1, 2, 7, undefined]) {
        const batch = await index.searchBatch(queries, { k: 5, searchListSize: 40, threads });
        equal([batch.count, batch.k, batch.ids.length, batch.distances.length], [200, 5, 1000, 1000]);
        for (const [row, query] of rowsOf(queries, D)) {
          if (row % 20 === 0)
            equal(batch.hits(row), await index.search(query, { k: 5, searchListSize: 40 }), `row ${row}`);
        }
      }
    });
    await withIndex(subject, { dimensions: 1, rows: Float32Array.of(1, 5) }, async (index) => {
      const batch = await index.searchBatch([[0], [9]], { k: 4 });
      equal(batch.ids, Float64Array.of(0, 1, Number.NaN, Number.NaN, 1, 0, Number.NaN, Number.NaN));
      const inf = Number.POSITIVE_INFINITY;
      equal(batch.distances, Float32Array.of(1, 25, inf, inf, 16, 64, inf, inf));
      equal(batch.hits(1), [
        { id: 1, distance: 16 },
        { id: 0, distance: 64 },
      ]);
      for (const row of [-1, 2, 0.5, Number.NaN]) throws(() => batch.hits(row), "ERR_INVALID_ARGUMENT");
      const none = await index.searchBatch([]);
      equal([none.count, none.k, none.ids.length], [0, 10, 0]);
      equal((await index.searchBatch(new Float32Array(0), { k: 3 })).count, 0);
    });
    await withIndex(subject, { dimensions: 1 }, async (index) => {
      const batch = await index.searchBatch([[0], [9]], { k: 2 });
      equal([batch.count, batch.hits(1)], [2, []], "an empty index");
    });
  });

  test("searchBatch of more than a slab equals its pieces; an error names the row of the whole", async () => {
    const dimensions = 512;
    const rows = 1500;
    const queries = new Float32Array(rows * dimensions).map((_, i) => Math.floor(i / dimensions) % 100);
    const base = new Float32Array(100 * dimensions).map((_, i) => Math.floor(i / dimensions));
    await withIndex(subject, { dimensions, rows: base, maxDegree: 8, buildListSize: 16 }, async (index) => {
      const batch = await index.searchBatch(queries, { k: 1 });
      equal(
        Array.from(batch.ids),
        [...Array(rows).keys()].map((i) => i % 100),
      );
      queries[1400 * dimensions] = Number.NaN;
      const error = await rejects(() => index.searchBatch(queries, { k: 1 }), "ERR_NOT_FINITE", /row 1400\b/);
      equal(error.row, 1400, "row");
      const small = queries.subarray(1399 * dimensions, 1402 * dimensions);
      equal((await rejects(() => index.searchBatch(small), "ERR_NOT_FINITE", /row 1\b/)).row, 1, "row");
    });
  });

  test("a batch too large for memory is refused, not tried", async () => {
    await withIndex(subject, { dimensions: 1, rows: Float32Array.of(1) }, async (index) => {
      const queries = new Float32Array(4_000_000);
      await rejects(() => index.searchBatch(queries, { k: 65535 }), "ERR_NO_MEMORY", /fewer/);
    });
  });

  test("a longer list never gives fewer hits, and k raises it", async () => {
    const flat = sample(count, D);
    const queries = rowsOf(sample(30, D, 1), D);
    const rows = rowsOf(flat, D);
    await withIndex(
      subject,
      { dimensions: D, rows: flat, maxDegree: 8, buildListSize: 20 },
      async (index) => {
        const found = [1, 10, 40, 160].map(() => 0);
        for (const [, query] of queries) {
          const truth = nearest("l2", rows, query, 10);
          for (const [i, searchListSize] of [1, 10, 40, 160].entries()) {
            const hits = await index.search(query, { searchListSize });
            equal(hits.length, 10, `hits at list size ${searchListSize}`);
            found[i] = (found[i] as number) + recall(hits, truth);
          }
        }
        const [one, ten, forty, most] = found as [number, number, number, number];
        equal(one, ten, "k raises the list size");
        ok(ten < forty && forty <= most && most / 30 >= 0.97, `recall by list size: ${found.join(", ")}`);
      },
    );
  });

  test("beamWidth and pageSearch change the work, not the promise", async () => {
    const flat = sample(count, D);
    const rows = rowsOf(flat, D);
    await withIndex(subject, { dimensions: D, rows: flat }, async (index) => {
      for (const options of [{ beamWidth: 8 }, { pageSearch: true }, { beamWidth: 64, pageSearch: true }]) {
        let found = 0;
        for (const [, query] of rowsOf(sample(20, D, 1), D)) {
          const hits = await index.search(query, { ...options, searchListSize: 100 });
          equal(await index.search(query, { ...options, searchListSize: 100 }), hits, "the same again");
          found += recall(hits, nearest("l2", rows, query, 10));
        }
        ok(found / 20 >= 0.99, `recall ${found / 20} with ${JSON.stringify(options)}`);
      }
    });
  });

  for (const [name, options] of BAD_SEARCH) {
    test(`searches refuse ${name}`, async () => {
      await withIndex(subject, { dimensions: 2, rows: Float32Array.of(1, 2) }, async (index) => {
        const calls = searches(index, [1, 2], options as never);
        for (const call of calls) await rejects(call, "ERR_INVALID_ARGUMENT", /must be/);
        equal(ids(await index.search([1, 2])), [0], "it goes on");
      });
    });
  }

  test("threads are checked", async () => {
    await withIndex(subject, { dimensions: 2, rows: Float32Array.of(1, 2) }, async (index) => {
      for (const threads of [0, 257, 1.5, null, "2"]) {
        const options = { threads: threads as never };
        await rejects(() => index.searchBatch([[1, 2]], options), "ERR_INVALID_ARGUMENT", /threads/);
        await rejects(() => index.searchExact([1, 2], options), "ERR_INVALID_ARGUMENT", /threads/);
      }
    });
  });

  for (const [name, query, code] of dataType === undefined ? [...BAD_QUERIES, TOO_LONG] : BAD_QUERIES) {
    test(`searches refuse a query: ${name}`, async () => {
      await withIndex(subject, { dimensions: 2, rows: Float32Array.of(1, 2) }, async (index) => {
        for (const call of searches(index, query as never)) await rejects(call, code as never);
        equal(ids(await index.search([1, 2])), [0], "it goes on");
      });
    });
  }

  test("searchBatch refuses what is no list of queries", async () => {
    await withIndex(subject, { dimensions: 2, rows: Float32Array.of(1, 2) }, async (index) => {
      for (const queries of [null, undefined, "x", 3, {}, new Set([[1, 2]]), [1, 2], Float64Array.of(1, 2)]) {
        await rejects(() => index.searchBatch(queries as never), "ERR_INVALID_ARGUMENT", /queries/);
      }
      await rejects(() => index.searchBatch(Float32Array.of(1, 2, 3)), "ERR_DIMENSION_MISMATCH", /multiple/);
      const error = await rejects(() => index.searchBatch([[1, 2], [1]]), "ERR_DIMENSION_MISMATCH", /row 1/);
      equal(error.row, 1, "row");
    });
  });
}

function searches(index: Index, query: number[], options?: never): (() => Promise<unknown>)[] {
  return [
    () => index.search(query, options),
    () => index.searchExact(query, options),
    () => index.searchBatch([query], options),
  ];
}
