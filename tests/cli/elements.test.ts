import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  convertElements,
  decodeHalf,
  type ElementType,
  encodeHalf,
  normalizeRows,
} from "../../ts/cli/formats/index.js";

const origin = { path: "a.npy", firstRow: 100, dimensions: 2 };

describe("half precision", () => {
  test("known values", () => {
    expect(decodeHalf(0x3c00)).toBe(1);
    expect(decodeHalf(0xc000)).toBe(-2);
    expect(decodeHalf(0x7bff)).toBe(65504);
    expect(decodeHalf(0x0400)).toBe(2 ** -14);
    expect(decodeHalf(0x0001)).toBe(2 ** -24);
    expect(Object.is(decodeHalf(0x8000), -0)).toBe(true);
    expect(decodeHalf(0x7c00)).toBe(Number.POSITIVE_INFINITY);
    expect(decodeHalf(0xfe00)).toBeNaN();
    expect(encodeHalf(1 / 3)).toBe(0x3555);
    expect(encodeHalf(65519.996)).toBe(0x7bff);
    expect(encodeHalf(65520)).toBe(0x7c00);
    expect(encodeHalf(2 ** -25)).toBe(0);
    expect(encodeHalf(2 ** -25 * 1.0001)).toBe(1);
    expect(encodeHalf(-0)).toBe(0x8000);
  });

  test("all 65536 halves survive decoding and encoding", () => {
    for (let half = 0; half < 65536; half++) {
      const notNumber = (half & 0x7c00) === 0x7c00 && (half & 0x3ff) !== 0;
      const again = encodeHalf(decodeHalf(half));
      if (notNumber) expect(decodeHalf(again)).toBeNaN();
      else if (again !== half) expect(again).toBe(half);
    }
  });

  test("encoding gives the nearest half, ties to the even one", () => {
    const value = fc.oneof(
      fc.float({ min: -65519, max: 65519, noNaN: true }),
      fc.float({ min: Math.fround(-(2 ** -13)), max: Math.fround(2 ** -13), noNaN: true }),
      fc
        .tuple(fc.integer({ min: 0, max: 0x7bfe }), fc.boolean())
        .map(([half, negative]) => ((decodeHalf(half) + decodeHalf(half + 1)) / 2) * (negative ? -1 : 1)),
    );
    fc.assert(
      fc.property(value, (x) => {
        const half = encodeHalf(x);
        const error = Math.abs(decodeHalf(half) - x);
        const magnitude = half & 0x7fff;
        const neighbours = [magnitude - 1, magnitude + 1].filter((m) => m >= 0 && m <= 0x7bff);
        for (const m of neighbours) {
          const other = Math.abs(decodeHalf(m) - Math.abs(x));
          expect(error <= other).toBe(true);
          if (error === other) expect(half & 1).toBe(0);
        }
        expect((half & 0x8000) !== 0).toBe(x < 0 || Object.is(x, -0));
      }),
      { numRuns: 3000 },
    );
  });
});

describe("conversion", () => {
  const types: readonly ElementType[] = ["f32", "f16", "i32"];

  test("widening and back is the identity", () => {
    for (const wide of types) {
      const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
      const signed = Int8Array.from({ length: 256 }, (_, i) => i - 128);
      expect(convertElements(convertElements(bytes, "u8", wide, origin), wide, "u8", origin)).toEqual(bytes);
      expect(convertElements(convertElements(signed, "i8", wide, origin), wide, "i8", origin)).toEqual(
        signed,
      );
    }
  });

  test("what does not fit names its row and column", () => {
    const cases: readonly [Float32Array, ElementType, string][] = [
      [Float32Array.of(1, 2, 3, 256), "u8", "row 101, column 1 is 256, not an integer in 0 .. 255"],
      [Float32Array.of(1, 0.5), "u8", "row 100, column 1 is 0.5"],
      [Float32Array.of(-129, 0), "i8", "row 100, column 0 is -129, not an integer in -128 .. 127"],
      [Float32Array.of(Number.NaN, 0), "i8", "row 100, column 0 is NaN"],
      [Float32Array.of(0, 70000), "f16", "row 100, column 1 is 70000, beyond what f16 holds"],
    ];
    for (const [values, type, message] of cases) {
      expect(() => convertElements(values, "f32", type, origin)).toThrow(message);
      expect(() => convertElements(values, "f32", type, origin)).toThrow(
        expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }),
      );
    }
    expect(() => convertElements(Int32Array.of(0, 16777217), "i32", "f32", origin)).toThrow("16777217");
  });
});

test("rows are scaled to unit length, zero rows stay and are counted", () => {
  const rows = Float32Array.of(3, 4, 0, 0, 0, -2);
  expect(normalizeRows(rows, origin)).toBe(1);
  expect(rows).toEqual(Float32Array.of(0.6, 0.8, 0, 0, 0, -1));
  expect(() => normalizeRows(Float32Array.of(1, 1, Number.POSITIVE_INFINITY, 0), origin)).toThrow(
    expect.objectContaining({ code: "ERR_NOT_FINITE", message: expect.stringContaining("row 101") }),
  );
});
