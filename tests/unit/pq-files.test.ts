/** Files of pivots and of codes: Microsoft's own where they are, and bytes that nobody means well with. */
import { existsSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DiskAnnError } from "../../ts/core/errors.js";
import { ProductQuantizer as Native } from "../../ts/pq-native.js";
import { ProductQuantizer as Wasm } from "../../ts/pq-wasm.js";
import {
  PIVOT_BYTES_MAX,
  readCodes,
  readPivots,
  writeCodes,
  writePivots,
} from "../../ts/storage/pq-files.js";
import { dataFolder } from "../support/data.js";

const folder = `${dataFolder()}/microsoft`;
const SAMPLES = existsSync(folder) ? ["f32_1000x32", "f32_37x1100", "i8_500x48"] : [];
if (SAMPLES.length === 0) console.log("no files of Microsoft's DiskANN here: only our own are tested");

/** Rows of a .bin file of floats or signed bytes, as floats. */
function readRows(path: string): Float32Array {
  const bytes = new Uint8Array(readFileSync(path));
  const body = bytes.slice(8).buffer;
  return path.includes("/i8_") ? Float32Array.from(new Int8Array(body)) : new Float32Array(body);
}

/** A small file of pivots as this library writes it. */
function ownFile(dimensions = 7, chunks = 3, centroids = 5): Uint8Array {
  const offsets = Uint32Array.from({ length: chunks + 1 }, (_, c) => Math.round((c * dimensions) / chunks));
  const pivots = Float32Array.from({ length: centroids * dimensions }, (_, i) => Math.sin(i));
  const centre = Float32Array.from({ length: dimensions }, (_, i) => i / 8);
  return writePivots({ dimensions, chunks, centroids, offsets, pivots, centre });
}

function changed(bytes: Uint8Array, change: (view: DataView) => void): Uint8Array {
  const copy = bytes.slice();
  change(new DataView(copy.buffer));
  return copy;
}

/** The same parts as older programs wrote them: with a part that says in which order dimensions were. */
function oldKind(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer);
  const at = [0, 1, 2, 3].map((i) => Number(view.getBigUint64(8 + 8 * i, true)));
  const dimensions = view.getInt32((at[0] as number) + 4, true);
  const extra = new Uint8Array(8 + 4 * dimensions);
  new DataView(extra.buffer).setInt32(0, dimensions, true);
  new DataView(extra.buffer).setInt32(4, 1, true);
  const all = new Uint8Array(bytes.length + extra.length);
  all.set(bytes.subarray(0, at[2]));
  all.set(extra, at[2]);
  all.set(bytes.subarray(at[2]), (at[2] as number) + extra.length);
  const out = new DataView(all.buffer);
  out.setInt32(0, 5, true);
  const later = at.slice(2).map((offset) => offset + extra.length);
  [...at.slice(0, 3), ...later].forEach((offset, i) => {
    out.setBigUint64(8 + 8 * i, BigInt(offset), true);
  });
  return all;
}

describe.each(SAMPLES)("Microsoft's %s", (name) => {
  const pivotPath = `${folder}/${name}.disk_pq_pivots.bin`;
  const codePath = `${folder}/${name}.disk_pq_compressed.bin`;
  const pivotBytes = new Uint8Array(readFileSync(pivotPath));
  const codeBytes = new Uint8Array(readFileSync(codePath));

  test("pivots and codes are written as they were read", () => {
    expect(Buffer.compare(writePivots(readPivots(pivotBytes)), pivotBytes)).toBe(0);
    const { codes, chunks } = readCodes(codeBytes);
    expect(Buffer.compare(writeCodes(codes, chunks), codeBytes)).toBe(0);
  });

  test.each([
    ["natively", Native],
    ["in WebAssembly", Wasm],
  ] as const)("their pivots make their codes, byte for byte, %s", async (_where, ProductQuantizer) => {
    const quantizer = await ProductQuantizer.open(pivotPath);
    const { codes, count } = await ProductQuantizer.readCodes(codePath);
    const rows = readRows(`${folder}/${name}.data.bin`);
    expect(rows.length).toBe(count * quantizer.dimensions);
    expect(Buffer.compare(await quantizer.encode(rows), codes)).toBe(0);
    expect(Buffer.compare(quantizer.codesToBytes(codes), codeBytes)).toBe(0);
    expect(Buffer.compare(await quantizer.toBytes(), pivotBytes)).toBe(0);
    const { relative } = await quantizer.error(rows);
    expect(relative).toBeGreaterThan(0);
    expect(relative).toBeLessThan(0.2);
    await quantizer.close();
  });
});

