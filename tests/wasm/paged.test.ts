/** Searches of a paged index when reads come late, out of order, not at all; when they are given up; when the core fails. */
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import type { BackendIndex, CoreHits } from "../../ts/backend/backend.js";
import { bytesStore } from "../../ts/storage/memory.js";
import type { PageStore } from "../../ts/storage/page-store.js";
import { Random } from "../support/random.js";
import { watchInstances } from "./cycles.js";
import {
  answers,
  built,
  DIMENSIONS,
  freshModule,
  HeldStore,
  openHeld,
  PARAMS,
  query,
  SUPERBLOCK_BYTES,
  turn,
} from "./paged-kit.js";

const QUERIES = 40;

let module: WebAssembly.Module;
let bytes: Uint8Array;
let pageBytes: number;
let expected: ReturnType<typeof answers>[];

beforeAll(async () => {
  module = await freshModule();
  const made = await built(module);
  ({ bytes, pageBytes } = made);
  expected = [];
  for (let i = 0; i < QUERIES; i++) expected.push(answers(await made.index.search(query(i), PARAMS)));
  made.index.close();
});
afterEach(() => vi.restoreAllMocks());

const pageOf = (offset: number): number => (offset - SUPERBLOCK_BYTES) / pageBytes;
const below = (random: Random, count: number): number => {
  random.next();
  return random.low % count;
};

/** Lets waiting reads end, `pick` says which and how, until all searches have. */
async function deliverAll<T>(
  store: HeldStore,
  searches: Promise<T>[],
  pick: (waiting: number) => { n: number; error?: Error },
): Promise<PromiseSettledResult<T>[]> {
  let ended = false;
  const all = Promise.allSettled(searches);
  void all.then(() => {
    ended = true;
  });
  while (!ended) {
    await turn();
    if (store.pending.length === 0) continue;
    const { n, error } = pick(store.pending.length);
    store.deliver(n, error);
  }
  return all;
}

/** A store that fails for some pages. */
function brokenStore(bad: ReadonlySet<number>, synchronous: boolean): PageStore {
  const good = bytesStore(bytes);
  const readSync: PageStore["readSync"] = (requests) => {
    for (const { offset } of requests)
      if (bad.has(pageOf(offset))) throw new Error(`sector ${pageOf(offset)} is gone`);
    good.readSync?.(requests);
  };
  const { read: _, readSync: __, ...rest } = good;
  const read = async (requests: Parameters<PageStore["read"]>[0]): Promise<void> => {
    await turn();
    readSync(requests);
  };
  return synchronous ? { ...rest, read, readSync } : { ...rest, read };
}

describe("reads that are held back", () => {
  for (const cacheBytes of [0, 60_000, 1e9])
    it(`end in any order, with a cache of ${cacheBytes} bytes: the answers are those of the index in memory`, async () => {
      for (let seed = 0; seed < 5; seed++) {
        const random = new Random(seed);
        const store = new HeldStore(bytes, 1 + (seed % 5));
        const index = await openHeld(module, store, cacheBytes);
        const searches = expected.map((_, i) => index.search(query(i), PARAMS));
        const found = await deliverAll(store, searches, (waiting) => ({ n: below(random, waiting) }));
        expect(found.map((end) => end.status === "fulfilled" && answers(end.value))).toEqual(expected);
        await index.close();
        expect(store.closed).toBe(1);
      }
    });

  it("keep no more searches under way than the store is worth, and none of their pages twice", async () => {
    const store = new HeldStore(bytes, 3);
    const index = await openHeld(module, store, 1e9);
    const searches = expected.map((_, i) => index.search(query(i), PARAMS));
    const seen = new Set<number>();
    let most = 0;
    await deliverAll(store, searches, (waiting) => {
      most = Math.max(most, waiting);
      for (const { offset } of store.pending[0]?.requests ?? []) {
        expect(seen.has(offset)).toBe(false);
        seen.add(offset);
      }
      return { n: 0 };
    });
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(3);
    await index.close();
  });

  it("a batch has several searches under way, and adds up their work", async () => {
    const store = new HeldStore(bytes, 4);
    const index = await openHeld(module, store, 1e9);
    const queries = Float32Array.from(expected.flatMap((_, i) => [...query(i)]));
    let most = 0;
    const [end] = await deliverAll(store, [index.searchBatch(queries, PARAMS, {})], (waiting) => {
      most = Math.max(most, waiting);
      return { n: waiting - 1 };
    });
    const hits = (end as PromiseFulfilledResult<CoreHits>).value;
    expect(answers(hits)).toEqual({
      ids: expected.flatMap(({ ids }) => ids),
      distances: expected.flatMap(({ distances }) => distances),
    });
    const { cacheReads, cacheBytesRead } = index.stats();
    expect([hits.reads, hits.bytesRead]).toEqual([cacheReads, cacheBytesRead]);
    expect(most).toBeGreaterThan(1);
    await index.close();
  });
});

