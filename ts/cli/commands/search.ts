import { DiskAnnError } from "../../core/errors.js";
import type { CommonOptions, Context } from "../context.js";
import {
  checkDimensions,
  coreCount,
  type Engine,
  exactTruth,
  openOptions,
  type Rows,
  readRows,
  type VectorIndex,
  withIndex,
} from "../engine.js";
import {
  checkedId,
  checkWritable,
  type ElementType,
  findFormat,
  type GroundTruth,
  writeTruth,
  writeVectors,
  writeWholeFile,
} from "../formats/index.js";
import type { MicrosoftDiskOptions, PlaceOptions } from "../options.js";
import { formatBytes, formatDuration, formatNumber } from "../terminal.js";

export interface SearchCommandOptions extends CommonOptions, PlaceOptions, MicrosoftDiskOptions {
  readonly input: string;
  readonly queries: string;
  readonly k: number;
  readonly searchListSize?: number;
  readonly threads?: number;
  readonly output?: string;
  readonly showDistances?: boolean;
  readonly exact?: boolean;
  readonly limit?: number;
  readonly type?: ElementType;
  readonly inputType?: ElementType;
}

/** Queries answered by one call: enough to keep all threads busy, few enough to show progress. */
const BATCH_ROWS = 4096;

interface Found extends GroundTruth {
  /** Of a paged index, by all queries together. */
  readonly reads?: number;
  readonly bytesRead?: number;
}

async function searchRows(
  index: VectorIndex,
  rows: Rows,
  options: SearchCommandOptions,
  context: Context,
): Promise<Found> {
  const { signal } = context;
  const k = Math.min(options.k, index.size);
  const progress = await context.progress();
  try {
    if (options.exact === true)
      return await exactTruth(index, rows, k, {
        signal,
        threads: options.threads ?? (await coreCount()),
        progress,
      });
    const ids = new Float64Array(rows.count * k);
    const distances = new Float32Array(rows.count * k);
    let reads = 0;
    let bytesRead = 0;
    for (let first = 0; first < rows.count; first += BATCH_ROWS) {
      const end = Math.min(first + BATCH_ROWS, rows.count);
      const batch = await index.searchBatch(
        rows.data.subarray(first * rows.dimensions, end * rows.dimensions),
        {
          k,
          searchListSize: options.searchListSize,
          threads: options.threads,
          signal,
        },
      );
      ids.set(batch.ids, first * k);
      distances.set(batch.distances, first * k);
      reads += batch.counters?.reads ?? 0;
      bytesRead += batch.counters?.bytesRead ?? 0;
      progress.update({ phase: "searching", done: end, total: rows.count }, "queries");
    }
    return { queries: rows.count, k, ids, distances, reads, bytesRead };
  } finally {
    progress.stop();
  }
}

interface ReadsPerQuery {
  readonly reads?: number;
  readonly bytesRead?: number;
}

function readsOf(index: VectorIndex, rows: Rows, { reads = 0, bytesRead = 0 }: Found): ReadsPerQuery {
  return index.stats().mode === "paged"
    ? { reads: reads / rows.count, bytesRead: bytesRead / rows.count }
    : {};
}

function formatReads({ reads = 0, bytesRead = 0 }: ReadsPerQuery): string {
  return `${formatNumber(reads, 1)} reads of ${formatBytes(bytesRead)}`;
}

interface QueryAnswer {
  readonly query: number;
  readonly hits: readonly { readonly id: number; readonly distance: number }[];
}

function answersOf(found: GroundTruth): QueryAnswer[] {
  return Array.from({ length: found.queries }, (_, query) => ({
    query,
    hits: Array.from({ length: found.k }, (__, i) => ({
      id: found.ids[query * found.k + i] as number,
      distance: found.distances?.[query * found.k + i] as number,
    })),
  }));
}

async function writeAnswers(path: string, found: GroundTruth, document: unknown): Promise<void> {
  if (path.toLowerCase().endsWith(".json")) return writeWholeFile(path, `${JSON.stringify(document)}\n`);
  if (findFormat(path)?.extension === ".bin") return writeTruth(path, found);
  const ids = Int32Array.from(found.ids, (id) => checkedId(path, id, 0x7fffffff));
  return writeVectors(path, "i32", found.k, ids);
}

function printAnswers(answers: readonly QueryAnswer[], showDistances: boolean, context: Context): void {
  const { style } = context;
  for (const { query, hits } of answers) {
    const cells = hits.map(({ id, distance }) =>
      showDistances ? `${id} ${style.dim(`(${Number(distance.toPrecision(6))})`)}` : String(id),
    );
    context.print(`${style.bold(`${query}:`)} ${cells.join(showDistances ? "  " : " ")}\n`);
  }
}

export async function runSearch(
  engine: Engine,
  options: SearchCommandOptions,
  context: Context,
): Promise<void> {
  if (options.output !== undefined) await checkWritable(options.output);
  const rows = await readRows(
    options.queries,
    options.inputType ?? options.type,
    options.limit,
    context.signal,
  );
  await withIndex(
    engine,
    options.input,
    context,
    async (index) => {
      checkDimensions(rows, index, options.input);
      if (index.size === 0)
        throw new DiskAnnError("ERR_INVALID_ARGUMENT", `${options.input}: the index is empty`);
      const started = performance.now();
      const found = await searchRows(index, rows, options, context);
      const milliseconds = performance.now() - started;
      const document = { k: found.k, exact: options.exact === true, results: answersOf(found) };
      if (options.output !== undefined) await writeAnswers(options.output, found, document);
      const summary = {
        queries: rows.count,
        k: found.k,
        exact: options.exact === true,
        seconds: milliseconds / 1000,
        queriesPerSecond: (rows.count * 1000) / milliseconds,
        backend: index.backend,
        mode: index.stats().mode,
        ...readsOf(index, rows, found),
        output: options.output,
      };
      const speed =
        `${formatDuration(milliseconds)} (${formatNumber(summary.queriesPerSecond)} queries/s` +
        `${summary.reads === undefined ? "" : `; ${formatReads(summary)} a query`})`;
      if (context.json) {
        context.printJson(options.output === undefined ? { ...summary, results: document.results } : summary);
      } else if (options.output !== undefined) {
        context.print(
          `${context.style.green("wrote")} ${context.style.bold(options.output)}: ` +
            `${formatNumber(rows.count)} queries x ${found.k} in ${speed}\n`,
        );
      } else {
        printAnswers(document.results, options.showDistances === true, context);
        context.note(`${formatNumber(rows.count)} queries in ${speed}`);
      }
    },
    openOptions(options.input, options, options.exact === true ? "leave out --exact" : undefined),
  );
}
