/**
 * How hard the generated data are for a graph, beside the real ones they stand for: this is how the numbers of SHAPES in
 * tests/support/generate.ts were found. `npm run bench -- shape` prints the table; the aim is that at recall .95 the generated
 * data take within 20 % of the distance computations of the real ones.
 */
import { join } from "node:path";
import { type Dataset, type DatasetName, head, loadDataset, repositoryRoot } from "../support/data.js";
import { generate, SHAPES, type Shape } from "../support/generate.js";
import { exactTruth } from "../support/truth.js";
import { atRecall, DENSE_LISTS, runCore } from "./core.js";
import { number, table } from "./report.js";

const RECALLS = [0.9, 0.95, 0.978, 0.99, 0.995];
const QUERIES = 500;

/** As the set `like`, made with another shape. */
function withShape(like: Dataset, shape: Shape): Dataset {
  const { dimensions } = like.base;
  const vectors = (rows: number, stream: number) => ({
    rows,
    dimensions,
    values: generate({ shape, dimensions, rows, stream }),
  });
  const base = vectors(like.base.rows, 0);
  const queries = vectors(QUERIES, 1);
  const title = `generated ${JSON.stringify(shape)}`;
  return { ...like, title, real: false, base, queries, truth: exactTruth(base, queries, like.metric, 100) };
}

async function measure(program: string, data: Dataset): Promise<string[]> {
  const run = { maxDegree: 32, buildListSize: 75, alpha: 1.2, codes: "none", lists: DENSE_LISTS } as const;
  const folder = join(repositoryRoot(), "build/bench/work/shape");
  const { points } = await runCore(program, data, run, folder);
  return [data.title, ...RECALLS.map((recall) => number(atRecall(recall, points, "distances")))];
}

/** Arguments: the program, then shapes to try as JSON, such as '{"of":"image","noise":0.2}'. */
async function main(program: string, tries: readonly string[]): Promise<void> {
  const rows: string[][] = [];
  for (const name of ["image", "text"] as const satisfies readonly DatasetName[]) {
    const real = loadDataset(name, { queries: QUERIES });
    rows.push(await measure(program, { ...real, queries: head(real.queries, QUERIES) }));
    rows.push(await measure(program, withShape(real, SHAPES[name])));
    for (const text of tries) {
      const { of, ...change } = JSON.parse(text) as Partial<Shape> & { of: DatasetName };
      if (of === name) {
        rows.push(await measure(program, withShape(real, { ...SHAPES[name], ...change })));
      }
    }
  }
  console.log("Distance computations of a query, R 32, L 75, alpha 1.2, at recall@10\n");
  console.log(table(["", ...RECALLS.map(String)], rows));
}

const [program = "", ...tries] = process.argv.slice(2);
main(program, tries).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