describe("a file of pivots", () => {
  test("comes back as it was written, with any number of centroids", () => {
    for (const [dimensions, chunks, centroids] of [
      [7, 3, 5],
      [1, 1, 1],
      [16, 16, 256],
    ] as const) {
      const bytes = ownFile(dimensions, chunks, centroids);
      const parts = readPivots(bytes);
      expect([parts.dimensions, parts.chunks, parts.centroids]).toEqual([dimensions, chunks, centroids]);
      expect(writePivots(parts)).toEqual(bytes);
    }
  });

  test("of the old kind, with one part more, says the same", () => {
    const bytes = ownFile();
    expect(oldKind(bytes)).not.toEqual(bytes);
    expect(readPivots(oldKind(bytes))).toEqual(readPivots(bytes));
  });

  test("may lie anywhere in a larger buffer", () => {
    const bytes = ownFile();
    const larger = new Uint8Array(bytes.length + 9);
    larger.set(bytes, 5);
    expect(readPivots(larger.subarray(5, 5 + bytes.length))).toEqual(readPivots(bytes));
  });

  const u64 = (view: DataView, at: number, value: number): void => view.setBigUint64(at, BigInt(value), true);
  const pivotsAt = 4096;
  const centreAt = pivotsAt + 8 + 4 * 5 * 7;
  const cutsAt = centreAt + 8 + 4 * 7;
  test.each<[string, (view: DataView) => void, RegExp]>([
    ["another number of parts", (view) => view.setInt32(0, 6, true), /begins with 4/],
    ["another second number", (view) => view.setInt32(4, 2, true), /begins with 4/],
    ["a part before the first", (view) => u64(view, 8, 4088), /cannot be/],
    ["parts in another order", (view) => u64(view, 16, 4096), /cannot be/],
    ["a part behind the end", (view) => u64(view, 24, 2 ** 40), /cannot be/],
    ["another end", (view) => u64(view, 32, cutsAt + 8 + 12), /the file at/],
    ["fewer centroids than there is room for", (view) => view.setInt32(pivotsAt, 4, true), /room for/],
    ["no centroids", (view) => view.setInt32(pivotsAt, 0, true), /room for/],
    ["less than no centroids", (view) => view.setInt32(pivotsAt, -5, true), /room for/],
    ["a product that wraps", (view) => view.setInt32(pivotsAt + 4, 2 ** 30 + 7, true), /room for/],
    ["a centre of another length", (view) => view.setInt32(centreAt, 6, true), /room for/],
    [
      "a centre of another shape",
      (view) => {
        view.setInt32(centreAt, 1, true);
        view.setInt32(centreAt + 4, 7, true);
      },
      /the centre is 1 x 7/,
    ],
    ["a number that is none", (view) => view.setFloat32(pivotsAt + 8 + 4 * 9, Number.NaN, true), /number 9/],
    ["an infinite centre", (view) => view.setFloat32(centreAt + 8, Number.NEGATIVE_INFINITY, true), /centre/],
    ["a first chunk that begins late", (view) => view.setUint32(cutsAt + 8, 1, true), /left out/],
    ["an empty chunk", (view) => view.setUint32(cutsAt + 12, 0, true), /empty/],
    ["a chunk that ends late", (view) => view.setUint32(cutsAt + 8 + 4 * 3, 8, true), /left out/],
  ])("is refused with %s", (_what, change, message) => {
    const bad = changed(ownFile(), change);
    expect(() => readPivots(bad)).toThrow(expect.objectContaining({ code: "ERR_CORRUPT" }));
    expect(() => readPivots(bad)).toThrow(message);
  });

  test("is refused with more centroids than a byte can number", () => {
    const tall = ownFile(2, 1, 300);
    expect(() => readPivots(tall)).toThrow(/300 x 2: at most 256/);
  });

  test("is refused with pivots whose squares overflow", async () => {
    const bad = changed(ownFile(), (view) => view.setFloat32(pivotsAt + 8, 3e19, true));
    for (const ProductQuantizer of [Native, Wasm])
      await expect(ProductQuantizer.open(bad)).rejects.toMatchObject({ code: "ERR_CORRUPT" });
  });

  test("is refused before it is read when it is longer than any can be", async () => {
    const huge = {
      size: PIVOT_BYTES_MAX + 1,
      slice: () => huge,
      arrayBuffer: () => Promise.reject(new Error("read")),
    };
    await expect(Wasm.open(huge)).rejects.toMatchObject({ code: "ERR_CORRUPT" });
  });

  test("cut anywhere is refused", () => {
    const bytes = ownFile();
    for (let length = 0; length < bytes.length; length += length < 4090 ? 97 : 1)
      expect(() => readPivots(bytes.subarray(0, length))).toThrow(
        expect.objectContaining({ code: "ERR_CORRUPT" }),
      );
  });

  test("with any bytes changed is refused or read, and what is read is whole", () => {
    const bytes = ownFile();
    const places = fc.nat({ max: bytes.length - 1 });
    const flips = fc.array(fc.tuple(places, fc.integer({ min: 1, max: 255 })), {
      minLength: 1,
      maxLength: 6,
    });
    let read = 0;
    fc.assert(
      fc.property(flips, fc.boolean(), (changes, header) => {
        const bad = bytes.slice();
        // Half of the time only what says how the file lies.
        for (const [at, mask] of changes) {
          const place = header ? ([at % 40, pivotsAt + (at % 8), cutsAt + (at % 24)][at % 3] as number) : at;
          bad[place] = (bad[place] as number) ^ mask;
        }
        try {
          const parts = readPivots(bad);
          read++;
          expect(parts.pivots.length).toBe(parts.centroids * parts.dimensions);
          expect(parts.centre.length).toBe(parts.dimensions);
          expect(parts.offsets.length).toBe(parts.chunks + 1);
          expect([...parts.pivots, ...parts.centre].every(Number.isFinite)).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(DiskAnnError);
          expect((error as DiskAnnError).code).toBe("ERR_CORRUPT");
        }
      }),
      { numRuns: 3000, seed: 20 },
    );
    expect(read).toBeGreaterThan(100);
  });
});

