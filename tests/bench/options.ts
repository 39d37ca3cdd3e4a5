/** The options of the benchmark. */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { SET_NAMES, type SetName, usualSets } from "./sets.js";
import { SIDE_NAMES, type SideName } from "./sides/side.js";

export interface Options {
  readonly sets: readonly SetName[];
  readonly only: readonly SideName[];
  readonly threads: number;
  readonly rounds: number;
  readonly quick: boolean;
  readonly generated: boolean;
  readonly extras: boolean;
  readonly json: boolean;
}

const HELP = `npm run bench -- [options]

  --quick              small sets, few rounds: a look, not a measurement
  --dataset <names>    of ${SET_NAMES.join(", ")}; default: all,
                       with --quick all but ${SET_NAMES.filter((name) => !usualSets(true).includes(name)).join(", ")}
  --only <names>       of ${SIDE_NAMES.join(", ")}; default: all
  --threads <n>        threads of build and batch search, default 1; this machine has ${availableParallelism()}
  --rounds <n>         how often each point is measured, all sides in turn; default 5
  --generated          generated data although the real ones are there
  --no-extras          the comparison only: no overhead, event loop, phases, sizes
  --json               results as JSON on standard output too
  --help

  npm run bench -- shape [rows]          how hard generated data are for a graph, beside the real ones
  npm run bench -- layout [image|text] [rows]   what decided the layout of a record
  npm run bench -- scale [rows,...]      how the work of a search grows with the index
  npm run bench -- http [rows]           searches of an index behind HTTP: rounds, requests, bytes, time
  npm run bench -- storage [rows]        searches in OPFS and IndexedDB of Chromium

Results: build/bench/report.md, report.json and one plot-<dataset>.svg each.`;

function names<T extends string>(
  given: string | undefined,
  known: readonly T[],
  option: string,
  fallback: readonly T[] = known,
): readonly T[] {
  if (given === undefined) {
    return fallback;
  }
  return given.split(",").map((name) => {
    const found = known.find((one) => one === name.trim());
    if (found === undefined) {
      throw new TypeError(`${option}: no "${name}"; there are ${known.join(", ")}`);
    }
    return found;
  });
}

function count(given: string | undefined, fallback: number, option: string): number {
  const value = given === undefined ? fallback : Number(given);
  if (!Number.isInteger(value) || value < 1 || value > 256) {
    throw new TypeError(`${option}: ${given} is not a number in 1 .. 256`);
  }
  return value;
}

/** Undefined: help was asked for, and given. */
export function readOptions(args: readonly string[]): Options | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: "boolean", default: false },
      dataset: { type: "string" },
      only: { type: "string" },
      threads: { type: "string" },
      rounds: { type: "string" },
      generated: { type: "boolean", default: false },
      "no-extras": { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return undefined;
  }
  return {
    sets: names(values.dataset, SET_NAMES, "--dataset", usualSets(values.quick)),
    only: names(values.only, SIDE_NAMES, "--only"),
    threads: count(values.threads, 1, "--threads"),
    rounds: count(values.rounds, values.quick ? 3 : 5, "--rounds"),
    quick: values.quick,
    generated: values.generated,
    extras: !values["no-extras"],
    json: values.json,
  };
}
