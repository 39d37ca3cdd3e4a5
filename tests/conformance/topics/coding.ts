/** The option `codes`: when an index has any, what they cost, and that answers are no worse and always true. */
import type { Codes, DataType, Metric } from "../../../ts/core/types.js";
import { equal, ok, rejects, type Subject, type Test, withIndex } from "../kit.js";
import { distance, nearest, recall, rowsOf, sample } from "../model.js";

const DIMENSIONS = 72;
const ROWS = 600;
const rows = sample(ROWS, DIMENSIONS);
const queries = sample(20, DIMENSIONS, 1);
const codings: readonly Codes[] = ["none", "8bit"];

const CASES: readonly [Codes | undefined, Metric, DataType, number, "none" | "8bit"][] = [
  [undefined, "l2", "f32", 64, "8bit"],
  ["auto", "cosine", "f32", 100, "8bit"],
  ["auto", "ip", "f16", 64, "8bit"],
  ["auto", "l2", "f32", 63, "none"],
  ["auto", "l1", "f32", 64, "none"],
  ["auto", "l2", "u8", 64, "none"],
  ["none", "l2", "f32", 64, "none"],
  ["8bit", "cosine", "f32", 3, "8bit"],
];

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
    for (const codes of ["1bit", "", null, 8, true])
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
          if (codes === "none") equal(memory.codes, 0);
          else
            ok(
              memory.codes >= 650 * (DIMENSIONS + 32) && memory.codes < 2 * 650 * 128,
              `${memory.codes} bytes`,
            );
          equal(layout.fileBytes, 4096 + layout.pages * layout.pageBytes, "nothing in the file");
          await again.close();
        });
      }
      const [plain = 0, coded = 0] = found;
      ok(coded >= plain - 0.02 && coded > 0.9, `recall ${coded} with codes, ${plain} without`);
    });
  }
}
