/** The report in Markdown. It prints what was measured and nothing else. */

import type { Check } from "./checks.js";
import type { SetResult, SideResult } from "./compare.js";
import { cpuQpsAt, qpsAt } from "./curve.js";
import type { ExtraTable } from "./extras.js";
import type { Machine } from "./machine.js";

export interface Report {
  readonly date: string;
  readonly command: string;
  readonly machine: Machine;
  readonly loadAfter: number;
  readonly threads: number;
  readonly rounds: number;
  readonly quick: boolean;
  readonly peers: Readonly<Record<string, string>>;
  readonly sets: readonly SetResult[];
  readonly extras: readonly ExtraTable[];
  readonly checks: readonly Check[];
}

/** A table whose columns line up in plain text too. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => (row[i] ?? "").length)));
  const cell = (text: string, i: number) =>
    i === 0 ? text.padEnd(widths[i] ?? 0) : text.padStart(widths[i] ?? 0);
  const line = (row: readonly string[]) => `| ${head.map((_, i) => cell(row[i] ?? "", i)).join(" | ")} |`;
  const rule = widths.map((width, i) => (i === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`));
  return [line(head), `| ${rule.join(" | ")} |`, ...rows.map(line)].join("\n");
}

export function number(value: number | undefined, digits = 0): string {
  if (value === undefined || Number.isNaN(value)) {
    return "-";
  }
  return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

const megabytes = (bytes: number | undefined): string =>
  number(bytes === undefined ? undefined : bytes / 2 ** 20);
const microseconds = (nanoseconds: number): string => number(nanoseconds / 1000);

function sideRow(side: SideResult): string[] {
  const best = Math.max(...side.points.map((point) => point.recall));
  return [
    side.side,
    number(side.built.seconds, 1),
    number(side.built.cpuSeconds, 1),
    number(qpsAt(0.95, side.points)),
    number(qpsAt(0.99, side.points)),
    number(1e6 / (cpuQpsAt(0.95, side.points) ?? Number.NaN), 1),
    number(best, 4),
    microseconds(side.latency.p50),
    microseconds(side.latency.p99),
    String(side.latency.list),
    megabytes(side.built.memory),
    megabytes(side.built.file),
  ];
}

const HEAD = [
  "",
  "build s",
  "CPU s",
  "QPS @ .95",
  "QPS @ .99",
  "CPU us @ .95",
  "best recall",
  "p50 us",
  "p99 us",
  "list",
  "memory MB",
  "file MB",
];

function setSection(set: SetResult): string {
  const curve = set.sides.flatMap((side) =>
    side.points.map((point) => [side.side, String(point.list), number(point.recall, 4), number(point.qps)]),
  );
  const notes = set.sides
    .filter((side) => side.note !== undefined)
    .map((side) => `- ${side.side}: ${side.note}`);
  const failed = set.failed.map((side) => `- ${side.side} failed: ${side.error}`);
  return [
    `## ${set.title}, ${set.metric}, ${set.queries} queries`,
    "",
    table(HEAD, set.sides.map(sideRow)),
    "",
    ...[...notes, ...failed, ...(notes.length + failed.length > 0 ? [""] : [])],
    `![recall and speed](plot-${set.name}.svg)`,
    "",
    "<details><summary>every point</summary>",
    "",
    table(["", "list", "recall@10", "QPS"], curve),
    "",
    "</details>",
  ].join("\n");
}

function verdict({ met, aimed }: Check): string {
  if (met === undefined) {
    return "not measured";
  }
  return met ? (aimed ? "met, and the aim" : "met") : "NOT MET";
}

function checkSection(checks: readonly Check[]): string {
  const rows = checks.map((check) => [check.what, check.measured, check.wanted, verdict(check)]);
  return ["## Numbers to meet", "", table(["", "measured", "wanted", ""], rows)].join("\n");
}

export function markdown(report: Report): string {
  const { machine } = report;
  const peers = Object.entries(report.peers).map(([name, version]) => `${name} ${version}`);
  const lines = [
    "# Benchmark",
    "",
    `- ${report.date}, \`${report.command}\``,
    `- ${machine.cpu}, ${machine.cores} cores, ${number(machine.memory / 2 ** 30)} GB; ${machine.system}; Node ${machine.node}`,
    `- diskann ${machine.diskann}; ${peers.join(", ")}`,
    `- threads of build and batch search: ${report.threads}; rounds: ${report.rounds}; load of the machine: ${number(machine.load, 2)} before, ${number(report.loadAfter, 2)} after`,
    "- every graph: 32 edges a node at most, 100 candidates while building (l48: 48), f32 but where the name says another, k = 10",
    "- QPS: all queries at once in the fastest way each library has, the fastest round of each point, between points by interpolation;",
    "  p50, p99: one query after the other, at the smallest list size that reaches recall .95;",
    "  CPU: of all threads of the process; memory: growth of the process while building; all sides in one run, taking turns",
    ...(machine.load > machine.cores / 2
      ? ["- **the machine was busy before the run: times on the clock say little, CPU times more**"]
      : []),
    ...(report.quick ? ["- **quick run: small sets, few rounds; a look, not a measurement**"] : []),
    "",
  ];
  const extras = report.extras.map((extra) =>
    [
      `## ${extra.title}`,
      "",
      table(extra.head, extra.rows),
      ...(extra.notes ?? []).map((note) => `\n${note}`),
    ].join("\n"),
  );
  const sections = [...report.sets.map(setSection), ...extras];
  if (report.checks.length > 0) {
    sections.push(checkSection(report.checks));
  }
  return `${lines.join("\n")}\n${sections.join("\n\n")}\n`;
}
