/** Calls that overlap: they take effect in call order, and close() ends what has started. */
import { equal, type Index, ids, ok, rejects, type Subject, type Test, throws, withIndex } from "../kit.js";
import { sample } from "../model.js";

const D = 16;

export function order(test: Test, subject: Subject): void {
  const { VectorIndex } = subject;

  test("a search after an un-awaited add sees it", async () => {
    await withIndex(subject, { dimensions: 1 }, async (index) => {
      const calls: Promise<unknown>[] = [];
      const seen: number[][] = [];
      for (let i = 0; i < 50; i++) {
        calls.push(index.add([[i]]));
        calls.push(index.search([i], { k: 1 }).then((hits) => seen.push(ids(hits))));
      }
      await Promise.all(calls);
      equal(
        seen,
        [...Array(50).keys()].map((i) => [i]),
        "each search sees the add before it",
      );
    });
  });

  test("a search before an un-awaited add does not see it", async () => {
    await withIndex(subject, { dimensions: 1, rows: Float32Array.of(0, 1) }, async (index) => {
      const before = index.search([5], { k: 10 });
      const batch = index.searchBatch([[5]], { k: 10 });
      const exact = index.searchExact([5], { k: 10 });
      const has = index.has(2);
      const adding = index.add([[5]]);
      const after = index.search([5], { k: 10 });
      const hasNow = index.has(2);
      equal(
        [(await before).length, (await batch).hits(0).length, (await exact).length, await has],
        [2, 2, 2, false],
      );
      equal([await adding, ids(await after), await hasNow], [[2], [2, 1, 0], true]);
    });
  });

  test("everything at once takes effect in call order", async () => {
    const flat = sample(600, D);
    await withIndex(subject, { dimensions: D, rows: flat.subarray(0, 200 * D) }, async (index) => {
      const log: string[] = [];
      const note = (name: string) => (): void => void log.push(name);
      const sizes: Promise<number>[] = [];
      const sizeOf = async (bytes: Promise<Uint8Array>): Promise<number> => {
        const again = await VectorIndex.open(await bytes);
        const { size } = again;
        await again.close();
        return size;
      };
      const calls = [
        index.add(flat.subarray(200 * D, 300 * D)).then(note("add 1")),
        index.toBytes(),
        index.add(flat.subarray(300 * D, 600 * D)).then(note("add 2")),
        index.toBytes(),
        index.verify().then((report) => log.push(`verify ${report.ok}`)),
        index.get(599).then((vector) => log.push(`get ${vector?.length}`)),
      ];
      sizes.push(sizeOf(calls[1] as Promise<Uint8Array>), sizeOf(calls[3] as Promise<Uint8Array>));
      await Promise.all(calls);
      equal(await Promise.all(sizes), [300, 600], "sizes as of the call");
      equal(log.slice(0, 2), ["add 1", "add 2"], "order of the adds");
      equal(log.slice(2).sort(), ["get 16", "verify true"], "reads after them");
    });
  });

  test("a failed call does not hold up or spoil the ones behind it", async () => {
    await withIndex(subject, { dimensions: 2 }, async (index) => {
      const first = index.add([[1, 1]]);
      const bad = rejects(() => index.add([[Number.NaN, 1]]), "ERR_NOT_FINITE");
      const worse = rejects(() => index.add("rows" as never), "ERR_INVALID_ARGUMENT");
      const last = index.add([[2, 2]]);
      const found = index.search([2, 2], { k: 5 });
      await Promise.all([bad, worse]);
      equal([await first, await last, ids(await found)], [[0], [1], [1, 0]]);
    });
  });

  test("100 searches and adds in flight: every answer is of one state", async () => {
    const flat = sample(900, D);
    await withIndex(subject, { dimensions: D, rows: flat.subarray(0, 300 * D) }, async (index) => {
      const searches: Promise<number>[] = [];
      const adds: Promise<unknown>[] = [];
      for (let i = 0; i < 300; i++) {
        const expected = 300 + 2 * i;
        const query = flat.subarray(i * D, (i + 1) * D);
        searches.push(index.searchExact(query, { k: 1000 }).then((hits) => hits.length - expected));
        if (i % 3 === 0) searches.push(index.search(query, { k: 1 }).then((hits) => hits[0]?.distance ?? -1));
        adds.push(index.add(flat.subarray(expected * D, (expected + 2) * D)));
      }
      ok(
        (await Promise.all(searches)).every((difference) => difference === 0),
        "each read is of its own state",
      );
      await Promise.all(adds);
      equal([index.size, (await index.verify()).ok], [900, true]);
    });
  });

  test("close: started calls end, queued ones are ERR_CLOSED, and so is what follows", async () => {
    const flat = sample(1000, D);
    const index = await VectorIndex.build(flat.subarray(0, 500 * D), { dimensions: D });
    const started = index.add(flat.subarray(500 * D));
    const queued = [index.search(flat.subarray(0, D)), index.toBytes(), index.add([flat.subarray(0, D)])];
    const settled = Promise.allSettled(queued);
    const closing = index.close();
    equal((await started).length, 500, "the add that had started");
    for (const call of await settled) {
      equal(call.status, "rejected", "a queued call");
      equal((call as { reason: { code: string } }).reason.code, "ERR_CLOSED", "code");
    }
    await closing;
    await rejects(() => index.search(flat.subarray(0, D)), "ERR_CLOSED");
    equal(index.size, 1000, "size stays readable");
  });

  test("close waits for reads under way", async () => {
    const flat = sample(2000, D);
    const index = await VectorIndex.build(flat, { dimensions: D, maxDegree: 16, buildListSize: 30 });
    const batch = index.searchBatch(flat, { k: 3 });
    const exact = index.searchExact(flat.subarray(0, D), { k: 3 });
    const one = index.search(flat.subarray(0, D), { k: 3 });
    const verify = index.verify();
    await index.close();
    equal((await batch).ids[3], 1, "batch");
    equal([(await exact)[0]?.id, (await one)[0]?.id, (await verify).ok], [0, 0, true]);
  });

  test("close is idempotent, however it is called", async () => {
    const index = await VectorIndex.create({ dimensions: 1 });
    await Promise.all([index.close(), index.close()]);
    await index.close();
    await index[Symbol.asyncDispose]();
    const other = await VectorIndex.create({ dimensions: 1 });
    await other[Symbol.asyncDispose]();
    await rejects(() => other.add([[1]]), "ERR_CLOSED");
  });

  test("after close every method is ERR_CLOSED; what an argument check finds first may say so", async () => {
    const index = await VectorIndex.build([[1, 2]], { dimensions: 2 });
    await index.close();
    for (const [name, call] of METHODS)
      await rejects(() => call(index), "ERR_CLOSED", /closed/).catch(labelled(name));
    throws(() => index.stats(), "ERR_CLOSED");
    equal([index.dimensions, index.metric, index.dataType, index.size], [2, "l2", "f32", 1], "properties");
  });

  test("every method of a fresh, empty index", async () => {
    for (const [name, call] of METHODS) {
      await withIndex(subject, { dimensions: 2 }, async (index) => {
        await call(index).catch(labelled(name));
        const size = name === "add" ? 1 : 0;
        equal([index.size, index.stats().size, (await index.verify()).ok], [size, size, true], name);
        equal((await index.search([0, 0])).length, size, name);
      });
    }
  });

  test("every method while every other is under way", async () => {
    const flat = sample(300, 2);
    for (const [busyName, busy] of METHODS) {
      const index = await VectorIndex.build(flat, { dimensions: 2, maxDegree: 8, buildListSize: 16 });
      const under = busy(index).catch(() => {});
      for (const [name, call] of METHODS) {
        await call(index).catch(labelled(`${name} while ${busyName}`));
      }
      await under;
      equal((await index.verify()).ok, true, `verify after ${busyName}`);
      await index.close();
    }
  });

  test("every method after a failed call works as before", async () => {
    const flat = sample(300, 2);
    const failures: ((index: Index) => Promise<unknown>)[] = [
      (index) => index.add([[Number.NaN, 0]]),
      (index) => index.add([[1, 2]], { ids: [0] }),
      (index) => index.search([Number.NaN, 1]),
      (index) =>
        index.searchBatch([
          [1, 2],
          [Number.NaN, 1],
        ]),
      (index) => index.save({ kind: "file" } as never),
      (index) => index.add(flat, { signal: AbortSignal.abort() }),
    ];
    for (const failure of failures) {
      await withIndex(subject, { dimensions: 2, rows: flat }, async (index) => {
        const before = await index.toBytes();
        await failure(index).then(
          () => ok(false, "it should have failed"),
          () => {},
        );
        equal(await index.toBytes(), before, "bytes");
        for (const [name, call] of METHODS) await call(index).catch(labelled(name));
        equal((await index.verify()).ok, true, "verify");
      });
    }
  });

  test("stats() may be asked at any time", async () => {
    const flat = sample(800, D);
    await withIndex(subject, { dimensions: D, rows: flat.subarray(0, 400 * D) }, async (index) => {
      const adding = index.add(flat.subarray(400 * D));
      equal([index.stats().size, index.size], [400, 400], "while adding");
      await adding;
      const stats = index.stats();
      equal([stats.size, index.size], [800, 800], "after");
      ok(stats.degree.average > 1 && stats.degree.max <= stats.maxDegree, "degrees");
      equal([stats.memory.vectors, stats.memory.graph], [800 * D * 4, 800 * 32 * 4], "memory");
      ok(stats.memory.total >= stats.memory.records && stats.memory.records >= stats.memory.vectors, "parts");
      ok(stats.layout.waste >= 0 && stats.layout.waste <= 0.08, `waste ${stats.layout.waste}`);
      equal(stats.layout.fileBytes, (await index.toBytes()).length, "file bytes");
    });
  });
}

/** Every method, with arguments that are right. */
const METHODS: readonly (readonly [string, (index: Index) => Promise<unknown>])[] = [
  ["add", (index) => index.add([[0.5, 0.25]])],
  ["get", (index) => index.get(0)],
  ["has", (index) => index.has(0)],
  ["search", (index) => index.search([1, 2])],
  ["search with a signal", (index) => index.search([1, 2], { signal: new AbortController().signal })],
  ["searchBatch", (index) => index.searchBatch([[1, 2]])],
  ["searchExact", (index) => index.searchExact([1, 2])],
  ["toBytes", (index) => index.toBytes()],
  ["verify", (index) => index.verify()],
  ["save", (index) => index.save(sink())],
];

/** A handle that takes everything and keeps nothing. */
function sink() {
  const stream = { write: async () => {}, close: async () => {}, abort: async () => {} };
  return { kind: "file" as const, getFile: async () => new Blob([]), createWritable: async () => stream };
}

function labelled(name: string): (error: unknown) => never {
  return (error) => {
    throw new Error(`${name}: ${String(error)}`);
  };
}