describe("reads that fail", () => {
  for (const synchronous of [false, true])
    it(`fail the searches that want the page${synchronous ? ", at once" : ""}; a later search asks again`, async () => {
      const bad = new Set([3, 11]);
      const index = await openHeld(module, brokenStore(bad, synchronous), 1e9);
      const ends = await Promise.allSettled(expected.map((_, i) => index.search(query(i), PARAMS)));
      const failed = ends.filter((end) => end.status === "rejected");
      expect(failed.length).toBeGreaterThan(0);
      expect(failed.length).toBeLessThan(QUERIES);
      for (const { reason } of failed) {
        expect(reason).toMatchObject({
          code: "ERR_IO",
          message: expect.stringMatching(/sector (\d+) is gone \(page \1\)/),
        });
        expect(bad.has(reason.page)).toBe(true);
        expect(reason.cause).toBeInstanceOf(Error);
      }
      for (const [i, end] of ends.entries())
        if (end.status === "fulfilled") expect(answers(end.value)).toEqual(expected[i]);
      bad.clear();
      for (let i = 0; i < QUERIES; i++)
        expect(answers(await index.search(query(i), PARAMS))).toEqual(expected[i]);
      await index.close();
    });

  it("now and then, in any order: right answers or ERR_IO, and all memory comes back", async () => {
    for (let seed = 0; seed < 5; seed++) {
      const random = new Random(seed);
      const store = new HeldStore(bytes);
      const index = await openHeld(module, store, 0);
      const before = index.stats().memoryTotal;
      const searches = expected.map((_, i) => index.search(query(i), PARAMS));
      const ends = await deliverAll(store, searches, (waiting) => {
        const n = below(random, waiting);
        return below(random, 10) === 0 ? { n, error: new Error("timeout") } : { n };
      });
      let right = 0;
      for (const [i, end] of ends.entries()) {
        if (end.status === "rejected") expect(end.reason).toMatchObject({ code: "ERR_IO" });
        else {
          expect(answers(end.value)).toEqual(expected[i]);
          right++;
        }
      }
      expect(right).toBeGreaterThan(0);
      // the tables of as many frames as a round needs are kept
      expect(index.stats().memoryTotal - before).toBeLessThan(pageBytes);
      await index.close();
    }
  });

  it("a batch tells the first row that failed", async () => {
    const index = await openHeld(module, brokenStore(new Set([3, 11]), false), 1e9);
    const singles = await Promise.allSettled(expected.map((_, i) => index.search(query(i), PARAMS)));
    const first = singles.findIndex(({ status }) => status === "rejected");
    const queries = Float32Array.from(expected.flatMap((_, i) => [...query(i)]));
    await expect(index.searchBatch(queries, PARAMS, {})).rejects.toMatchObject({
      code: "ERR_IO",
      row: first,
    });
    await index.close();
  });
});

describe("searches that are given up", () => {
  it("after any number of reads: the others are right, later reads are taken, memory comes back", async () => {
    for (let step = 0; step < 12; step++) {
      const store = new HeldStore(bytes, 8);
      const index = await openHeld(module, store, 0);
      const before = index.stats().memoryTotal;
      const controller = new AbortController();
      const given = [0, 1, 2].map((i) => index.search(query(i), PARAMS, controller.signal));
      const others = [3, 4, 5].map((i) => index.search(query(i), PARAMS));
      const ends = Promise.allSettled(given);
      for (let i = 0; i < step; i++) {
        await turn();
        store.deliver(store.pending.length - 1);
      }
      controller.abort(new Error("enough"));
      const settled = await ends;
      for (const end of settled)
        expect(end.status === "rejected" ? end.reason.message : "answered").toMatch(/enough|answered/);
      const found = await deliverAll(store, others, () => ({ n: 0 }));
      expect(found.map((end) => end.status === "fulfilled" && answers(end.value))).toEqual(
        expected.slice(3, 6),
      );
      while (store.pending.length > 0) {
        store.deliver();
        await turn();
      }
      expect(index.stats().memoryTotal - before).toBeLessThan(pageBytes);
      await index.close();
    }
  });

  it("close cuts off what is read for nobody, waits for it, then closes the store", async () => {
    const store = new HeldStore(bytes);
    const index = await openHeld(module, store, 0);
    const controller = new AbortController();
    const given = index.search(query(0), PARAMS, controller.signal);
    const end = expect(given).rejects.toThrow("enough");
    controller.abort(new Error("enough"));
    await end;
    let closed = false;
    const closing = Promise.resolve(index.close()).then(() => {
      closed = true;
    });
    await turn();
    expect([closed, store.closed, store.signal?.aborted]).toEqual([false, 0, true]);
    store.deliver(0, new Error("cut off"));
    await closing;
    await index.close();
    expect(store.closed).toBe(1);
  });
});

