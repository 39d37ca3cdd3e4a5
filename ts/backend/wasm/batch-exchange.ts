/** What the module for threads exports beside what the other one has: `wasm/exports_threads.c`. */
import type { Address, CoreExports } from "./exchange.js";

export interface BatchExports extends CoreExports {
  batch_begin(
    index: Address,
    vectors: Address,
    queries: number,
    k: number,
    listSize: number,
    beamWidth: number,
    flags: number,
    workers: number,
    ids: Address,
    distances: Address,
    counts: Address,
  ): number;
  batch_take(
    op: Address,
    queries: number,
    k: number,
    ids: Address,
    distances: Address,
    counts: Address,
  ): void;
}

export const BATCHED = { distances: 0, hops: 1, rounds: 2 } as const;
