/** Element types of vector files, half-precision arithmetic by hand, and conversion between types. */
import { DiskAnnError } from "../../core/errors.js";

/** `i32` and `u32` occur in files of ids and neighbours; the others hold vectors. */
export type ElementType = "f32" | "f16" | "i8" | "u8" | "i32" | "u32";

/** Elements as they lie in a file; halves are their 16 bits in a `Uint16Array`. */
export type Elements = Float32Array | Uint16Array | Int8Array | Uint8Array | Int32Array | Uint32Array;

export const ELEMENT_BYTES: Readonly<Record<ElementType, number>> = {
  f32: 4,
  f16: 2,
  i8: 1,
  u8: 1,
  i32: 4,
  u32: 4,
};

export const ELEMENT_TYPES = Object.keys(ELEMENT_BYTES) as readonly ElementType[];

const INTEGER_RANGE = {
  i8: [-128, 127],
  u8: [0, 255],
  i32: [-2147483648, 2147483647],
  u32: [0, 4294967295],
} as const;

/** Elements of `type` over `buffer`; the byte offset must be a multiple of the element's size. */
export function elementsOver(
  type: ElementType,
  buffer: ArrayBuffer,
  byteOffset: number,
  length: number,
): Elements {
  switch (type) {
    case "f32":
      return new Float32Array(buffer, byteOffset, length);
    case "f16":
      return new Uint16Array(buffer, byteOffset, length);
    case "i8":
      return new Int8Array(buffer, byteOffset, length);
    case "u8":
      return new Uint8Array(buffer, byteOffset, length);
    case "i32":
      return new Int32Array(buffer, byteOffset, length);
    case "u32":
      return new Uint32Array(buffer, byteOffset, length);
  }
}

export function allocateElements(type: ElementType, length: number): Elements {
  return elementsOver(type, new ArrayBuffer(length * ELEMENT_BYTES[type]), 0, length);
}

const scratchFloat = new Float32Array(1);
const scratchBits = new Uint32Array(scratchFloat.buffer);

/** The value of a half: exact, signed zeros, subnormals, infinities and NaN included. */
export function decodeHalf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >>> 10) & 0x1f;
  const mantissa = half & 0x3ff;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  if (exponent === 31) return mantissa === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1024 + mantissa) * 2 ** (exponent - 25);
}

/** `bits >>> shift` rounded to nearest, ties to even. */
function shiftRounded(bits: number, shift: number): number {
  const kept = bits >>> shift;
  const dropped = bits & ((1 << shift) - 1);
  const middle = 1 << (shift - 1);
  return dropped > middle || (dropped === middle && (kept & 1) === 1) ? kept + 1 : kept;
}

/** The half nearest to a single-precision value, ties to even; too large becomes infinity. */
export function encodeHalf(value: number): number {
  scratchFloat[0] = value;
  const bits = scratchBits[0] as number;
  const sign = (bits >>> 16) & 0x8000;
  const exponent = (bits >>> 23) & 0xff;
  const mantissa = bits & 0x7fffff;
  if (exponent === 0xff) return sign | 0x7c00 | (mantissa === 0 ? 0 : 0x200 | (mantissa >>> 13));
  const biased = exponent - 112;
  if (biased >= 31) return sign | 0x7c00;
  if (biased < -10) return sign;
  // Below the normal halves the leading one becomes explicit and moves right. A carry out of the mantissa
  // lands in the exponent, which is just the next value.
  if (biased <= 0) return sign | shiftRounded(mantissa | 0x800000, 14 - biased);
  return sign | shiftRounded((biased << 23) | mantissa, 13);
}

/** Where converted rows come from, for the message of an error. */
export interface RowOrigin {
  readonly path: string;
  readonly firstRow: number;
  readonly dimensions: number;
}

function conversionError(origin: RowOrigin, position: number, value: number, to: ElementType): DiskAnnError {
  const row = origin.firstRow + Math.floor(position / origin.dimensions);
  const column = position % origin.dimensions;
  const wanted = to in INTEGER_RANGE ? "an integer " : "";
  const range = INTEGER_RANGE[to as keyof typeof INTEGER_RANGE];
  const hint = range === undefined ? `beyond what ${to} holds` : `not ${wanted}in ${range[0]} .. ${range[1]}`;
  return new DiskAnnError(
    "ERR_INVALID_ARGUMENT",
    `${origin.path}: row ${row}, column ${column} is ${value}, ${hint}; keep a wider type`,
  );
}

/** Values as numbers: halves decoded, all others as they are. */
function decoded(elements: Elements, from: ElementType): ArrayLike<number> {
  if (from !== "f16") return elements;
  const out = new Float32Array(elements.length);
  for (let i = 0; i < out.length; i++) out[i] = decodeHalf(elements[i] as number);
  return out;
}

/**
 * Elements of another type. Widening is exact; to `f16` rounds to nearest; to an integer type every value must be
 * an integer in range. What does not fit is `ERR_INVALID_ARGUMENT` with its row. The input is not changed, and is
 * returned itself where both types are equal.
 */
export function convertElements(
  elements: Elements,
  from: ElementType,
  to: ElementType,
  origin: RowOrigin,
): Elements {
  if (from === to) return elements;
  if (to === "f32" && (from === "u8" || from === "i8")) return new Float32Array(elements);
  const values = decoded(elements, from);
  if (from === "f16" && to === "f32") return values as Float32Array;
  const out = allocateElements(to, values.length);
  const range = INTEGER_RANGE[to as keyof typeof INTEGER_RANGE];
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if (range !== undefined) {
      if (!Number.isInteger(value) || value < range[0] || value > range[1])
        throw conversionError(origin, i, value, to);
      out[i] = value;
    } else if (to === "f16") {
      const half = encodeHalf(value);
      if ((half & 0x7fff) === 0x7c00 && Number.isFinite(value)) throw conversionError(origin, i, value, to);
      out[i] = half;
    } else {
      out[i] = value;
      if (out[i] !== value && !Number.isNaN(value)) throw conversionError(origin, i, value, to);
    }
  }
  return out;
}

/**
 * Scales each row to unit length in place and returns how many rows have length zero, which stay as they are.
 * A row that is not finite is `ERR_NOT_FINITE`.
 */
export function normalizeRows(rows: Float32Array, origin: RowOrigin): number {
  const { dimensions } = origin;
  let zeros = 0;
  for (let start = 0; start < rows.length; start += dimensions) {
    let square = 0;
    for (let i = start; i < start + dimensions; i++) square += (rows[i] as number) ** 2;
    if (!Number.isFinite(square)) {
      const row = origin.firstRow + start / dimensions;
      throw new DiskAnnError("ERR_NOT_FINITE", `${origin.path}: row ${row} holds NaN or Infinity`);
    }
    if (square === 0) {
      zeros++;
      continue;
    }
    const length = Math.sqrt(square);
    for (let i = start; i < start + dimensions; i++) rows[i] = (rows[i] as number) / length;
  }
  return zeros;
}
