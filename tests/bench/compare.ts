/**
 * The comparison: every side in a process of its own, all alive at once, one of them at work at a time, in rounds - so that
 * what else the machine does hits all of them alike. Each point is the fastest of its rounds, the latency the round of
 * least median: what the library can do when nothing disturbs it.
 */
import { type ChildProcess, fork } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Dataset } from "../support/data.js";
import { recallAt } from "../support/truth.js";
import { ENOUGH, LADDER, listAt, type Point, quantile } from "./curve.js";
import type { Answer, Built, Order } from "./messages.js";
import { loadJudgedSet, SETS, type SetChoice } from "./sets.js";
import { BUILD_LIST, FIXED_LIST, K, type SideName } from "./sides/side.js";

export interface SideResult {
  readonly side: SideName;
  readonly built: Built;
  readonly points: readonly Point[];
  /** Nanoseconds, at the list size that reaches recall .95. */
  readonly latency: { readonly list: number; readonly p50: number; readonly p99: number };
  readonly note: string | undefined;
}

export interface SetResult {
  readonly name: SetChoice["name"];
  readonly title: string;
  readonly metric: string;
  readonly real: boolean;
  readonly queries: number;
  readonly sides: readonly SideResult[];
  readonly failed: readonly { readonly side: SideName; readonly error: string }[];
}

export interface CompareOptions {
  readonly set: SetChoice;
  readonly only: readonly SideName[];
  readonly threads: number;
  readonly rounds: number;
  readonly folder: string;
  readonly peers: string;
  readonly script: string;
  readonly progress: (line: string) => void;
}

class Runner {
  readonly side: SideName;
  readonly #process: ChildProcess;
  built: Built | undefined;
  note: string | undefined;
  lists: readonly number[] = LADDER;
  readonly passes = new Map<number, { seconds: number[]; cpuSeconds: number[] }>();
  readonly recall = new Map<number, number>();
  readonly latencies: Float64Array[] = [];

  constructor(side: SideName, script: string) {
    this.side = side;
    this.#process = fork(script, { execArgv: ["--expose-gc"], serialization: "advanced", silent: true });
  }

  order(order: Order): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const settle = (end: () => void) => {
        this.#process.off("message", hear);
        this.#process.off("exit", leave);
        end();
      };
      const hear = (answer: Answer) =>
        settle(() => (answer.error === undefined ? resolve(answer) : reject(new Error(answer.error))));
      const leave = (code: number | null, signal: string | null) =>
        settle(() => reject(new Error(`its process ended with ${signal ?? code}`)));
      this.#process.on("message", hear);
      this.#process.on("exit", leave);
      this.#process.send(order);
    });
  }

  async start(options: CompareOptions): Promise<void> {
    const folder = join(options.folder, `${options.set.name}-${this.side}`);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    const { set, threads, peers } = options;
    const start = { side: this.side, set, threads, folder, peers, fixedList: FIXED_LIST };
    const { started } = await this.order({ order: "start", start });
    this.note = started?.note;
    if (started?.fixed) {
      this.lists = [FIXED_LIST];
    }
    this.built = (await this.order({ order: "build" })).built;
  }

  /** The first pass: warms up, finds recall, and how far up the ladder to go. */
  async explore(data: Dataset): Promise<void> {
    const lists: number[] = [];
    for (const list of this.lists) {
      const { pass } = await this.order({ order: "pass", list, ids: true });
      const recall = recallAt(K, data.truth, pass?.ids ?? []);
      this.recall.set(list, recall);
      this.passes.set(list, { seconds: [], cpuSeconds: [] });
      lists.push(list);
      if (recall >= ENOUGH) {
        break;
      }
    }
    this.lists = lists;
  }

  async pass(list: number): Promise<void> {
    const { pass } = await this.order({ order: "pass", list, ids: false });
    this.passes.get(list)?.seconds.push(pass?.seconds ?? Number.NaN);
    this.passes.get(list)?.cpuSeconds.push(pass?.cpuSeconds ?? Number.NaN);
  }

  points(queries: number): Point[] {
    return this.lists.map((list) => ({
      list,
      recall: this.recall.get(list) ?? Number.NaN,
      qps: queries / Math.min(...(this.passes.get(list)?.seconds ?? [])),
      cpuQps: queries / Math.min(...(this.passes.get(list)?.cpuSeconds ?? [])),
    }));
  }

  async latency(queries: number): Promise<void> {
    const list = listAt(0.95, this.points(queries)) ?? BUILD_LIST;
    const { latency } = await this.order({ order: "latency", list });
    this.latencies.push(latency ?? new Float64Array(0));
  }

  result(queries: number): SideResult {
    if (this.built === undefined) {
      throw new Error("not built");
    }
    const points = this.points(queries);
    const sorted = this.latencies.map((values) => values.slice().sort());
    const quietest = sorted.reduce((a, b) => (quantile(a, 0.5) <= quantile(b, 0.5) ? a : b));
    const at = (p: number) => quantile(quietest, p);
    const latency = { list: listAt(0.95, points) ?? BUILD_LIST, p50: at(0.5), p99: at(0.99) };
    return { side: this.side, built: this.built, points, latency, note: this.note };
  }

  end(): void {
    this.#process.disconnect();
  }
}

/** Does the same with every runner, in turn; one that fails is dropped and its error kept. */
class Turns {
  readonly failed: { side: SideName; error: string }[] = [];
  runners: Runner[];

  constructor(runners: readonly Runner[]) {
    this.runners = [...runners];
  }

  async each(act: (runner: Runner) => Promise<void>): Promise<void> {
    for (const runner of [...this.runners]) {
      try {
        await act(runner);
      } catch (error) {
        const text = error instanceof Error ? error.message : String(error);
        this.failed.push({ side: runner.side, error: text.split("\n")[0] ?? text });
        this.runners = this.runners.filter((other) => other !== runner);
      }
    }
  }
}

export async function compare(options: CompareOptions): Promise<SetResult> {
  const { set, rounds, progress } = options;
  const data = await loadJudgedSet(set);
  const queries = data.queries.rows;
  const sides = SETS[set.name].sides.filter((side) => options.only.includes(side));
  const started: Runner[] = sides.map((side) => new Runner(side, options.script));
  const turns = new Turns(started);
  try {
    await turns.each(async (runner) => {
      progress(`${data.title}: ${runner.side} builds`);
      await runner.start(options);
    });
    await turns.each(async (runner) => {
      progress(`${data.title}: ${runner.side} warms up`);
      await runner.explore(data);
    });
    for (let round = 0; round < rounds; round++) {
      for (const list of LADDER) {
        progress(`${data.title}: round ${round + 1} of ${rounds}, list size ${list}`);
        await turns.each(async (runner) => {
          if (runner.passes.has(list)) {
            await runner.pass(list);
          }
        });
      }
      await turns.each((runner) => runner.latency(queries));
    }
    const results = turns.runners.map((runner) => runner.result(queries));
    const { title, metric, real } = data;
    return { name: set.name, title, metric, real, queries, sides: results, failed: turns.failed };
  } finally {
    for (const runner of started) {
      runner.end();
    }
  }
}
