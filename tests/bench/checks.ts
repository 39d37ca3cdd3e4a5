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

/** Of these sides the best at a recall. */
function best(set: SetResult, recall: number, names: readonly SideName[]): number | undefined {
  const all = names.flatMap((name) => qpsAt(recall, sideOf(set, name)?.points ?? []) ?? []);
  return all.length === 0 ? undefined : Math.max(...all);
}

const OURS: readonly SideName[] = ["diskann", "diskann-u8", "diskann-f16"];
const USEARCH: readonly SideName[] = ["usearch", "usearch-f16"];

/** Recall of both is compared at this list size: the index of equal recall is the one that was built as quickly as it can be. */
const JUDGED_LIST = 40;

function recallOf(side: SideResult | undefined): number {
  return side?.points.find((point) => point.list === JUDGED_LIST)?.recall ?? 0;
}

/** CPU time of our quickest build that finds no less than a peer's index, in relation to that of the peer. */
function buildCheck(set: SetResult, peer: SideName): Check {
  const theirs = sideOf(set, peer);
  const all = (["diskann", "diskann-l48"] as const).flatMap((name) => sideOf(set, name) ?? []);
  const able = all.filter((side) => recallOf(side) >= recallOf(theirs));
  const ours = able.reduce<SideResult | undefined>(
    (least, side) => (least && least.built.cpuSeconds <= side.built.cpuSeconds ? least : side),
    undefined,
  );
  const recall = `recall at list ${JUDGED_LIST}: ${number(recallOf(ours), 3)}, ${number(recallOf(theirs), 3)}`;
  const what = `${set.title}: CPU time of a build, of ${peer} (${ours?.side ?? "none of ours"}; ${recall})`;
  return atMost(what, ratio(ours?.built.cpuSeconds, theirs?.built.cpuSeconds), 0.5, 2, " x");
}

function setChecks(set: SetResult): Check[] {
  const times = (
    recall: number,
    what: string,
    ours: readonly SideName[],
    theirs: readonly SideName[],
    least: number,
  ) => {
    const name = `${set.title}: QPS at ${String(recall).slice(1)}, ${what}`;
    return atLeast(name, ratio(best(set, recall, ours), best(set, recall, theirs)), least, 2, " x");
  };
  const isText = set.metric === "cosine";
  return [
    times(0.95, "f32 of f32 usearch", ["diskann"], ["usearch"], 1),
    times(0.95, "f32 of hnswlib-node", ["diskann"], ["hnswlib-node"], 1),
    times(0.95, "best type of usearch's best", OURS, USEARCH, 2),
    times(0.99, "best type of usearch's best", OURS, USEARCH, isText ? 3 : 2),
    times(0.95, "best type of hnswlib-node", OURS, ["hnswlib-node"], isText ? 3 : 2),
    times(0.99, "best type of hnswlib-node", OURS, ["hnswlib-node"], isText ? 4 : 2),
    times(0.95, "WASM of native", ["diskann-wasm"], ["diskann"], 0.35),
    ...(isText ? [times(0.95, "WASM of usearch's best", ["diskann-wasm"], USEARCH, 0.8)] : []),
    times(0.95, "WASM of hnswlib-wasm", ["diskann-wasm"], ["hnswlib-wasm"], 5),
    buildCheck(set, "usearch"),
    buildCheck(set, "hnswlib-node"),
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
