import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readIds, readTruth, recallAt, writeTruth } from "../../ts/cli/formats/index.js";
import { pack, scratchFolder } from "./scratch.js";

const scratch = scratchFolder();

describe("ground truth", () => {
  test("the size tells whether there are distances", async () => {
    const ids = [4, 2, 9, 1, 0, 7];
    const plain = await readTruth(scratch.write("a.bin", pack(["u32", 2, 3], ["u32", ...ids])));
    expect(plain).toEqual({ queries: 2, k: 3, ids: Uint32Array.from(ids), distances: undefined });
    const distances = [0, 0.5, 0.5, 1, 2, 3];
    const full = await readTruth(
      scratch.write("b.bin", pack(["u32", 2, 3], ["u32", ...ids], ["f32", ...distances])),
    );
    expect(full.ids).toEqual(Uint32Array.from(ids));
    expect(full.distances).toEqual(Float32Array.from(distances));
  });

  test(".ivecs holds ids", async () => {
    const path = scratch.write("a.ivecs", pack(["i32", 2, 8, 9], ["i32", 2, 6, 7]));
    expect(await readTruth(path)).toEqual({ queries: 2, k: 2, ids: Int32Array.of(8, 9, 6, 7) });
  });

  test("round trip in both layouts", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 9 }),
        fc.boolean(),
        async (queries, k, withDistances) => {
          const ids = Uint32Array.from({ length: queries * k }, (_, i) => (i * 2654435761) >>> 0);
          const distances = withDistances ? Float32Array.from(ids, Math.sqrt) : undefined;
          await writeTruth(scratch.path("r.bin"), { queries, k, ids, distances });
          expect(await readTruth(scratch.path("r.bin"))).toEqual({ queries, k, ids, distances });
        },
      ),
      { numRuns: 30 },
    );
    expect(readFileSync(scratch.path("r.bin")).length).toBeGreaterThan(8);
  });

  test("other sizes are damage, with both sizes that would fit", async () => {
    const cases: readonly [string, Uint8Array, string][] = [
      ["c.bin", pack(["u32", 2, 3], ["u32", 1, 2]), "32 bytes without or 56 with distances; the file has 16"],
      ["c.bin", pack(["u32", 2]), "less than a header"],
      ["c.bin", pack(["u32", 0, 10]), "0 queries"],
    ];
    for (const [name, bytes, message] of cases)
      await expect(readTruth(scratch.write(name, bytes))).rejects.toMatchObject({
        code: "ERR_CORRUPT",
        message: expect.stringContaining(message),
      });
    await expect(readTruth(scratch.write("c.ivecs", pack(["i32", 3, 1])))).rejects.toMatchObject({
      code: "ERR_CORRUPT",
    });
  });

  test("an id that 32 bits cannot hold is refused", async () => {
    const truth = { queries: 1, k: 1, ids: [2 ** 32] };
    await expect(writeTruth(scratch.path("big.bin"), truth)).rejects.toMatchObject({
      code: "ERR_UNSUPPORTED",
    });
  });
});

describe("recall", () => {
  const distances = Float32Array.of(1, 2, 2, 2, 5);
  const ids = Uint32Array.of(10, 11, 12, 13, 14);

  test("counts the true ids among the first k answers", () => {
    const truth = { queries: 2, k: 3, ids: Uint32Array.of(1, 2, 3, 4, 5, 6) };
    expect(recallAt(truth, [3, 2, 1, 4, 9, 8], 3, 3)).toBe(4 / 6);
    expect(recallAt(truth, [3, 2, 1, 4, 9, 8], 3, 1)).toBe(1 / 2);
    expect(recallAt(truth, [1, Number.NaN, Number.NaN], 3, 3)).toBe(1 / 3);
  });

  test("any id tied with the k-th true neighbour counts, the one after does not", () => {
    const truth = { queries: 1, k: 5, ids, distances };
    expect(recallAt(truth, [10, 13], 2, 2)).toBe(1);
    expect(recallAt(truth, [13, 12], 2, 2)).toBe(1);
    expect(recallAt(truth, [10, 14], 2, 2)).toBe(1 / 2);
    expect(recallAt({ queries: 1, k: 5, ids }, [10, 13], 2, 2)).toBe(1 / 2);
  });

  test("an id given twice counts once", () => {
    expect(recallAt({ queries: 1, k: 2, ids: [1, 2] }, [1, 1], 2, 2)).toBe(1 / 2);
  });

  test("never exceeds one, and is one for the truth itself", () => {
    const row = fc.uniqueArray(fc.nat(50), { minLength: 6, maxLength: 6 });
    const steps = fc.array(fc.nat(2), { minLength: 6, maxLength: 6 });
    fc.assert(
      fc.property(row, row, steps, fc.integer({ min: 1, max: 6 }), (truthIds, answers, gaps, k) => {
        let sum = 0;
        const ascending = Float32Array.from(gaps, (gap) => (sum += gap));
        const truth = { queries: 1, k: 6, ids: truthIds, distances: ascending };
        expect(recallAt(truth, truthIds, 6, k)).toBe(1);
        const recall = recallAt(truth, answers, 6, k);
        expect(recall >= 0 && recall <= 1).toBe(true);
      }),
    );
  });

  test("truth that is too narrow or for other queries is refused", () => {
    const truth = { queries: 1, k: 2, ids: [1, 2] };
    expect(() => recallAt(truth, [1, 2, 3], 3, 3)).toThrow("the ground truth has 2");
    expect(() => recallAt(truth, [1, 2, 3, 4], 2, 2)).toThrow("for 1 queries, there are 2");
  });
});

describe("files of ids", () => {
  test("all forms say the same", async () => {
    const ids = [7, 0, 2 ** 32 + 1];
    const forms = [
      scratch.write("ids.txt", "7\n0\r\n 4294967297\n\n"),
      scratch.write("ids.json", "[7, 0, 4294967297]"),
      scratch.write("ids.bin", pack(["u32", 3, 1], ["u64", ...ids])),
    ];
    for (const path of forms) expect(Array.from(await readIds(path))).toEqual(ids);
    expect(Array.from(await readIds(scratch.write("n.bin", pack(["u32", 2, 1], ["u32", 5, 6]))))).toEqual([
      5, 6,
    ]);
  });

  test("what is not an id names its place", async () => {
    const cases: readonly [string, Uint8Array | string, string][] = [
      ["i.txt", "1\n\n2", 'line 2 is ""'],
      ["i.txt", "1\n-2", 'line 2 is "-2"'],
      ["i.txt", "1.5", 'line 1 is "1.5"'],
      ["i.txt", "9007199254740993", "line 1 is"],
      ["i.json", '["a"]', 'element 0 is "a"'],
      ["i.json", "{}", "must be one JSON array"],
      ["i.json", "[1,", "not valid JSON"],
      ["i.bin", pack(["u32", 1, 1], ["u64", 2 ** 53]), "id 0 is"],
      ["i.bin", pack(["u32", 2, 1], ["u32", 1]), "no list of ids"],
      ["i.bin", pack(["u32", 1, 2], ["u32", 1]), "no list of ids"],
      ["i.csv", "1", "must end in .txt"],
    ];
    for (const [name, bytes, message] of cases)
      await expect(readIds(scratch.write(name, bytes)), message).rejects.toMatchObject({
        name: "DiskAnnError",
        message: expect.stringContaining(message),
      });
  });
});
