import { DiskAnnError } from "../../core/errors.js";
import type { Codes, DataType, IndexStats, Metric, Quantize } from "../../core/types.js";
import type { TypedRows } from "../../core/vectors.js";
import type { CommonOptions, Context } from "../context.js";
import type { Engine, VectorIndex } from "../engine.js";
import {
  allocateElements,
  checkWritable,
  convertElements,
  ELEMENT_BYTES,
  type ElementType,
  readIds,
  VectorFile,
} from "../formats/index.js";
import { formatQuantization, formatSelfCheck, type SelfCheck, selfCheck } from "../self-check.js";
import { formatBytes, formatDuration, formatFields, formatNumber } from "../terminal.js";

export interface BuildOptions extends CommonOptions {
  readonly input: string;
  readonly output: string;
  readonly metric: Metric;
  readonly type: DataType;
  readonly inputType?: ElementType;
  readonly maxDegree: number;
  readonly buildListSize: number;
  readonly alpha: number;
  readonly threads?: number;
  readonly seed: number;
  readonly codes: Codes;
  readonly codeBytes?: number;
  readonly pageBytes?: number;
  readonly quantize: Quantize;
  readonly ids?: string;
  readonly check: number;
  readonly memory?: number;
}

/** Up to here the whole input goes in as one array, which is quicker; above, row by row. */
const WHOLE_BYTES_MAX = 256 << 20;

/** What is read at a time where memory is counted. */
const PASSING_BYTES = 1 << 20;

type OnRead = (rows: number) => void;

/** What rows are read as for an index of a type: its own bytes, or single floats, which the core makes halves of. */
function rowType(type: DataType): "f32" | "i8" | "u8" {
  return type === "f16" ? "f32" : type;
}

/** All slabs of a file as elements that an index of `type` takes. */
async function* rowSlabs(
  file: VectorFile,
  type: DataType,
  signal: AbortSignal,
  onRead: OnRead,
  into?: ArrayBuffer,
): AsyncGenerator<TypedRows> {
  for await (const slab of file.slabs({ signal, into })) {
    const origin = { path: file.path, firstRow: slab.first, dimensions: file.dimensions };
    yield convertElements(slab.elements, file.type, rowType(type), origin) as TypedRows;
    onRead(slab.first + slab.count);
  }
}

async function* streamRows(slabs: AsyncIterable<TypedRows>, dimensions: number): AsyncGenerator<TypedRows> {
  for await (const slab of slabs)
    for (let at = 0; at < slab.length; at += dimensions) yield slab.subarray(at, at + dimensions);
}

/** The rows of a file in the form that suits its size and the type of the index. */
export async function vectorSource(
  file: VectorFile,
  type: DataType,
  signal: AbortSignal,
  onRead: OnRead,
  wholeBytesMax = WHOLE_BYTES_MAX,
): Promise<TypedRows | AsyncIterable<TypedRows>> {
  const into = wholeBytesMax === 0 ? new ArrayBuffer(PASSING_BYTES) : undefined;
  const slabs = rowSlabs(file, type, signal, onRead, into);
  const elements = rowType(type);
  const length = file.count * file.dimensions;
  if (length * ELEMENT_BYTES[elements] > wholeBytesMax) return streamRows(slabs, file.dimensions);
  const all = allocateElements(elements, length) as TypedRows;
  let filled = 0;
  for await (const slab of slabs) {
    all.set(slab, filled);
    filled += slab.length;
  }
  return all;
}

async function openInput(options: BuildOptions): Promise<VectorFile> {
  const file = await VectorFile.open(options.input, { type: options.inputType, fallback: options.type });
  if (file.count > 0) return file;
  await file.close();
  throw new DiskAnnError("ERR_INVALID_ARGUMENT", `${options.input}: there are no vectors in it`);
}

async function readOwnIds(options: BuildOptions, count: number): Promise<Float64Array | undefined> {
  if (options.ids === undefined) return undefined;
  const ids = await readIds(options.ids);
  if (ids.length === count) return ids;
  throw new DiskAnnError(
    "ERR_INVALID_ARGUMENT",
    `${options.ids} has ${ids.length} ids, ${options.input} has ${count} vectors: there must be one for each`,
  );
}

