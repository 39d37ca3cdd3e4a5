/** What is measured on what. */
import { type Dataset, type DatasetName, loadDataset } from "../support/data.js";
import type { SideName } from "./sides/side.js";
import { kernelTruth } from "./truth.js";

interface BenchSet {
  readonly data: DatasetName;
  readonly rows: number;
  readonly quickRows: number;
  readonly queries: number;
  readonly sides: readonly SideName[];
  /** There are no real data of this size. */
  readonly generated?: true;
  /** Takes minutes even where it is small: `--quick` has it only when it is named. */
  readonly named?: true;
}

/** The type that holds the data as it is, or nearly so, in our turn, and floats that are quantised to i8; f16 is the smallest of usearch that takes both. */
const sidesWith = (typed: SideName, ...more: readonly SideName[]): readonly SideName[] => [
  "diskann",
  "diskann-l48",
  typed,
  "diskann-i8",
  "diskann-wasm",
  ...more,
  "usearch",
  "usearch-f16",
  "hnswlib-node",
  "zvec",
  "hnswlib-wasm",
];

export const SETS = {
  image: { data: "image", rows: 100_000, quickRows: 10_000, queries: 2000, sides: sidesWith("diskann-u8") },
  text: {
    data: "text",
    rows: 25_000,
    quickRows: 5000,
    queries: 500,
    sides: sidesWith("diskann-f16", "diskann-chromium"),
  },
  "text-100k": {
    data: "text",
    rows: 100_000,
    quickRows: 20_000,
    queries: 500,
    sides: [
      "diskann",
      "diskann-l48",
      "diskann-f16",
      "diskann-wasm",
      "usearch",
      "usearch-f16",
      "hnswlib-node",
    ],
    generated: true,
    named: true,
  },
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
export const SET_NAMES = Object.keys(SETS) as SetName[];

/** What is measured where no set is named. */
export function usualSets(quick: boolean): SetName[] {
  return SET_NAMES.filter((name) => !(quick && (SETS[name] as BenchSet).named));
}

export interface SetChoice {
  readonly name: SetName;
  readonly quick: boolean;
  readonly generated: boolean;
}

function load(choice: SetChoice, truth: boolean): Dataset {
  const set: BenchSet = SETS[choice.name];
  return loadDataset(set.data, {
    rows: choice.quick ? set.quickRows : set.rows,
    queries: choice.quick ? Math.min(500, set.queries) : set.queries,
    generated: choice.generated || set.generated === true,
    truth,
    ...(truth ? {} : { notice: () => {} }),
  });
}

/** Without a truth: sides need none, and it may cost a brute-force scan. */
export const loadSet = (choice: SetChoice): Dataset => load(choice, false);

/** A set that is always generated is large, and its truth minutes of plain JavaScript. */
export async function loadJudgedSet(choice: SetChoice): Promise<Dataset> {
  const set: BenchSet = SETS[choice.name];
  if (set.generated !== true) {
    return load(choice, true);
  }
  const data = load(choice, false);
  return { ...data, truth: await kernelTruth(data.base, data.queries, data.metric) };
}
