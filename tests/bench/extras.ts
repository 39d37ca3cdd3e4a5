/** What is measured of this package alone: its core, its overhead, its sizes. */
import { execFile } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { bundleBrowserEntry } from "../support/browser-entry.js";
import type { Dataset, DatasetName } from "../support/data.js";
import { atRecall, type CoreResult, DENSE_LISTS, runCore } from "./core.js";
import { measureOverhead, type Overhead } from "./overhead.js";
import { measurePage } from "./page.js";
import { number } from "./report.js";
import { loadJudgedSet, type SetChoice } from "./sets.js";

export interface ExtraTable {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly notes?: readonly string[];
}

export interface Sizes {
  readonly wasmGzip: number | undefined;
  readonly browserGzip: number;
  readonly addon: number | undefined;
}

export interface CoreMeasured {
  readonly data: DatasetName;
  readonly title: string;
  readonly real: boolean;
  readonly rows: number;
  /** R 32, L 75: for distance computations. */
  readonly graph: CoreResult;
  /** R 32, L 100, the defaults: for recall and the phases of a build. */
  readonly defaults: CoreResult;
  /** The same without codes. */
  readonly plain: CoreResult;
}

/** A line of event-loop.mjs or page-calls.ts; milliseconds. */
export interface EventDelay {
  readonly name: string;
  readonly ms: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

export interface Extras {
  readonly core: readonly CoreMeasured[];
  readonly overhead: readonly Overhead[] | undefined;
  readonly eventLoop: readonly EventDelay[] | undefined;
  readonly page: readonly EventDelay[] | undefined;
  readonly sizes: Sizes;
}

async function measureCore(program: string, data: Dataset, folder: string): Promise<CoreMeasured> {
  const run = { maxDegree: 32, alpha: 1.2, codes: "auto", lists: DENSE_LISTS } as const;
  const graph = await runCore(program, data, { ...run, buildListSize: 75 }, folder);
  const defaults = await runCore(program, data, { ...run, buildListSize: 100 }, folder);
  const plain = await runCore(program, data, { ...run, codes: "none", buildListSize: 100 }, folder);
  const { name, title, real, base } = data;
  return { data: name, title, real, rows: base.rows, graph, defaults, plain };
}

async function measureSizes(root: string): Promise<Sizes> {
  const wasm = join(root, "dist/diskann.wasm");
  const addon = join(root, "build/Release/diskann.node");
  return {
    wasmGzip: existsSync(wasm) ? gzipSync(readFileSync(wasm), { level: 9 }).length : undefined,
    browserGzip: gzipSync(await bundleBrowserEntry(), { level: 9 }).length,
    addon: existsSync(addon) ? statSync(addon).size : undefined,
  };
}

export interface ExtrasOptions {
  readonly root: string;
  /** What core-build.mjs made, or "". */
  readonly program: string;
  readonly sets: readonly SetChoice[];
  readonly folder: string;
  readonly progress: (line: string) => void;
}

async function measureEventDelay(root: string): Promise<EventDelay[]> {
  const args = [join(root, "tests/bench/event-loop.mjs"), "--json"];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout) as EventDelay[];
}

