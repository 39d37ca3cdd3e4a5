/** The numbers of `csrc/include/diskann.h` and the strings they are in TypeScript. A test compares the two. */
import type { Codes, DataType, Metric, Quantize, Simd } from "./types.js";

/** Index = `enum diskann_metric`. */
export const METRICS: readonly Metric[] = ["l2", "cosine", "ip", "l1"];

/** Index = `enum diskann_data_type`. */
export const DATA_TYPES: readonly DataType[] = ["f32", "f16", "i8", "u8"];

/** `DISKANN_SQ8`: in the core a data type, here floats that are quantised. */
export const SQ8: number = DATA_TYPES.length;

/** Index = `enum diskann_codes`; `"auto"` is never reported. */
export const CODES: readonly Codes[] = ["none", "8bit", "auto", "1bit", "pq"];

export const QUANTIZE: readonly Quantize[] = ["none", "i8"];

/** Sizes of pages that may be asked for. */
export const PAGE_BYTES: readonly number[] = [4096, 8192, 16384, 32768, 65536];

/** Index = `enum diskann_simd`; 0 means "the best this CPU has" and is never reported. */
export const SIMD_FAMILIES: readonly (Simd | "auto")[] = [
  "auto",
  "portable",
  "avx2",
  "avx512",
  "neon",
  "wasm128",
];

export const LIMITS = {
  dimensionsMin: 1,
  dimensionsMax: 65535,
  maxDegreeMin: 4,
  maxDegreeDefault: 32,
  maxDegreeMax: 512,
  listSizeMin: 1,
  buildListSizeDefault: 100,
  listSizeMax: 65535,
  kMax: 65535,
  beamWidthMax: 64,
  threadsMax: 256,
  alphaMin: 1,
  alphaDefault: 1.2,
  alphaMax: 2,
  idMax: Number.MAX_SAFE_INTEGER,
} as const;

/** Bytes of rows that the calling thread copies before it yields. */
export const SLAB_BYTES = 2 * 1024 * 1024;

/** The name of a kernel family as users see it. */
export function simdName(simd: number): Simd {
  const name = SIMD_FAMILIES[simd];
  return name === undefined || name === "auto" ? "portable" : name;
}
