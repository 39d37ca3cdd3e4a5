/**
 * What the API of product quantisers asks of a backend; the rules of `backend.ts` hold. Rows and codes come in slabs of a few
 * megabytes, which are copied before a method returns.
 */
import type { Simd } from "../core/types.js";
import type { Control, CoreHits } from "./backend.js";

export interface PqShape {
  readonly dimensions: number;
  readonly chunks: number;
  readonly centroids: number;
}

/** What a quantiser is made of, as `diskann_pq_create` takes it. */
export interface PqParts extends PqShape {
  /** [chunks + 1]: chunk c has the dimensions offsets[c] .. offsets[c + 1] - 1. */
  readonly offsets: Uint32Array;
  /** [centroids][dimensions] */
  readonly pivots: Float32Array;
  /** [dimensions] */
  readonly centre: Float32Array;
}

/** `diskann_pq_config` */
export interface PqTraining extends PqShape {
  readonly iterations: number;
  readonly sampleRows: number;
  readonly isCentred: boolean;
  readonly seed: number;
}

export interface BackendPq {
  readonly shape: PqShape;
  parts(): PqParts;
  encode(rows: Float32Array, control: Control): Promise<Uint8Array>;
  /** A slab at a time. */
  decode(codes: Uint8Array): Float32Array;
  /** The ids are places in `codes`. */
  search(
    codes: Uint8Array,
    query: Float32Array,
    metric: number,
    k: number,
    control: Control,
  ): Promise<CoreHits>;
  /** Frees everything; no call is under way. Idempotent. */
  close(): void;
}

/** Rows on their way into a sample: append in slabs, then run, or discard. */
export interface BackendPqTraining {
  append(rows: Float32Array): void;
  run(control: Control): Promise<BackendPq>;
  /** After `run` it does nothing. */
  discard(): void | Promise<void>;
}

export interface PqBackend {
  readonly name: "native" | "wasm";
  readonly simd: Simd;
  train(training: PqTraining, threads: number | undefined): Promise<BackendPqTraining>;
  create(parts: PqParts): Promise<BackendPq>;
}
