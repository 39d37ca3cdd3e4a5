/** The numbers the package has to meet, each beside what this run measured. */

import type { SetResult, SideResult } from "./compare.js";
import { atRecall } from "./core.js";
import { qpsAt } from "./curve.js";
import { type CoreMeasured, type Extras, serialShare } from "./extras.js";
import { number } from "./report.js";
import type { SideName } from "./sides/side.js";

export interface Check {
  readonly what: string;
  readonly measured: string;
  readonly wanted: string;
  /** Undefined: not measured in this run. */
  readonly met: boolean | undefined;
}

function atMost(what: string, value: number | undefined, most: number, digits = 0, unit = ""): Check {
  const wanted = `<= ${number(most, digits)}${unit}`;
  const met = value === undefined ? undefined : value <= most;
  return { what, measured: value === undefined ? "-" : `${number(value, digits)}${unit}`, wanted, met };
}

function atLeast(what: string, value: number | undefined, least: number, digits = 0, unit = ""): Check {
  const wanted = `>= ${number(least, digits)}${unit}`;
  const met = value === undefined ? undefined : value >= least;
  return { what, measured: value === undefined ? "-" : `${number(value, digits)}${unit}`, wanted, met };
}

/* ---- the core ---- */

const RECALL_AT_100 = { image: 0.995, text: 0.985 } as const;

function coreChecks(one: CoreMeasured): Check[] {
  const recall = one.defaults.points.find((point) => point.list === 100)?.recall;
  const memory =
    (one.defaults.memoryTotal - one.defaults.memoryCodes) /
    (one.defaults.memoryVectors + one.defaults.memoryGraph);
  const allocations = one.defaults.points.reduce((sum, point) => sum + point.allocations, 0);
  const graph =
    one.data === "image"
      ? [
          atMost(
            `${one.title}: distances at recall .978`,
            atRecall(0.978, one.graph.points, "distances"),
            900,
          ),
          atMost(
            `${one.title}: distances at recall .995`,
            atRecall(0.995, one.graph.points, "distances"),
            1470,
          ),
        ]
      : [];
  return [
    ...graph,
    atLeast(`${one.title}: recall@10 at list size 100`, recall, RECALL_AT_100[one.data], 4),
    atMost(`${one.title}: serial share of a build`, 100 * serialShare(one.defaults), 5, 1, " %"),
    atMost(`${one.title}: memory without codes, x (vectors + graph)`, memory, 1.15, 3),
    atMost(`${one.title}: allocations of all searches`, allocations, 0),
  ];
}

/* ---- the comparison ---- */

function ratio(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : a / b;
}

function sideOf(set: SetResult, name: SideName): SideResult | undefined {
  return set.sides.find((side) => side.side === name);
}

/** How much slower or faster to build, at a list size of the search where both have a recall to compare. */
function buildCheck(set: SetResult): Check {
  const ours = sideOf(set, "diskann");
  const theirs = sideOf(set, "usearch");
  const what = `${set.title}: build, seconds (recall at list 40) beside usearch`;
  const recall = (side: SideResult) => side.points.find((point) => point.list === 40)?.recall ?? 0;
  const text = (side: SideResult | undefined) =>
    side === undefined ? "-" : `${number(side.built.seconds, 1)} (${number(recall(side), 3)})`;
  const met =
    ours === undefined || theirs === undefined
      ? undefined
      : ours.built.seconds <= theirs.built.seconds && recall(ours) >= recall(theirs) - 0.001;
  return { what, measured: text(ours), wanted: `<= ${text(theirs)}`, met };
}

function setChecks(set: SetResult): Check[] {
  const at = (name: SideName) => {
    const side = sideOf(set, name);
    return side === undefined ? undefined : qpsAt(0.95, side.points);
  };
  const times = (what: string, a: SideName, b: SideName, least: number, digits = 2) =>
    atLeast(`${set.title}: QPS at .95, ${what}`, ratio(at(a), at(b)), least, digits, " x");
  return [
    times("of hnswlib-node", "diskann", "hnswlib-node", 1),
    times("of usearch", "diskann", "usearch", 1),
    times("WASM of native", "diskann-wasm", "diskann", 0.35),
    times("WASM of hnswlib-wasm", "diskann-wasm", "hnswlib-wasm", 2),
    buildCheck(set),
  ];
}

/* ---- the rest ---- */

export function makeChecks(sets: readonly SetResult[], extras: Extras | undefined): Check[] {
  const checks = sets.filter((set) => set.name !== "image-small").flatMap(setChecks);
  if (extras === undefined) {
    return checks;
  }
  const above = extras.overhead?.map((one) => one.above);
  const held = ["build", "add", "save"];
  const loop = extras.eventLoop?.filter((one) => held.includes(one.name)).map((one) => one.p999);
  return [
    ...extras.core.flatMap(coreChecks),
    ...checks,
    atMost("one search above the C call", above && Math.max(...above), 10, 1, " us"),
    atMost("event loop in build, add, save: p99.9 of its delay", loop && Math.max(...loop), 20, 1, " ms"),
    atMost("wasm, gzip", extras.sizes.wasmGzip, 100_000, 0, " B"),
    atMost("JavaScript of the browser entry, gzip", extras.sizes.browserGzip, 15_000, 0, " B"),
    atMost("addon", extras.sizes.addon, 1_000_000, 0, " B"),
  ];
}