describe("a file of codes", () => {
  const bytes = writeCodes(Uint8Array.of(1, 2, 3, 4, 5, 6), 3);

  test("is a header and the codes", () => {
    expect([...bytes]).toEqual([2, 0, 0, 0, 3, 0, 0, 0, 1, 2, 3, 4, 5, 6]);
    expect(readCodes(bytes)).toEqual({ count: 2, chunks: 3, codes: Uint8Array.of(1, 2, 3, 4, 5, 6) });
    expect(readCodes(writeCodes(new Uint8Array(0), 9))).toEqual({
      count: 0,
      chunks: 9,
      codes: new Uint8Array(0),
    });
  });

  test("of any other length, or with codes of no or too many bytes, is refused", async () => {
    for (let length = 0; length < bytes.length; length++)
      await expect(Wasm.readCodes(bytes.subarray(0, length))).rejects.toMatchObject({ code: "ERR_CORRUPT" });
    for (const [at, value] of [
      [4, 0],
      [4, 65536],
      [0, 0xffffffff],
      [4, 0xffffffff],
    ] as const) {
      const bad = changed(bytes, (view) => view.setUint32(at, value, true));
      expect(() => readCodes(bad)).toThrow(expect.objectContaining({ code: "ERR_CORRUPT" }));
    }
  });
});