/** Undefined with a line of why: what is not there cannot be measured. */
async function attempt<T>(
  what: string,
  progress: (line: string) => void,
  work: () => Promise<T>,
): Promise<T | undefined> {
  progress(what);
  try {
    return await work();
  } catch (error) {
    progress(`${what}: not measured: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}

export async function measureExtras(options: ExtrasOptions): Promise<Extras> {
  const { root, program, progress } = options;
  const core: CoreMeasured[] = [];
  for (const set of program === "" ? [] : options.sets) {
    const data = await loadJudgedSet(set);
    const measured = await attempt(`${data.title}: the C core alone`, progress, () =>
      measureCore(program, data, join(options.folder, "core")),
    );
    core.push(...(measured === undefined ? [] : [measured]));
  }
  const overhead = await attempt("what a search costs above the C call", progress, measureOverhead);
  const eventLoop = await attempt("delay of the event loop", progress, () => measureEventDelay(root));
  const page = await attempt("what holds the thread of a page", progress, () => measurePage(root));
  return { core, overhead, eventLoop, page, sizes: await measureSizes(root) };
}

/* ---- tables ---- */

function graphTable(core: readonly CoreMeasured[]): ExtraTable {
  const recalls = [0.95, 0.978, 0.99, 0.995];
  return {
    title: "Distance computations of a query, by recall@10 (R 32, L 75, alpha 1.2)",
    head: ["", ...recalls.map(String), "average degree", "of the build, per vector"],
    rows: core.map((one) => [
      one.title,
      ...recalls.map((recall) => number(atRecall(recall, one.graph.points, "distances"))),
      number(one.graph.averageDegree, 1),
      number(one.graph.buildDistances / one.rows),
    ]),
  };
}

/** Share of the time of a one-thread build that more threads could not share. */
export function serialShare(result: CoreResult): number {
  const [parallel, serial] = result.phases.all ?? [Number.NaN, Number.NaN];
  return serial / (parallel + serial);
}

function phaseTable(core: readonly CoreMeasured[]): ExtraTable {
  const rows = core.flatMap((one) =>
    Object.entries(one.defaults.phases).map(([phase, [parallel, serial]]) => [
      `${one.title}: ${phase}`,
      number(parallel, 3),
      number(serial, 3),
    ]),
  );
  return {
    title: "Where a build's time goes (R 32, L 100, the C core, one thread)",
    head: ["", "parallel s", "serial s"],
    rows,
  };
}

function codesTable(core: readonly CoreMeasured[]): ExtraTable {
  const row = (name: string, result: CoreResult, rows: number): string[] => [
    name,
    number(
      (result.phases.all ?? [0, 0]).reduce((sum, seconds) => sum + seconds, 0),
      1,
    ),
    ...[0.95, 0.99].flatMap((recall) => [
      number(atRecall(recall, result.points, "microseconds"), 1),
      number(atRecall(recall, result.points, "distances")),
    ]),
    number(result.memoryCodes / rows),
  ];
  return {
    title: "What codes do (R 32, L 100, the C core, one thread)",
    head: ["", "build s", "us @ .95", "distances", "us @ .99", "distances", "bytes a vector"],
    rows: core.flatMap((one) => [
      row(`${one.title}: 8-bit codes`, one.defaults, one.rows),
      row(`${one.title}: none`, one.plain, one.rows),
    ]),
  };
}

function overheadTable(overhead: readonly Overhead[]): ExtraTable {
  return {
    title: "One search through the addon, us (10,000 x 128, k 10)",
    head: ["list size", "C call", "awaited", "above the C call", "64 at a time"],
    rows: overhead.map((one) => [
      String(one.list),
      number(one.direct, 1),
      number(one.awaited, 1),
      number(one.above, 1),
      number(one.concurrent, 1),
    ]),
  };
}

function delayTable(title: string, delays: readonly EventDelay[]): ExtraTable {
  return {
    title,
    head: ["", "took", "p50", "p99", "p99.9", "max"],
    rows: delays.map((one) => [
      one.name,
      number(one.ms),
      ...[one.p50, one.p99, one.p999, one.max].map((value) => number(value, 2)),
    ]),
    notes: ["idle: nothing runs; the machine's own noise."],
  };
}

export function extraTables(extras: Extras): ExtraTable[] {
  const tables: ExtraTable[] = [];
  if (extras.core.length > 0) {
    tables.push(graphTable(extras.core), phaseTable(extras.core), codesTable(extras.core));
  }
  if (extras.overhead !== undefined) {
    tables.push(overheadTable(extras.overhead));
  }
  if (extras.eventLoop !== undefined) {
    const title = "Delay of Node's event loop while a call runs, ms (30,000 x 128, one thread)";
    tables.push(delayTable(title, extras.eventLoop));
  }
  if (extras.page !== undefined) {
    const title = "Turns of a page's own thread while a call runs on it, ms (Chromium, 30,000 x 128)";
    tables.push(delayTable(title, extras.page));
  }
  return tables;
}
