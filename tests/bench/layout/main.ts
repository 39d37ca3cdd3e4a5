/**
 * `npm run bench -- layout [image|text] [rows]`: the experiments that decided the layout of a record (csrc/README.md), as tables.
 * They take some minutes, count records and pages, and time one thread.
 */
import { execFile } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Dataset, type DatasetName, loadDataset, repositoryRoot } from "../../support/data.js";
import { writeTable } from "../core.js";

const QUERIES = 300;

interface Row {
  readonly variant: string;
  readonly [figure: string]: string | number | undefined;
}

interface Experiment {
  readonly title: string;
  readonly degree: number;
  readonly type: "f32" | "u8";
  readonly variants: readonly string[];
}

const CENTRES = ["exact", "owner/1", "owner/2", "cluster/1", "cluster/2", "mean/1", "mean/2", "mean/4"];
const KINDS = ["build:none", "build:8bit", "build:1bit", "build:pq"];

function experiments(name: DatasetName): readonly Experiment[] {
  const type = name === "image" ? "u8" : "f32";
  const pq = name === "image" ? "pq/32" : "pq/96";
  const small = name === "image" ? "pq/16" : "pq/48";
  const order = (more: string) => [`${pq}${more}`, `${pq}+random${more}`, `${pq}+packed${more}`];
  return [
    { title: "centre of the code, and bits", degree: 32, type, variants: [...CENTRES, small, pq] },
    { title: "degree 16", degree: 16, type, variants: ["owner/1", pq] },
    { title: "degree 64", degree: 64, type, variants: ["owner/1", `owner/1+page+nav`, pq, `${pq}+page+nav`] },
    { title: "order of records", degree: 32, type, variants: [...order(""), ...order("+page")] },
    { title: "start", degree: 32, type, variants: [pq, `${pq}+nav`, "owner/1", "owner/1+nav"] },
    { title: "vectors of f32", degree: 32, type: "f32", variants: ["owner/1+page+nav", `${pq}+page+nav`] },
    { title: "what the core does", degree: 32, type: "f32", variants: KINDS },
  ];
}

function writeInput(data: Dataset, folder: string): string[] {
  mkdirSync(folder, { recursive: true });
  const { base, queries, truth } = data;
  return [
    writeTable(join(folder, "base.bin"), base.rows, base.dimensions, [base.values]),
    writeTable(join(folder, "queries.bin"), queries.rows, queries.dimensions, [queries.values]),
    writeTable(join(folder, "truth.bin"), truth.queries, truth.k, [truth.ids]),
  ];
}

function printTable(rows: readonly Row[]): void {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  console.log(`| ${columns.join(" | ")} |`);
  console.log(`|---|${"--:|".repeat(columns.length - 1)}`);
  for (const row of rows) console.log(`| ${columns.map((column) => row[column] ?? "").join(" | ")} |`);
}

async function main(program: string, names: readonly DatasetName[], rows?: number): Promise<void> {
  for (const name of names) {
    const data = loadDataset(name, { queries: QUERIES, rows });
    const input = writeInput(data, join(repositoryRoot(), "build/bench/layout", name));
    for (const { title, degree, type, variants } of experiments(name)) {
      const args = [...input, data.metric, String(degree), type, variants.join(",")];
      const { stdout } = await promisify(execFile)(program, args, { maxBuffer: 2 ** 24 });
      console.log(`\n${data.title}, ${type}, R ${degree}: ${title}\n`);
      printTable(JSON.parse(stdout) as Row[]);
    }
  }
}

const [program = "", ...words] = process.argv.slice(2);
const rows = words.map(Number).find((count) => count > 0);
const named = (["image", "text"] as const).filter((name) => words.includes(name));
await main(program, named.length > 0 ? named : ["image", "text"], rows);
