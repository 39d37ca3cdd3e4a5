/** The option `codes`: when an index has any, what they cost, and that answers are no worse and always true. */
import type { Codes, DataType, Metric } from "../../../ts/core/types.js";
import { equal, ok, rejects, type Subject, type Test, withIndex } from "../kit.js";
import { distance, nearest, recall, rowsOf, sample } from "../model.js";

const DIMENSIONS = 72;
const ROWS = 600;
const rows = sample(ROWS, DIMENSIONS);
const queries = sample(20, DIMENSIONS, 1);
const codings = ["none", "8bit", "1bit", "pq"] as const;

const CASES: readonly [Codes | undefined, Metric, DataType, number, "none" | "8bit" | "1bit"][] = [
  [undefined, "l2", "f32", 64, "8bit"],
  ["auto", "cosine", "f32", 100, "8bit"],
  ["auto", "ip", "f16", 64, "8bit"],
  ["auto", "l2", "f32", 63, "none"],
  ["auto", "l1", "f32", 64, "none"],
  ["auto", "l2", "u8", 64, "none"],
  ["none", "l2", "f32", 64, "none"],
  ["8bit", "cosine", "f32", 3, "8bit"],
  ["1bit", "cosine", "f32", 100, "1bit"],
  ["1bit", "ip", "f16", 1, "1bit"],
  ["1bit", "l2", "u8", 64, "1bit"],
];

/** Bytes of a record without codes, and of its codes, at the default degree of 32. */
const LIST_BYTES = 16 + 32 * 4;
const RECORD_CODES_BYTES = 32 * (128 / 8 + 8);

