/** The benchmark: installs the peers, compares, measures what is ours alone, writes build/bench/report.{md,json} and plots. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { repositoryRoot } from "../support/data.js";
import { compare, type SetResult } from "./compare.js";
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

async function run(options: Options): Promise<Report> {
  const root = repositoryRoot();
  const folder = join(root, "build/bench");
  const script = join(dirname(fileURLToPath(import.meta.url)), "side-process.mjs");
  mkdirSync(folder, { recursive: true });
  const machine = describeMachine(root);
  const peers = await installPeers(join(folder, "peers"), progress);
  const sets: SetResult[] = [];
  for (const name of options.sets) {
    const set = { name, quick: options.quick, generated: options.generated };
    const { only, threads, rounds } = options;
    const work = join(folder, "work");
    sets.push(
      await compare({ set, only, threads, rounds, folder: work, peers: peers.folder, script, progress }),
    );
  }
  return {
    date: new Date().toISOString().slice(0, 16).replace("T", " "),
    command: ["npm run bench --", ...process.argv.slice(2)].join(" ").replace(/ --$/, ""),
    machine,
    threads: options.threads,
    rounds: options.rounds,
    quick: options.quick,
    peers: peers.versions,
    sets,
    extras: [],
    checks: [],
  };
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (options === undefined) {
    return;
  }
  const report = await run(options);
  const folder = join(repositoryRoot(), "build/bench");
  writeFileSync(join(folder, "report.md"), markdown(report));
  writeFileSync(join(folder, "report.json"), `${JSON.stringify(report, undefined, 1)}\n`);
  for (const set of report.sets.filter((one) => one.sides.length > 0)) {
    writeFileSync(join(folder, `plot-${set.name}.svg`), plot(set));
  }
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
