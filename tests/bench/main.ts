/** The benchmark: installs the peers, compares, measures what is ours alone, writes build/bench/report.{md,json} and plots. */
import { mkdirSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { repositoryRoot } from "../support/data.js";
import { makeChecks } from "./checks.js";
import { compare, type SetResult } from "./compare.js";
import { type Extras, extraTables, measureExtras } from "./extras.js";
import { describeMachine } from "./machine.js";
import { type Options, readOptions } from "./options.js";
import { installPeers } from "./peers.js";
import { plot } from "./plot.js";
import { markdown, type Report } from "./report.js";

/** One line that is rewritten on a terminal, and a line each elsewhere. */
function progress(line: string): void {
  const time = new Date().toISOString().slice(11, 19);
  if (process.stderr.isTTY) {
    process.stderr.write(`\r\x1b[K${time} ${line}`);
  } else if (!/round \d+ of/.test(line)) {
    process.stderr.write(`${time} ${line}\n`);
  }
}

function measureOurs(root: string, folder: string, options: Options): Promise<Extras> {
  const names = (["image", "text"] as const).filter((name) => options.sets.includes(name));
  const sets = names.map((name) => ({ name, quick: options.quick, generated: options.generated }));
  const program = process.env.DISKANN_BENCH_CORE ?? "";
  return measureExtras({ root, program, sets, folder: join(folder, "work"), progress });
}

function reportOf(
  options: Options,
  rest: Pick<Report, "machine" | "peers" | "sets">,
  extras?: Extras,
): Report {
  return {
    date: new Date().toISOString().slice(0, 16).replace("T", " "),
    command: ["npm run bench --", ...process.argv.slice(2)].join(" ").replace(/ --$/, ""),
    ...rest,
    loadAfter: loadavg()[0] ?? Number.NaN,
    threads: options.threads,
    rounds: options.rounds,
    quick: options.quick,
    extras: extras === undefined ? [] : extraTables(extras),
    checks: makeChecks(rest.sets, extras),
  };
}

/** The report is written after each set: what was measured in half an hour outlives an interruption. */
async function run(options: Options, folder: string): Promise<Report> {
  const root = repositoryRoot();
  const scripts = dirname(fileURLToPath(import.meta.url));
  const script = join(scripts, "side-process.mjs");
  mkdirSync(folder, { recursive: true });
  const machine = describeMachine(root);
  const peers = await installPeers(join(folder, "peers"), progress);
  const sets: SetResult[] = [];
  const rest = { machine, peers: peers.versions, sets };
  for (const name of options.sets) {
    const set = { name, quick: options.quick, generated: options.generated };
    const { only, threads, rounds } = options;
    const work = join(folder, "work");
    sets.push(
      await compare({ set, only, threads, rounds, folder: work, peers: peers.folder, script, progress }),
    );
    writeReport(reportOf(options, rest), folder);
  }
  const extras = options.extras ? await measureOurs(root, folder, options) : undefined;
  return reportOf(options, rest, extras);
}

function writeReport(report: Report, folder: string): void {
  writeFileSync(join(folder, "report.md"), markdown(report));
  writeFileSync(join(folder, "report.json"), `${JSON.stringify(report, undefined, 1)}\n`);
  for (const set of report.sets.filter((one) => one.sides.length > 0)) {
    writeFileSync(join(folder, `plot-${set.name}.svg`), plot(set));
  }
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (options === undefined) {
    return;
  }
  const folder = join(repositoryRoot(), "build/bench");
  const report = await run(options, folder);
  writeReport(report, folder);
  if (process.stderr.isTTY) {
    process.stderr.write("\r\x1b[K");
  }
  console.log(options.json ? JSON.stringify(report) : markdown(report));
  console.error(`Written to ${folder}: report.md, report.json, plot-*.svg`);
}

main().catch((error: unknown) => {
  console.error(error instanceof TypeError ? error.message : error);
  process.exitCode = 1;
});