export function coding(test: Test, subject: Subject): void {
  const { VectorIndex } = subject;

  test("codes: which index has them", async () => {
    for (const [codes, metric, dataType, dimensions, wanted] of CASES) {
      const index = await VectorIndex.create({ dimensions, metric, dataType, codes });
      equal(index.stats().codes, wanted, `${codes} ${metric} ${dataType} ${dimensions}`);
      await index.close();
    }
  });

  test("codes: quantised floats have them when asked", async () => {
    for (const [codes, wanted] of [
      [undefined, "none"],
      ["auto", "none"],
      ["8bit", "8bit"],
    ] as const) {
      const shape = { dimensions: DIMENSIONS, quantize: "i8", codes } as const;
      await withIndex(subject, { ...shape, rows }, async (index) => {
        equal(index.stats().codes, wanted, `${codes}`);
        const query = queries.subarray(0, DIMENSIONS);
        const exact = await index.searchExact(query);
        ok(recall(await index.search(query, { searchListSize: 100 }), exact) >= 0.9, `${codes}`);
      });
    }
  });

  test("codes: what cannot have them, and what is no such option", async () => {
    const shape = { dimensions: 64, codes: "8bit" } as const;
    for (const other of [{ metric: "l1" }, { dataType: "i8" }, { dataType: "u8" }] as const)
      await rejects(() => VectorIndex.create({ ...shape, ...other }), "ERR_UNSUPPORTED", /codes/);
    await rejects(
      () => VectorIndex.create({ dimensions: 64, codes: "1bit", metric: "l1" }),
      "ERR_UNSUPPORTED",
      /codes/,
    );
    await rejects(() => VectorIndex.create({ dimensions: 64, codes: "pq" }), "ERR_UNSUPPORTED", /build/);
    for (const codeBytes of [0, 65, 1.5, "8", null])
      await rejects(
        () =>
          VectorIndex.build([[...rows.subarray(0, 64)]], { dimensions: 64, codes: "pq", codeBytes } as never),
        "ERR_INVALID_ARGUMENT",
        /codeBytes/,
      );
    await rejects(
      () => VectorIndex.create({ dimensions: 64, codeBytes: 8 }),
      "ERR_INVALID_ARGUMENT",
      /codeBytes/,
    );
    for (const codes of ["2bit", "bit", "", null, 8, true])
      await rejects(() => VectorIndex.create({ dimensions: 64, codes } as never), "ERR_INVALID_ARGUMENT");
  });

  for (const metric of ["l2", "cosine", "ip"] as const) {
    test(`codes: ${metric}: answers as good, distances true, the same after a round trip`, async () => {
      const found: number[] = [];
      for (const codes of codings) {
        await withIndex(subject, { dimensions: DIMENSIONS, metric, codes, rows }, async (index) => {
          await index.add(sample(50, DIMENSIONS, 2));
          const all = rowsOf(new Float32Array([...rows, ...sample(50, DIMENSIONS, 2)]), DIMENSIONS);
          const again = await VectorIndex.open(await index.toBytes());
          let sum = 0;
          for (const [, query] of rowsOf(queries, DIMENSIONS)) {
            const hits = await index.search(query, { searchListSize: 40 });
            equal(await again.search(query, { searchListSize: 40 }), hits, "after a round trip");
            sum += recall(hits, nearest(metric, all, query, 10));
            for (const hit of hits) {
              const wanted = distance(metric, query, all[hit.id]?.[1] ?? []);
              ok(
                Math.abs(hit.distance - wanted) <= 1e-4 * Math.max(1, Math.abs(wanted)),
                `${hit.distance}, ${wanted}`,
              );
            }
          }
          found.push(sum / 20);
          equal(again.stats().codes, codes);
          const { memory, layout } = again.stats();
          if (codes === "8bit")
            ok(
              memory.codes >= 650 * (DIMENSIONS + 32) && memory.codes < 2 * 650 * 128,
              `${memory.codes} bytes`,
            );
          else if (codes === "pq")
            ok(memory.codes >= 650 * 18 + 257 * 4 * DIMENSIONS, `${memory.codes} bytes`);
          else equal(memory.codes, 0);
          equal(again.stats().codeBytes, codes === "pq" ? 18 : 0);
          const inRecord = codes === "1bit" ? RECORD_CODES_BYTES : 0;
          equal(layout.recordBytes, 4 * DIMENSIONS + LIST_BYTES + inRecord, "in the file");
          equal((await again.verify()).ok, true);
          await again.close();
        });
      }
      const [plain = 0, ...coded] = found;
      for (const one of coded)
        ok(one >= plain - 0.02 && one > 0.9, `recall ${one} with codes, ${plain} without`);
    });
  }

  test("codes: 1bit of bytes: as good with any beam and by pages, and in batches", async () => {
    const bytes = sample(ROWS, DIMENSIONS, 3).map((value) =>
      Math.max(0, Math.min(255, Math.round(128 + 50 * value))),
    );
    const shape = { dimensions: DIMENSIONS, dataType: "u8", codes: "1bit", rows: bytes } as const;
    await withIndex(subject, shape, async (index) => {
      const asked = bytes.subarray(0, 20 * DIMENSIONS);
      for (const beamWidth of [1, 4, 64])
        for (const pageSearch of [false, true]) {
          const batch = await index.searchBatch(asked, { searchListSize: 40, beamWidth, pageSearch });
          const { distanceComputations = 0, hops = 0 } = batch.counters ?? {};
          ok(
            hops > 0 && (pageSearch ? distanceComputations > hops : distanceComputations === hops),
            `${hops} hops, ${distanceComputations} distances`,
          );
          let sum = 0;
          for (const [row, query] of rowsOf(asked, DIMENSIONS)) {
            equal(batch.hits(row)[0], { id: row, distance: 0 });
            const truth = await index.searchExact(query, { k: 10 });
            sum += recall(batch.hits(row), truth);
          }
          ok(sum / 20 > 0.9, `recall ${sum / 20}`);
        }
    });
  });

  test("codes: pq: of any length, for all types and metrics, from one row on", async () => {
    const shapes = [
      [1, "l2", "f32"],
      [9, "cosine", "f16"],
      [72, "l1", "i8"],
      [5, "ip", "u8"],
    ] as const;
    const small = rows.map((value) => Math.abs(Math.round(20 * value)) % 100);
    for (const [codeBytes, metric, dataType] of shapes)
      for (const count of [1, 300]) {
        const built = small.subarray(0, count * DIMENSIONS);
        const shape = { dimensions: DIMENSIONS, codes: "pq", codeBytes, metric, dataType } as const;
        await withIndex(subject, { ...shape, rows: built }, async (index) => {
          equal(index.stats().codeBytes, codeBytes);
          await index.add(small.subarray(count * DIMENSIONS, (count + 9) * DIMENSIONS));
          const all = await index.search(small.subarray(0, DIMENSIONS), {
            k: count + 9,
            searchListSize: 400,
          });
          equal(all.length, count + 9, "every row can be found");
          equal((await index.verify()).ok, true);
        });
      }
  });

  test("codes: pq: a build that is aborted while codes are trained leaves nothing", async () => {
    const attempt = async (): Promise<string> => {
      const stop = new AbortController();
      const onProgress = ({ phase }: { phase: string }): void => {
        if (phase === "train") stop.abort(new Error("enough"));
      };
      const shape = { dimensions: DIMENSIONS, codes: "pq", signal: stop.signal, onProgress } as const;
      try {
        await (await VectorIndex.build(rows, shape)).close();
        return stop.signal.aborted ? "too late" : "no phase train";
      } catch (error) {
        return (error as Error).message;
      }
    };
    // Where another thread builds, word of the abort may come when it has done.
    let outcome = await attempt();
    for (let i = 0; i < 20 && outcome === "too late"; i++) outcome = await attempt();
    equal(outcome, "enough");
  });
}
