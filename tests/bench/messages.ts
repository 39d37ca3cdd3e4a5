/** What the benchmark and the process of a side say to each other. */

import type { SetChoice } from "./sets.js";
import type { SideName } from "./sides/side.js";

export interface StartOrder {
  readonly side: SideName;
  readonly set: SetChoice;
  readonly threads: number;
  readonly folder: string;
  readonly peers: string;
  readonly fixedList: number;
}

export type Order =
  | { readonly order: "start"; readonly start: StartOrder }
  | { readonly order: "build" }
  /** Search all queries once with this list size. */
  | { readonly order: "pass"; readonly list: number; readonly ids: boolean }
  /** Ask one query after the other, each timed. */
  | { readonly order: "latency"; readonly list: number };

export interface Built {
  readonly seconds: number;
  /** Of all threads of the process. */
  readonly cpuSeconds: number;
  /** Growth of the process while it built, in bytes. */
  readonly memory: number;
  readonly file: number | undefined;
}

export interface Answer {
  readonly error?: string;
  readonly started?: { readonly note: string | undefined; readonly fixed: boolean };
  readonly built?: Built;
  readonly pass?: {
    readonly seconds: number;
    readonly cpuSeconds: number;
    readonly ids: Float64Array | undefined;
  };
  /** Nanoseconds of each query. */
  readonly latency?: Float64Array;
}