describe("a store that answers at once", () => {
  it("needs no turn of its promises", async () => {
    const { readSync, ...store } = bytesStore(bytes);
    const read = vi.fn(store.read);
    const index = await openHeld(module, { ...store, read, readSync: readSync as never }, 0);
    const opened = read.mock.calls.length;
    let hits: CoreHits | undefined;
    void index.search(query(0), PARAMS).then((found) => {
      hits = found;
    });
    await Promise.resolve();
    expect(hits && answers(hits)).toEqual(expected[0]);
    expect(read).toHaveBeenCalledTimes(opened);
    await index.close();
  });

  it("does not keep others from their turn, in a batch or when many searches wait", async () => {
    for (const [store, many] of [
      [bytesStore(bytes), false],
      [brokenStore(new Set(), false), true],
    ] as const) {
      const index = await openHeld(module, store, 1e9);
      let turns = 0;
      let longest = 0;
      let last = performance.now();
      const timer = setInterval(() => {
        turns++;
        longest = Math.max(longest, performance.now() - last);
        last = performance.now();
      }, 0);
      const queries = new Float32Array(3000 * DIMENSIONS);
      for (let i = 0; i < 3000; i++) queries.set(query(i % QUERIES), i * DIMENSIONS);
      if (many)
        await Promise.all(Array.from({ length: 3000 }, (_, i) => index.search(query(i % QUERIES), PARAMS)));
      else await index.searchBatch(queries, PARAMS, {});
      clearInterval(timer);
      expect(turns).toBeGreaterThan(5);
      expect(longest).toBeLessThan(250);
      await index.close();
    }
  });
});

/** Another `paged_search_advance`, once `broken` says so. */
function breakAdvance(broken: () => boolean, advance: () => number): void {
  const real = WebAssembly.instantiate;
  const wrapped = async (made: WebAssembly.Module, imports: WebAssembly.Imports) => {
    const { exports } = await real(made, imports);
    const own = exports.paged_search_advance as (op: number) => number;
    const exchange = (exports.exchange as () => number)() / 8;
    const replaced = (op: number): number => {
      if (!broken()) return own(op);
      new Float64Array((exports.memory as WebAssembly.Memory).buffer)[exchange] = 0; // it did not move
      return advance();
    };
    return { exports: { ...exports, paged_search_advance: replaced } };
  };
  vi.spyOn(WebAssembly, "instantiate").mockImplementation(wrapped as never);
}

describe("a core that fails", () => {
  const opened = async (
    advance: () => number,
  ): Promise<{ index: BackendIndex; store: HeldStore; start(): void }> => {
    let broken = false;
    breakAdvance(() => broken, advance);
    const store = new HeldStore(bytes);
    const index = await openHeld(await freshModule(), store, 1e9);
    return {
      index,
      store,
      start: () => {
        broken = true;
      },
    };
  };

  it("ends all searches when it traps, and the index closes", async () => {
    const { index, store, start } = await opened(() => {
      throw new WebAssembly.RuntimeError("unreachable");
    });
    const searches = Promise.allSettled(expected.map((_, i) => index.search(query(i), PARAMS)));
    start();
    while (store.pending.length > 0) {
      store.deliver();
      await turn();
    }
    for (const end of await searches)
      expect(end).toMatchObject({ status: "rejected", reason: { code: "ERR_CORRUPT" } });
    await index.close();
    expect(store.closed).toBe(1);
  });

  it("is out of memory when all searches wait for nothing", async () => {
    const WAIT = 3;
    const { index, store, start } = await opened(() => WAIT);
    const searches = Promise.allSettled(expected.map((_, i) => index.search(query(i), PARAMS)));
    start();
    while (store.pending.length > 0) {
      store.deliver();
      await turn();
    }
    for (const end of await searches)
      expect(end).toMatchObject({ status: "rejected", reason: { code: "ERR_NO_MEMORY" } });
    await index.close();
  });
});

describe("10,000 searches", () => {
  it("leave the instance as large as it was, with a small cache, by reads and at once", async () => {
    const fresh = await freshModule();
    const watch = watchInstances();
    const { readSync: _, ...later } = bytesStore(bytes);
    for (const [n, store] of [bytesStore(bytes), later].entries()) {
      const index = await openHeld(fresh, store, 60_000);
      const round = async (count: number): Promise<void> => {
        for (let i = 0; i < count; i += 100)
          await Promise.all(
            Array.from({ length: 100 }, (_, j) => index.search(query((i + j) % 400), PARAMS)),
          );
      };
      await round(1000);
      const memory = watch.memoryBytes(n);
      const { memoryTotal } = index.stats();
      await round(10_000);
      expect(watch.memoryBytes(n)).toBe(memory);
      expect(index.stats().memoryTotal).toBe(memoryTotal);
      expect(memory).toBeLessThan(4 * 2 ** 20);
      // the second is to have an instance of its own
      if (n === 1) await index.close();
    }
  });
});