/** What is counted in a phase, where it is not vectors. */
const UNITS: Readonly<Record<string, string>> = { order: "steps", train: "steps", write: "bytes" };

/** The most memory that the process has had so far. */
async function peakMemory(): Promise<number> {
  const { resourceUsage } = await import("node:process");
  return resourceUsage().maxRSS * 1024;
}

function formatDegrees({ degree }: IndexStats): string {
  return `degree ${degree.average.toFixed(1)} on average, ${degree.max} at most`;
}

export async function runBuild(engine: Engine, options: BuildOptions, context: Context): Promise<void> {
  await checkWritable(options.output);
  const file = await openInput(options);
  let index: VectorIndex | undefined;
  try {
    const ids = await readOwnIds(options, file.count);
    const storedAs = options.quantize === "none" ? options.type : `${options.quantize}, quantised`;
    const shape = `${formatNumber(file.count)} x ${file.dimensions} ${file.type}`;
    context.note(`building from ${options.input} (${shape}), ${options.metric}, stored as ${storedAs}`);
    if (ELEMENT_BYTES[file.type] < ELEMENT_BYTES[options.type])
      context.note(`--type ${file.type} would store the vectors as they are, in less memory`);
    const progress = await context.progress();
    const started = performance.now();
    try {
      const onRead = (done: number): void => progress.update({ phase: "read", done, total: file.count });
      const whole = options.memory === undefined ? WHOLE_BYTES_MAX : 0;
      index = await engine.build(await vectorSource(file, options.type, context.signal, onRead, whole), {
        dimensions: file.dimensions,
        metric: options.metric,
        dataType: options.type,
        maxDegree: options.maxDegree,
        buildListSize: options.buildListSize,
        alpha: options.alpha,
        threads: options.threads,
        seed: options.seed,
        codes: options.codes,
        codeBytes: options.codeBytes,
        pageBytes: options.pageBytes,
        quantize: options.quantize,
        ids,
        ...(options.memory === undefined ? {} : { path: options.output, memoryBytes: options.memory }),
        signal: context.signal,
        onProgress: (event) => progress.update(event, UNITS[event.phase]),
      });
    } finally {
      progress.stop();
    }
    const milliseconds = performance.now() - started;
    const peakBytes = options.memory === undefined ? undefined : await peakMemory();
    if (options.memory === undefined) await index.save(options.output, { signal: context.signal });
    const given = options.quantize === "none" && options.memory === undefined ? undefined : file;
    const check =
      options.check === 0 ? undefined : await selfCheck(index, options.check, context, ids, given);
    report(index, options, { milliseconds, peakBytes, check }, context);
  } finally {
    await index?.close();
    await file.close();
  }
}

interface Outcome {
  readonly milliseconds: number;
  /** Of a build under a budget. */
  readonly peakBytes: number | undefined;
  readonly check: SelfCheck | undefined;
}

function report(
  index: VectorIndex,
  options: BuildOptions,
  { milliseconds, peakBytes, check }: Outcome,
  context: Context,
): void {
  const stats = index.stats();
  const perSecond = (stats.size * 1000) / milliseconds;
  if (context.json) {
    context.printJson({
      index: options.output,
      seconds: milliseconds / 1000,
      pointsPerSecond: perSecond,
      peakBytes,
      check,
      stats,
    });
    return;
  }
  const { style } = context;
  const quantization = formatQuantization(stats);
  const speed = `${formatDuration(milliseconds)}, ${formatNumber(perSecond)} points/s`;
  context.print(
    `${style.green("built")} ${style.bold(options.output)}\n` +
      formatFields(
        [
          ["vectors", `${formatNumber(stats.size)} x ${stats.dimensions} ${stats.dataType}, ${stats.metric}`],
          ...(quantization === undefined ? [] : [["quantised", quantization] as const]),
          ["time", `${speed} (${stats.backend}, ${stats.simd})`],
          ...(stats.mode === "paged" ? [] : [["graph", formatDegrees(stats)] as const]),
          ["file", formatBytes(stats.layout.fileBytes)],
          ["memory", formatBytes(stats.memory.total)],
          ...(peakBytes === undefined ? [] : [["peak", `${formatBytes(peakBytes)} of the process`] as const]),
          ...(check === undefined ? [] : [["check", formatSelfCheck(check)] as const]),
        ],
        style,
      ),
  );
}
