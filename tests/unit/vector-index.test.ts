/** VectorIndex over a backend that only counts: what the class itself does. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { defineVectorIndex } from "../../ts/api/define.js";
import type {
  Backend,
  BackendIndex,
  BackendInsert,
  Control,
  CoreHits,
  CoreStats,
} from "../../ts/backend/backend.js";

const HITS: CoreHits = {
  ids: Float64Array.of(7, Number.NaN),
  distances: Float32Array.of(0.5, Number.POSITIVE_INFINITY),
  distanceComputations: 1,
  hops: 1,
};

/** Keeps rows in one list; every method notes that it was called. */
class FakeIndex implements BackendIndex {
  readonly paged = false;
  size = 0;
  closed = 0;
  discarded = 0;
  calls: string[] = [];
  /** What `run` waits for. */
  gate: Promise<void> = Promise.resolve();
  beforeRun: (control: Control) => void = () => {};
  throwing = false;

  search(): Promise<CoreHits> {
    this.calls.push("search");
    if (this.throwing) throw new Error("at once");
    return Promise.resolve(HITS);
  }
  searchBatch = async (): Promise<CoreHits> => HITS;
  searchExact = async (): Promise<CoreHits> => HITS;
  get = async (): Promise<undefined> => undefined;
  has = async (): Promise<boolean> => false;
  insert(kind: string): BackendInsert {
    let rows = 0;
    this.calls.push(kind);
    return {
      append: (slab) => {
        rows += slab.length;
        this.calls.push(`append ${slab.length}`);
      },
      links: () => {},
      run: async (control) => {
        this.beforeRun(control);
        await this.gate;
        this.size += rows;
      },
      discard: () => {
        this.discarded++;
      },
    };
  }
  save = async (): Promise<void> => {};
  toBytes = async (): Promise<Uint8Array> => new Uint8Array(3);
  verify = async () => ({ ok: true, errors: [] });
  stats(): CoreStats {
    this.calls.push("stats");
    const { size } = this;
    const shape = {
      dimensions: 1,
      metric: 0,
      dataType: 0,
      maxDegree: 32,
      buildListSize: 100,
      seed: 0,
      codes: 0,
      codeBytes: 0,
      pageBytes: 0,
    };
    const layout = { recordBytes: 100, pageBytes: 4096, recordsPerPage: 40, pages: 0, fileBytes: 3 };
    const memory = {
      memoryVectors: 0,
      memoryGraph: 0,
      memoryRecords: 0,
      memoryCodes: 0,
      memoryIds: 0,
      memoryTotal: 0,
      relativeError: 0,
    };
    const cache = {
      cacheBytes: 0,
      cacheLimit: 0,
      cacheHits: 0,
      cacheMisses: 0,
      cacheReads: 0,
      cacheBytesRead: 0,
    };
    const alpha = Math.fround(1.2);
    return {
      ...shape,
      ...layout,
      ...memory,
      ...cache,
      alpha,
      simd: 1,
      size,
      nextId: size,
      edges: 0,
      degreeMax: 0,
    };
  }
  close(): void {
    this.closed++;
  }
}

function fake(core = new FakeIndex()) {
  const backend: Backend = {
    name: "wasm",
    simd: "portable",
    create: async () => core,
    open: async () => core,
  };
  const seen: object[] = [];
  const VectorIndex = defineVectorIndex<{ mine?: string }>(async (options) => {
    seen.push(options);
    return backend;
  });
  return { core, VectorIndex, seen };
}

test("an entry's own options reach its loader", async () => {
  const { VectorIndex, seen } = fake();
  await VectorIndex.create({ dimensions: 1, mine: "a" });
  await VectorIndex.build([], { dimensions: 1, mine: "b" });
  await VectorIndex.open(new Uint8Array(1), { mine: "c" });
  await VectorIndex.open(new Uint8Array(1));
  expect(seen).toMatchObject([{ mine: "a" }, { mine: "b" }, { mine: "c" }, {}]);
});

