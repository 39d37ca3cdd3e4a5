/** The numbers the package has to meet, each beside what this run measured. */

import type { SetResult, SideResult } from "./compare.js";
import { atRecall } from "./core.js";
import { qpsAt } from "./curve.js";
import { type CoreMeasured, type Extras, serialShare } from "./extras.js";
import { number } from "./report.js";
import { SETS } from "./sets.js";
import type { SideName } from "./sides/side.js";

export interface Check {
  readonly what: string;
  readonly measured: string;
  readonly wanted: string;
  /** Undefined: not measured in this run. */
  readonly met: boolean | undefined;
  /** Whether it is as good as we want it to be, where that is more than what has to be. */
  readonly aimed?: boolean | undefined;
}

interface Form {
  readonly digits?: number;
  readonly unit?: string;
  /** Better than the bound. */
  readonly aim?: number;
}

function check(what: string, value: number | undefined, sign: "<=" | ">=", bound: number, form: Form): Check {
  const { digits = 0, unit = "", aim } = form;
  const show = (one: number) => `${number(one, digits)}${unit}`;
  const isWithin = (limit: number) =>
    value === undefined || Number.isNaN(value) ? undefined : sign === "<=" ? value <= limit : value >= limit;
  const met = isWithin(bound);
  return {
    what,
    measured: met === undefined || value === undefined ? "-" : show(value),
    wanted: `${sign} ${show(bound)}${aim === undefined ? "" : `, aim ${show(aim)}`}`,
    met,
    ...(aim === undefined ? {} : { aimed: isWithin(aim) }),
  };
}

const atMost = (what: string, value: number | undefined, most: number, form: Form = {}): Check =>
  check(what, value, "<=", most, form);
const atLeast = (what: string, value: number | undefined, least: number, form: Form = {}): Check =>
  check(what, value, ">=", least, form);

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
    atLeast(`${one.title}: recall@10 at list size 100`, recall, RECALL_AT_100[one.data], { digits: 4 }),
    atMost(`${one.title}: serial share of a build`, 100 * serialShare(one.defaults), 5, {
      digits: 1,
      unit: " %",
      aim: 2,
    }),
    atMost(`${one.title}: memory without codes, x (vectors + graph)`, memory, 1.15, { digits: 3 }),
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

const TIMES = { digits: 2, unit: " x" } as const;

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
  const isNoneAble = ours === undefined && all.length > 0;
  const seconds = isNoneAble ? Number.POSITIVE_INFINITY : ours?.built.cpuSeconds;
  return atMost(what, ratio(seconds, theirs?.built.cpuSeconds), 0.5, { ...TIMES, aim: 0.3 });
}

/** Queries a second at a recall, ours in relation to theirs: at least, and wanted. */
interface Speed {
  readonly recall: number;
  readonly what: string;
  readonly ours: readonly SideName[];
  readonly theirs: readonly SideName[];
  readonly least: number;
  readonly aim?: number;
}

/** Best type of ours, of theirs. */
function bestSpeeds(isText: boolean): Speed[] {
  const usearch = { what: "best type of usearch's best", ours: OURS, theirs: USEARCH };
  const hnswlib = { what: "best type of hnswlib-node", ours: OURS, theirs: ["hnswlib-node"] } as const;
  return isText
    ? [
        { recall: 0.95, ...usearch, least: 2, aim: 3 },
        { recall: 0.99, ...usearch, least: 3, aim: 5 },
        { recall: 0.95, ...hnswlib, least: 3, aim: 5 },
        { recall: 0.99, ...hnswlib, least: 4, aim: 6 },
      ]
    : [
        { recall: 0.95, ...usearch, least: 2, aim: 2.5 },
        { recall: 0.99, ...usearch, least: 2, aim: 2.5 },
        { recall: 0.95, ...hnswlib, least: 2, aim: 3 },
        { recall: 0.99, ...hnswlib, least: 2, aim: 3 },
      ];
}

function speeds(isText: boolean): Speed[] {
  const wasm = { recall: 0.95, ours: ["diskann-wasm"] } as const;
  const usearch = { what: "WASM of usearch's best", theirs: USEARCH, least: 0.8, aim: 1.5 };
  return [
    { recall: 0.95, what: "f32 of f32 usearch", ours: ["diskann"], theirs: ["usearch"], least: 1 },
    { recall: 0.95, what: "f32 of hnswlib-node", ours: ["diskann"], theirs: ["hnswlib-node"], least: 1 },
    ...bestSpeeds(isText),
    { ...wasm, what: "WASM in Node of native", theirs: ["diskann"], least: 0.35, aim: 0.5 },
    {
      ...{ ...wasm, ours: ["diskann-chromium"], theirs: ["diskann"] },
      ...{ what: "WASM in Chromium of native", least: 0.35, aim: 0.5 },
    },
    ...(isText ? [{ ...wasm, ...usearch }] : []),
    { ...wasm, what: "WASM of hnswlib-wasm", theirs: ["hnswlib-wasm"], least: 5, aim: 10 },
    { ...wasm, what: "WASM of edgevec", theirs: ["edgevec"], least: 5, aim: 10 },
  ];
}

function setChecks(set: SetResult): Check[] {
  const sides: readonly SideName[] = SETS[set.name].sides;
  const has = (names: readonly SideName[]) => names.some((name) => sides.includes(name));
  return [
    ...speeds(set.metric === "cosine")
      .filter(({ ours, theirs }) => has(ours) && has(theirs))
      .map(({ recall, what, ours, theirs, least, aim }) => {
        const name = `${set.title}: QPS at ${String(recall).slice(1)}, ${what}`;
        const times = ratio(best(set, recall, ours), best(set, recall, theirs));
        return atLeast(name, times, least, { ...TIMES, ...(aim === undefined ? {} : { aim }) });
      }),
    ...(["usearch", "hnswlib-node"] as const)
      .filter((peer) => has([peer]))
      .map((peer) => buildCheck(set, peer)),
  ];
}

/* ---- the rest ---- */

export function makeChecks(sets: readonly SetResult[], extras: Extras | undefined): Check[] {
  const checks = sets.flatMap(setChecks);
  if (extras === undefined) {
    return checks;
  }
  const above = extras.overhead?.map((one) => one.above);
  const held = ["build", "add", "save"];
  const loop = extras.eventLoop?.filter((one) => held.includes(one.name)).map((one) => one.p999);
  return [
    ...extras.core.flatMap(coreChecks),
    ...checks,
    atMost("one search above the C call", above && Math.max(...above), 10, { digits: 1, unit: " us" }),
    atMost("event loop in build, add, save: p99.9 of its delay", loop && Math.max(...loop), 20, {
      digits: 1,
      unit: " ms",
    }),
    atMost("wasm, gzip", extras.sizes.wasmGzip, 100_000, { unit: " B" }),
    atMost("JavaScript of the browser entry, gzip", extras.sizes.browserGzip, 15_000, { unit: " B" }),
    atMost("addon", extras.sizes.addon, 1_000_000, { unit: " B" }),
  ];
}
