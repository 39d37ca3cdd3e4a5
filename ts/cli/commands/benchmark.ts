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
  rowOf,
  type VectorIndex,
  withIndex,
} from "../engine.js";
import {
  checkWritable,
  type ElementType,
  type GroundTruth,
  readTruth,
  recallAt,
  writeWholeFile,
} from "../formats/index.js";
import type { MicrosoftDiskOptions, PlaceOptions } from "../options.js";
import { formatBytes, formatNumber, formatTable } from "../terminal.js";

export interface BenchmarkOptions extends CommonOptions, PlaceOptions, MicrosoftDiskOptions {
  readonly input: string;
  readonly queries: string;
  readonly truth?: string;
  readonly searchListSize: readonly number[];
  readonly k: number;
  readonly threads: number;
  readonly repeat: number;
  readonly limit?: number;
  readonly plot?: string;
  readonly type?: ElementType;
  readonly inputType?: ElementType;
}

/** Times in milliseconds of one `search()` call at a time. */
export interface Latency {
  readonly mean: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

export interface BenchmarkRow {
  readonly searchListSize: number;
  readonly recall: number;
  /** Median over the repetitions of one `searchBatch` of all queries. */
  readonly queriesPerSecond: number;
  readonly latencyMs: Latency;
  /** Means per query; absent where the library does not count. */
  readonly distanceComputations?: number | undefined;
  readonly hops?: number | undefined;
  /** Of a paged index, of the timed batches: with the cache as a batch before left it. */
  readonly reads?: number | undefined;
  readonly bytesRead?: number | undefined;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

/** Nearest-rank percentiles. */
export function latencyOf(milliseconds: readonly number[]): Latency {
  const sorted = [...milliseconds].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] as number;
  const mean = sorted.reduce((sum, value) => sum + value, 0) / sorted.length;
  return { mean, p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}

/** Truth in other ids than those of the index would be a recall of 0, and a riddle. */
async function checkIds(
  index: VectorIndex,
  truth: GroundTruth,
  options: BenchmarkOptions,
): Promise<GroundTruth> {
  if (index.stats().mode === "paged") return truth; // which ids it holds is not known
  const first = Array.from({ length: Math.min(truth.k, options.k) }, (_, i) => truth.ids[i] as number);
  const held = await Promise.all(first.map((id) => id >= 0 && index.has(id)));
  if (held.some(Boolean)) return truth;
  throw new DiskAnnError(
    "ERR_INVALID_ARGUMENT",
    `${options.truth}: the index holds none of the neighbours of the first query (${first.slice(0, 3).join(", ")}, ...): ` +
      "the file is for other vectors, in other ids, or no ground truth",
  );
}

async function findTruth(
  index: VectorIndex,
  rows: Rows,
  options: BenchmarkOptions,
  context: Context,
): Promise<GroundTruth> {
  if (options.truth !== undefined) {
    const truth = await readTruth(options.truth);
    const fits = options.limit === undefined ? truth.queries === rows.count : truth.queries >= rows.count;
    if (fits) return checkIds(index, truth, options);
    throw new DiskAnnError(
      "ERR_INVALID_ARGUMENT",
      `${options.truth} is for ${truth.queries} queries, ${options.queries} has ${rows.count}: they do not belong together`,
    );
  }
  if (index.stats().mode === "paged")
    throw new DiskAnnError(
      "ERR_UNSUPPORTED",
      "brute force needs the index in memory: give the ground truth of a paged one by --truth",
    );
  const progress = await context.progress();
  try {
    // Twice k, so that ties with the k-th neighbour are seen.
    const threads = await coreCount();
    return await exactTruth(index, rows, Math.min(2 * options.k, 65535), {
      signal: context.signal,
      threads,
      progress,
    });
  } finally {
    progress.stop();
  }
}

async function measure(
  index: VectorIndex,
  rows: Rows,
  truth: GroundTruth,
  searchListSize: number,
  options: BenchmarkOptions,
  context: Context,
): Promise<BenchmarkRow> {
  const { signal } = context;
  // The graph is what is measured, also where it is small.
  const single = { k: options.k, searchListSize, scan: false, signal };
  const batch = { ...single, threads: options.threads };
  // The first pass warms the caches and gives the answers; the timed ones follow.
  const answers = await index.searchBatch(rows.data, batch);
  const rates: number[] = [];
  let work = answers.counters;
  for (let i = 0; i < options.repeat; i++) {
    const started = performance.now();
    const { counters } = await index.searchBatch(rows.data, batch);
    if (counters) work = counters;
    rates.push((rows.count * 1000) / (performance.now() - started));
  }
  const latencies: number[] = [];
  for (let row = 0; row < rows.count; row++) {
    const query = rowOf(rows, row);
    const started = performance.now();
    await index.search(query, single);
    latencies.push(performance.now() - started);
  }
  const perQuery = (sum: number | undefined): number | undefined =>
    sum === undefined ? undefined : sum / rows.count;
  const paged = index.stats().mode === "paged";
  return {
    searchListSize,
    recall: recallAt(truth, answers.ids, answers.k, options.k),
    queriesPerSecond: median(rates),
    latencyMs: latencyOf(latencies),
    distanceComputations: perQuery(work?.distanceComputations),
    hops: perQuery(work?.hops),
    reads: paged ? perQuery(work?.reads) : undefined,
    bytesRead: paged ? perQuery(work?.bytesRead) : undefined,
  };
}

function formatRow(row: BenchmarkRow): string[] {
  const { mean, p50, p95, p99 } = row.latencyMs;
  const time = (milliseconds: number): string => formatNumber(milliseconds * 1000);
  const count = (value: number | undefined): string => (value === undefined ? "-" : formatNumber(value, 1));
  return [
    String(row.searchListSize),
    row.recall.toFixed(4),
    formatNumber(row.queriesPerSecond),
    ...[mean, p50, p95, p99].map(time),
    count(row.distanceComputations),
    count(row.hops),
    ...(row.reads === undefined ? [] : [count(row.reads), formatBytes(row.bytesRead ?? 0)]),
  ];
}

function printTable(
  rows: readonly BenchmarkRow[],
  title: string,
  options: BenchmarkOptions,
  context: Context,
): void {
  const { style } = context;
  const heading = [
    "L",
    `recall@${options.k}`,
    "QPS",
    "mean us",
    "p50 us",
    "p95 us",
    "p99 us",
    "distances",
    "hops",
    ...(rows[0]?.reads === undefined ? [] : ["reads", "read"]),
  ];
  const threads = options.threads === 1 ? "1 thread" : `${options.threads} threads`;
  context.print(
    `${style.bold(title)}\n\n${formatTable(heading, rows.map(formatRow), style)}\n` +
      style.dim(
        `QPS: one batch of all queries on ${threads}, median of ${options.repeat}. ` +
          "Latency: one search() call at a time.\n",
      ),
  );
}

export async function runBenchmark(
  engine: Engine,
  options: BenchmarkOptions,
  context: Context,
): Promise<void> {
  if (options.plot !== undefined) await checkWritable(options.plot);
  const queries = await readRows(
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
      checkDimensions(queries, index, options.input);
      if (options.k > index.size)
        throw new DiskAnnError(
          "ERR_INVALID_ARGUMENT",
          `-k ${options.k}: the index holds ${index.size} vectors`,
        );
      const truth = await findTruth(index, queries, options, context);
      recallAt(truth, [], options.k, options.k); // refuses a narrow truth before the work
      const listSizes = [...new Set(options.searchListSize.map((size) => Math.max(size, options.k)))];
      const rows: BenchmarkRow[] = [];
      const progress = await context.progress();
      try {
        for (const size of listSizes) {
          progress.update({ phase: `L ${size}`, done: rows.length, total: listSizes.length }, "settings");
          rows.push(await measure(index, queries, truth, size, options, context));
        }
      } finally {
        progress.stop();
      }
      await present(index, queries, rows, options, context);
    },
    openOptions(options.input, options, options.truth === undefined ? "give --truth" : undefined),
  );
}

async function present(
  index: VectorIndex,
  queries: Rows,
  rows: readonly BenchmarkRow[],
  options: BenchmarkOptions,
  context: Context,
): Promise<void> {
  const stats = index.stats();
  const shape = `${formatNumber(stats.size)} x ${stats.dimensions} ${stats.dataType}, ${stats.metric}`;
  const title = `${options.input} (${shape}), ${formatNumber(queries.count)} queries, ${stats.backend} ${stats.simd}`;
  if (options.plot !== undefined) {
    const { drawRecallPlot } = await import("../plot.js");
    const points = rows.map((row) => ({
      recall: row.recall,
      queriesPerSecond: row.queriesPerSecond,
      label: `L ${row.searchListSize}`,
    }));
    const threads = options.threads === 1 ? "1 thread" : `${options.threads} threads`;
    const caption = `${shape}; ${formatNumber(queries.count)} queries, ${threads}, ${stats.backend} ${stats.simd}`;
    const svg = drawRecallPlot({
      title: `recall@${options.k} and speed`,
      caption,
      k: options.k,
      series: [{ name: "diskann", points }],
    });
    await writeWholeFile(options.plot, svg);
  }
  if (context.json)
    context.printJson({
      index: options.input,
      size: stats.size,
      dimensions: stats.dimensions,
      metric: stats.metric,
      queries: queries.count,
      truth: options.truth ?? "brute force",
      k: options.k,
      threads: options.threads,
      repeat: options.repeat,
      backend: stats.backend,
      simd: stats.simd,
      mode: stats.mode,
      cache: stats.cache,
      ...stats.search,
      rows,
      plot: options.plot,
    });
  else printTable(rows, title, options, context);
  if (options.plot !== undefined) context.note(`plot: ${options.plot}`);
}
