/** What is measured on what. */
import { type Dataset, type DatasetName, loadDataset } from "../support/data.js";
import type { SideName } from "./sides/side.js";

interface BenchSet {
  readonly data: DatasetName;
  readonly rows: number;
  readonly quickRows: number;
  readonly queries: number;
  readonly sides: readonly SideName[];
}

/** The type that holds the data as it is, or nearly so, in our turn, and floats that are quantised to i8; f16 is the smallest of usearch that takes both. */
const sidesWith = (typed: SideName): readonly SideName[] => [
  "diskann",
  "diskann-l48",
  typed,
  "diskann-i8",
  "diskann-wasm",
  "usearch",
  "usearch-f16",
  "hnswlib-node",
  "zvec",
  "hnswlib-wasm",
];

export const SETS = {
  image: { data: "image", rows: 100_000, quickRows: 10_000, queries: 2000, sides: sidesWith("diskann-u8") },
  text: { data: "text", rows: 25_000, quickRows: 5000, queries: 500, sides: sidesWith("diskann-f16") },
  /** edgevec takes minutes to build more than this. */
  "image-small": {
    data: "image",
    rows: 10_000,
    quickRows: 2000,
    queries: 500,
    sides: ["diskann-wasm", "hnswlib-wasm", "edgevec"],
  },
} as const satisfies Record<string, BenchSet>;

export type SetName = keyof typeof SETS;

export interface SetChoice {
  readonly name: SetName;
  readonly quick: boolean;
  readonly generated: boolean;
}

/** `truth`: sides need none, and it may cost a brute-force scan. */
export function loadSet(choice: SetChoice, truth: boolean): Dataset {
  const set: BenchSet = SETS[choice.name];
  return loadDataset(set.data, {
    rows: choice.quick ? set.quickRows : set.rows,
    queries: choice.quick ? Math.min(500, set.queries) : set.queries,
    generated: choice.generated,
    truth,
    ...(truth ? {} : { notice: () => {} }),
  });
}