test("a subclass makes its own", async () => {
  const { VectorIndex } = fake();
  class Mine extends VectorIndex {}
  expect(await Mine.create({ dimensions: 1 })).toBeInstanceOf(Mine);
  expect(await VectorIndex.create({ dimensions: 1 })).not.toBeInstanceOf(Mine);
});

test("an index that is dropped without close() is freed", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const { core, VectorIndex } = fake();
  await (async () => {
    const index = await VectorIndex.create({ dimensions: 1 });
    await index.search([1]);
  })();
  for (let i = 0; i < 50 && core.closed === 0; i++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  expect(core.closed).toBe(1);
});

test("close frees once, whatever is called how often", async () => {
  const { core, VectorIndex } = fake();
  const index = await VectorIndex.create({ dimensions: 1 });
  await Promise.all([index.close(), index.close(), index[Symbol.asyncDispose]()]);
  expect(core.closed).toBe(1);
});

test("a build that fails frees what it made and ends its insertion", async () => {
  const { core, VectorIndex } = fake();
  core.gate = Promise.reject(new Error("no"));
  await expect(VectorIndex.build([[1]], { dimensions: 1 })).rejects.toThrow("no");
  expect([core.closed, core.discarded]).toEqual([1, 1]);
});

test("a backend that throws at once does not block the queue", async () => {
  const { core, VectorIndex } = fake();
  const index = await VectorIndex.create({ dimensions: 1 });
  core.throwing = true;
  await expect(index.search([1])).rejects.toThrow("at once");
  core.throwing = false;
  await index.add([[1]]);
  expect(await index.search([1])).toEqual([{ id: 7, distance: 0.5 }]);
});

test("a search with nothing to wait for reaches the backend within the call", async () => {
  const { core, VectorIndex } = fake();
  const index = await VectorIndex.create({ dimensions: 1 });
  core.calls = [];
  const search = index.search([1]);
  expect(core.calls).toEqual(["search"]);
  await search;
});

test("the backend is not asked for stats while it writes, and only once while nothing changes", async () => {
  const { core, VectorIndex } = fake();
  const index = await VectorIndex.create({ dimensions: 1 });
  let open = (): void => {};
  core.gate = new Promise((resolve) => {
    open = resolve;
  });
  core.calls = [];
  const adding = index.add([[1], [2]]);
  expect(index.stats().size).toBe(0);
  await new Promise((resolve) => setImmediate(resolve));
  expect([index.stats().size, index.size]).toEqual([0, 0]);
  expect(core.calls).toEqual(["add", "append 2"]);
  open();
  await adding;
  expect([index.stats().size, index.stats().alpha]).toEqual([2, 1.2]);
  expect(core.calls).toEqual(["add", "append 2", "stats"]);
});

test("large input goes to the backend in slabs of at most 2 MB, with turns of the event loop between", async () => {
  const { core, VectorIndex } = fake();
  const index = await VectorIndex.create({ dimensions: 1 });
  core.calls = [];
  let turns = 0;
  let running = true;
  const count = (): void => {
    turns++;
    if (running) setImmediate(count);
  };
  setImmediate(count);
  await index.add(new Float32Array(2_000_000));
  running = false;
  expect(core.calls).toEqual(["add", "append 524288", "append 524288", "append 524288", "append 427136"]);
  expect(turns).toBeGreaterThanOrEqual(3);
});

test("no progress is reported once the call has failed", async () => {
  const { core, VectorIndex } = fake();
  const index = await VectorIndex.create({ dimensions: 1 });
  let report = (): void => {};
  core.beforeRun = ({ onProgress }) => {
    report = () => onProgress?.({ phase: "link", done: 0, total: 1 });
    report();
  };
  let calls = 0;
  const mine = new Error("mine");
  const adding = index.add([[1]], {
    onProgress: () => {
      calls++;
      throw mine;
    },
  });
  await expect(adding).rejects.toBe(mine);
  report();
  expect(calls).toBe(1);
  expect(mine).toMatchObject({ added: 1 });
});
