/**
 * A paged index over a place that fails, in both backends: whatever happens to whichever read, a call gives the right answer
 * or a typed error, and the next one is right again. The same for a file with bytes changed anywhere.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Backend, BackendIndex, CoreConfig, CoreHits, CoreSearch } from "../../ts/backend/backend.js";
import { nativeBackend } from "../../ts/backend/native/index.js";
import { wasmBackend } from "../../ts/backend/wasm/index.js";
import { sample } from "../conformance/model.js";
import { FAULTS, FaultyBlob, turn } from "../support/faulty-blob.js";
import { Random } from "../support/random.js";

const DIMENSIONS = 16;
const ROWS = 500;
const CONFIG: CoreConfig = {
  ...{ dimensions: DIMENSIONS, metric: 0, dataType: 0, maxDegree: 12, buildListSize: 40 },
  ...{ alpha: 1.2, seed: 0, codes: 3, codeBytes: 0, pageBytes: 0 },
};
const PARAMS: CoreSearch = { k: 5, listSize: 20, beamWidth: 4, pageSearch: true };
const PAGED = { cacheBytes: 30_000, resident: "never" } as const;
/** Reads of a call that are looked at, of those that have many. */
const READS_MAX = 6;
const ONE_BIT = 3;
const PQ = 4;
const queries = sample(8, DIMENSIONS, 1);
const query = (i: number): Float32Array => queries.subarray(i * DIMENSIONS, (i + 1) * DIMENSIONS);

const BACKENDS: Record<string, () => Promise<Backend>> = {
  native: () => nativeBackend({}),
  wasm: () => wasmBackend({}, () => new URL("../../dist/diskann.wasm", import.meta.url)),
};

function plain({ ids, distances }: CoreHits): object {
  return { ids: [...ids], distances: [...distances] };
}

/** No search is under way when an index is closed, as its users see to. */
async function allEnded<Result>(calls: readonly Promise<Result>[]): Promise<Result[]> {
  await Promise.allSettled(calls);
  return Promise.all(calls);
}

/** Everything that can be asked, with what it gives in a form to compare. */
const CALLS: Record<string, (index: BackendIndex, signal?: AbortSignal) => Promise<unknown>> = {
  search: async (index, signal) => plain(await index.search(query(0), PARAMS, signal)),
  searches: async (index, signal) =>
    (await allEnded([1, 2, 3].map((i) => index.search(query(i), PARAMS, signal)))).map(plain),
  searchBatch: async (index, signal) =>
    plain(await index.searchBatch(queries, PARAMS, { signal, threads: 1 })),
  searchExact: async (index, signal) => plain(await index.searchExact(query(4), 7, { signal })),
  get: (index, signal) => index.get(ROWS - 1, { signal }),
  has: (index, signal) => index.has(ROWS - 7, { signal }),
  toBytes: (index, signal) => index.toBytes({ signal }),
  verify: (index, signal) => index.verify({ signal }),
};

interface Made {
  readonly backend: Backend;
  readonly bytes: Uint8Array;
  readonly answers: Record<string, unknown>;
}

async function make(load: () => Promise<Backend>, codes: number): Promise<Made> {
  const backend = await load();
  const index = await backend.create({ ...CONFIG, codes });
  const insert = await index.insert("build", 1);
  await insert.append(sample(ROWS, DIMENSIONS), undefined);
  await insert.run({});
  const bytes = await index.toBytes({});
  const answers: Record<string, unknown> = {};
  for (const [name, call] of Object.entries(CALLS)) answers[name] = await call(index);
  await index.close();
  return { backend, bytes, answers };
}

const typed = { code: expect.stringMatching(/^ERR_(IO|CORRUPT)$/), name: "DiskAnnError" };

/** The right answer, or an error that says what it is; an audit may also report what it found. */
function check(end: PromiseSettledResult<unknown>, name: string, answer: unknown, what: string): boolean {
  if (end.status === "rejected") {
    expect(end.reason, `${name}, ${what}`).toMatchObject(typed);
    return false;
  }
  const report = end.value as { ok?: boolean; errors?: readonly unknown[] } | undefined;
  if (name === "verify" && report?.ok === false) {
    expect(report.errors?.length, what).toBeGreaterThan(0);
    return false;
  }
  expect(end.value, `${name}, ${what}`).toEqual(answer);
  return true;
}

async function settled(promise: Promise<unknown>): Promise<PromiseSettledResult<unknown>> {
  const [end] = await Promise.allSettled([promise]);
  return end as PromiseSettledResult<unknown>;
}

