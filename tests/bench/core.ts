/** Runs measure_core.c, the C core without JavaScript around it, on a data set. */
import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Codes } from "../../ts/core/types.js";
import type { Dataset, Vectors } from "../support/data.js";
import type { Truth } from "../support/truth.js";

export interface CorePoint {
  readonly list: number;
  readonly recall: number;
  /** Distance computations of a query. */
  readonly distances: number;
  readonly hops: number;
  readonly microseconds: number;
  /** Of the whole pass. */
  readonly allocations: number;
}

export interface CoreResult {
  readonly buildDistances: number;
  /** Seconds that several threads may share, and seconds that they may not. */
  readonly phases: Readonly<Record<string, readonly [number, number]>>;
  readonly simd: string;
  readonly averageDegree: number;
  readonly memoryTotal: number;
  readonly memoryVectors: number;
  readonly memoryGraph: number;
  readonly memoryCodes: number;
  readonly points: readonly CorePoint[];
}

export interface CoreRun {
  readonly maxDegree: number;
  readonly buildListSize: number;
  readonly alpha: number;
  readonly codes: Codes;
  readonly lists: readonly number[];
}

/** Dense enough for straight lines between neighbours. */
export const DENSE_LISTS: readonly number[] = [
  10, 12, 14, 17, 20, 24, 28, 33, 38, 44, 50, 57, 65, 75, 87, 100, 115, 132, 152, 175, 200, 230, 265, 305,
  350,
];

export function writeTable(
  path: string,
  rows: number,
  columns: number,
  planes: readonly ArrayBufferView[],
): string {
  const parts = [Uint32Array.of(rows, columns), ...planes].map((view) =>
    Buffer.from(view.buffer, view.byteOffset, view.byteLength),
  );
  writeFileSync(path, Buffer.concat(parts));
  return path;
}

const writeVectors = (path: string, vectors: Vectors): string =>
  writeTable(path, vectors.rows, vectors.dimensions, [vectors.values]);

const writeTruth = (path: string, truth: Truth): string =>
  writeTable(path, truth.queries, truth.k, [truth.ids, truth.distances]);

/** `program`: what core-build.mjs made; `folder`: for the files it reads. */
export async function runCore(
  program: string,
  data: Dataset,
  run: CoreRun,
  folder: string,
): Promise<CoreResult> {
  mkdirSync(folder, { recursive: true });
  const args = [
    writeVectors(join(folder, "base.fbin"), data.base),
    writeVectors(join(folder, "queries.fbin"), data.queries),
    writeTruth(join(folder, "truth.bin"), data.truth),
    data.metric,
    String(run.maxDegree),
    String(run.buildListSize),
    String(run.alpha),
    run.codes,
    run.lists.join(","),
  ];
  const { stdout } = await promisify(execFile)(program, args, { maxBuffer: 2 ** 24 });
  return JSON.parse(stdout) as CoreResult;
}

/** Of a query at a recall, on the straight line between the neighbouring points; undefined if never reached. */
export function atRecall(
  recall: number,
  points: readonly CorePoint[],
  what: "distances" | "hops" | "microseconds",
): number | undefined {
  const above = points.findIndex((point) => point.recall >= recall);
  const high = points[above];
  const low = points[above - 1];
  if (high === undefined || low === undefined || high.recall <= low.recall) {
    return high?.[what];
  }
  const share = (recall - low.recall) / (high.recall - low.recall);
  return low[what] + share * (high[what] - low[what]);
}
