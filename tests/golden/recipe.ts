/** How the golden indexes are made: the same few lines in C (tests/c/test_golden_index.c) and here. */
import { Random } from "../support/random.js";

/**
 * Integers in -127 .. 127, or in 0 .. 254 for u8, from splitmix64 seeded with 20: exact in every format, so that only the
 * index is tested.
 */
export function goldenRows(rows: number, dimensions: number, dataType = "f32"): Float32Array {
  const least = dataType === "u8" ? 0 : -127;
  const random = new Random(20);
  const flat = new Float32Array(rows * dimensions);
  for (let i = 0; i < flat.length; i++) {
    random.next();
    flat[i] = (random.low % 255) + least;
  }
  return flat;
}

/** A recipe's type as options: the core knows quantised floats as one of its own. */
export function typeOptions(dataType: string): { dataType?: "f32" | "f16" | "i8" | "u8"; quantize?: "i8" } {
  return dataType === "sq8" ? { quantize: "i8" } : { dataType: dataType as "f32" };
}

/** SHA-256 in hexadecimal. */
export async function hexDigest(bytes: Uint8Array): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", bytes as BufferSource);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Pivots and centre of a file of pivots, then codes: what the hash of a golden quantiser is over. */
export function quantizerBytes(
  { dimensions, centroids }: { readonly dimensions: number; readonly centroids: number },
  file: Uint8Array,
  codes: Uint8Array,
): Uint8Array {
  const pivots = 4096 + 8;
  const centre = pivots + 4 * centroids * dimensions + 8;
  const parts = [file.subarray(pivots, centre - 8), file.subarray(centre, centre + 4 * dimensions), codes];
  const all = new Uint8Array(parts.reduce((bytes, part) => bytes + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** FNV-1a, 64 bits, in hexadecimal: what the C test computes, which has no SHA-256. */
export function fnv1a64(bytes: Uint8Array): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of bytes) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return hash.toString(16).padStart(16, "0");
}
