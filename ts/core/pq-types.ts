/** Public types of product quantisers. A contract, as `types.ts` is. */
import type { AbortSignalLike, CallOptions, Metric } from "./types.js";

export interface TrainOptions extends CallOptions {
  /** Length of every vector, 1 .. 65535. */
  dimensions: number;
  /** Bytes of a code, 1 .. dimensions: the parts a vector is cut into. More: smaller error, larger codes. */
  chunks: number;
  /** Centroids of each chunk, 1 .. 256, default 256. Microsoft's C++ tools read 256 only. */
  centroids?: number | undefined;
  /** Most iterations of k-means, 1 .. 1000, default 12. */
  iterations?: number | undefined;
  /** Most vectors that are looked at, drawn by the seed, 1 .. 2^24, default 256,000. They are kept in memory meanwhile. */
  sampleSize?: number | undefined;
  /** Subtract the mean of the sample first: right for `l2`, the default; leave it out (`false`) for inner products. */
  center?: boolean | undefined;
  /** An integer in 0 .. 2^53 - 1, default 0. */
  seed?: number | undefined;
  /** 1 .. 256; default: all cores (WASM: one). Never changes the result. */
  threads?: number | undefined;
}

export interface EncodeOptions extends CallOptions {
  /** 1 .. 256; default: all cores (WASM: one). Never changes the result. */
  threads?: number | undefined;
}

export interface CodeSearchOptions {
  /** Hits wanted, 1 .. 65535, default 10. */
  k?: number | undefined;
  /** Default `"l2"`. The distance is that of the query itself to the vectors the codes stand for. */
  metric?: Metric | undefined;
  signal?: AbortSignalLike | undefined;
  /** 1 .. 256; default: all cores (WASM: one). */
  threads?: number | undefined;
}

/** How far vectors are from what their codes stand for. */
export interface ReconstructionError {
  /** Vectors that were encoded and decoded again. */
  readonly count: number;
  /** Mean of the squared distances. */
  readonly meanSquaredError: number;
  /** Sum of the squared distances by the sum of the squared lengths of the vectors: 0 is perfect, 1 says nothing. */
  readonly relative: number;
}

/** Codes of a file, row after row. */
export interface Codes {
  readonly count: number;
  /** Bytes of each code. */
  readonly chunks: number;
  /** [count * chunks] */
  readonly codes: Uint8Array;
}