describe.each(Object.keys(BACKENDS))("%s", (name) => {
  const made = new Map<number, Made>();
  beforeAll(async () => {
    for (const codes of [ONE_BIT, PQ])
      made.set(codes, await make(BACKENDS[name] as () => Promise<Backend>, codes));
  });
  afterAll(() => made.clear());
  const of = (codes: number): Made => made.get(codes) as Made;
  const open = ({ backend }: Made, blob: FaultyBlob): Promise<BackendIndex> =>
    backend.open({ kind: "blob", blob }, {}, PAGED);

  it.each(FAULTS)("every read of an opening: %s", async (fault) => {
    for (const codes of [ONE_BIT, PQ]) {
      const all = of(codes);
      let reads = 0; // the first time nothing happens, and they are counted
      for (let at = 0; at <= reads; at++) {
        const blob = new FaultyBlob(all.bytes);
        blob.spoil(fault, at);
        const end = await settled(open(all, blob));
        reads = Math.max(reads, blob.reads);
        if (end.status === "rejected") expect(end.reason).toMatchObject(typed);
        else {
          const index = end.value as BackendIndex;
          expect(at === 0 || fault === "late" || blob.reads < at, `read ${at}`).toBe(true);
          expect(await CALLS.search?.(index)).toEqual(all.answers.search);
          await index.close();
        }
      }
      expect(reads).toBeGreaterThan(1);
    }
  });

  describe.each(Object.keys(CALLS))("%s", (call) => {
    it.each(FAULTS)("every read of it: %s", async (fault) => {
      const all = of(call.length % 2 === 0 ? ONE_BIT : PQ);
      const run = CALLS[call] as (index: BackendIndex) => Promise<unknown>;
      const blob = new FaultyBlob(all.bytes);
      let faults = 0;
      for (let at = 0, reads = 0; at <= Math.min(reads, READS_MAX); at++) {
        const index = await open(all, blob);
        blob.shuffled = at % 2 === 0;
        blob.spoil(fault, at);
        const end = await settled(run(index));
        reads = Math.max(reads, blob.reads);
        faults += check(end, call, all.answers[call], `read ${at}`) ? 0 : 1;
        blob.spoil(fault, 0);
        expect(await run(index), `after read ${at}`).toEqual(all.answers[call]);
        await index.close();
        blob.shuffled = false;
      }
      expect(faults > 0).toBe(fault !== "late");
    });

    it("cancelled at each read", async () => {
      const all = of(PQ);
      const run = CALLS[call] as (index: BackendIndex, signal?: AbortSignal) => Promise<unknown>;
      const blob = new FaultyBlob(all.bytes);
      let cancelled = 0;
      for (let at = 0, reads = 0; at <= Math.min(reads, READS_MAX); at++) {
        const index = await open(all, blob);
        const controller = new AbortController();
        const reason = new Error("enough");
        blob.reads = 0;
        blob.onRead = (n) => {
          if (n === at) controller.abort(reason);
        };
        const end = await settled(run(index, controller.signal));
        reads = Math.max(reads, blob.reads);
        blob.onRead = undefined;
        if (end.status === "rejected") {
          expect(end.reason).toBe(reason);
          cancelled++;
        } else expect(end.value).toEqual(all.answers[call]);
        expect(await run(index)).toEqual(all.answers[call]);
        await index.close();
        await turn();
      }
      expect(cancelled).toBeGreaterThan(0);
    });
  });

  it("a file with bytes changed anywhere: right answers or typed errors", async () => {
    const random = new Random(11);
    const draw = (count: number): number => {
      random.next();
      return random.low % count;
    };
    let errors = 0;
    for (let round = 0; round < 60; round++) {
      const all = of(round % 2 === 0 ? ONE_BIT : PQ);
      const changed = all.bytes.slice();
      for (let i = draw(3); i >= 0; i--) {
        const place = round % 5 === 0 ? draw(128) : draw(changed.length);
        changed[place] = (changed[place] as number) ^ (1 + draw(255));
      }
      const what = `round ${round}`;
      const end = await settled(open(all, new FaultyBlob(changed)));
      if (end.status === "rejected") {
        expect(end.reason, what).toMatchObject({ code: expect.stringMatching(/^ERR_(CORRUPT|VERSION)$/) });
        errors++;
        continue;
      }
      const index = end.value as BackendIndex;
      for (const [call, run] of Object.entries(CALLS))
        errors += check(await settled(run(index)), call, all.answers[call], what) ? 0 : 1;
      const report = await index.verify({});
      expect(report.ok, what).toBe(false);
      await index.close();
    }
    expect(errors).toBeGreaterThan(60);
  });
});
