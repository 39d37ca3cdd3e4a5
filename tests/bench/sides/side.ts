/** What the benchmark asks of each library. One file a library; each runs in a process of its own. */
import type { Dataset } from "../../support/data.js";

export const SIDE_NAMES = [
  "diskann",
  "diskann-l48",
  "diskann-u8",
  "diskann-f16",
  "diskann-i8",
  "diskann-wasm",
  "diskann-chromium",
  "usearch",
  "usearch-f16",
  "hnswlib-node",
  "zvec",
  "hnswlib-wasm",
  "edgevec",
] as const;
export type SideName = (typeof SIDE_NAMES)[number];

/** The same graph for all: 32 edges a node at most, 100 candidates while building. */
export const DEGREE = 32;
export const BUILD_LIST = 100;
/** Of `diskann-l48`: enough for the recall that the others have from BUILD_LIST. */
export const QUICK_BUILD_LIST = 48;
export const K = 10;
/** Of libraries that fix it before the build: where recall is somewhat above .95. */
export const FIXED_LIST = 28;

export interface SideContext {
  readonly data: Dataset;
  readonly threads: number;
  /** An empty folder of its own. */
  readonly folder: string;
  /** `import` of an installed peer. */
  readonly peer: (name: string) => Promise<unknown>;
  /** The folder of an installed peer. */
  readonly peerFolder: (name: string) => string;
  /** The only list size that will be asked for, for libraries that fix it before the build. */
  readonly fixedList: number;
}

/** Hits of all queries, as the library gives them; `ids` makes them comparable, outside the timer. */
export interface Side {
  /** Brings the vectors into the shape the library wants; not timed. */
  prepare(): void | Promise<void>;
  /** Timed. */
  build(): void | Promise<void>;
  /** Sets the list size (L, ef); not timed. */
  setList(list: number): void | Promise<void>;
  /** All queries, k = 10, in the fastest way the library has; timed. */
  searchAll(): unknown;
  /** [queries x 10], NaN where there is no hit. */
  ids(raw: unknown): Float64Array;
  /** Of searchAll, where the process that searched took the time itself. */
  seconds?(raw: unknown): number;
  /** One query in the way a server would ask; timed one by one. */
  searchOne(query: number): unknown;
  /** Nanoseconds of each query asked alone, where the process that searches takes the time itself. */
  latencies?(): Promise<Float64Array>;
  /** Bytes of the saved index; undefined where it cannot be saved here. */
  save(): number | undefined | Promise<number | undefined>;
  /** Said under the table. */
  readonly note?: string | undefined;
  /** The list size cannot be changed after the build. */
  readonly fixed?: boolean;
  /** The index lives in another process: memory and CPU time are not seen from here. */
  readonly elsewhere?: boolean;
  close?(): Promise<void>;
}

export type MakeSide = (context: SideContext) => Promise<Side>;

/** One view a row. */
export function rowsOf(values: Float32Array, dimensions: number): Float32Array[] {
  return Array.from({ length: values.length / dimensions }, (_, row) =>
    values.subarray(row * dimensions, (row + 1) * dimensions),
  );
}

/** Rows of ids to one array. */
export function flatten(rows: readonly ArrayLike<number>[]): Float64Array {
  const out = new Float64Array(rows.length * K).fill(Number.NaN);
  for (const [row, ids] of rows.entries()) {
    for (let i = 0; i < Math.min(K, ids.length); i++) {
      out[row * K + i] = ids[i] as number;
    }
  }
  return out;
}
