import type { CommonOptions, Context } from "../context.js";
import { UsageError } from "../context.js";
import { type Engine, hasIndexMagic } from "../engine.js";
import {
  convertElements,
  type Elements,
  type ElementType,
  normalizeRows,
  outputType,
  type Slab,
  VectorFile,
  VectorWriter,
} from "../formats/index.js";
import { formatDuration, formatNumber } from "../terminal.js";
import { convertIndex, type LayoutOptions } from "./convert-index.js";

export interface ConvertOptions extends CommonOptions, LayoutOptions {
  readonly input: string;
  readonly output: string;
  readonly type?: ElementType;
  readonly inputType?: ElementType;
  readonly normalize?: boolean;
  readonly limit?: number;
  readonly skip: number;
}

function targetType(file: VectorFile, options: ConvertOptions): ElementType {
  const normalize = options.normalize === true;
  const type = outputType(options.output, options.type, normalize && file.type !== "f16" ? "f32" : file.type);
  if (normalize && type !== "f32" && type !== "f16")
    throw new UsageError(`--normalize gives fractions, which ${type} cannot hold: write f32 or f16`);
  return type;
}

/** The rows of a slab as they are to be written; counts zero rows that could not be scaled. */
function convertSlab(
  slab: Slab,
  file: VectorFile,
  to: ElementType,
  normalize: boolean,
): { elements: Elements; zeros: number } {
  const origin = { path: file.path, firstRow: slab.first, dimensions: file.dimensions };
  if (!normalize) return { elements: convertElements(slab.elements, file.type, to, origin), zeros: 0 };
  const floats = convertElements(slab.elements, file.type, "f32", origin) as Float32Array;
  const zeros = normalizeRows(floats, origin);
  return { elements: convertElements(floats, "f32", to, origin), zeros };
}

async function convertRows(
  file: VectorFile,
  to: ElementType,
  options: ConvertOptions,
  context: Context,
): Promise<{ count: number; zeros: number }> {
  const start = Math.min(options.skip, file.count);
  const end = Math.min(file.count, options.limit === undefined ? file.count : start + options.limit);
  const writer = await VectorWriter.create(options.output, to, file.dimensions);
  const progress = await context.progress();
  let zeros = 0;
  try {
    for await (const slab of file.slabs({ start, end, signal: context.signal })) {
      const converted = convertSlab(slab, file, to, options.normalize === true);
      zeros += converted.zeros;
      await writer.write(converted.elements);
      progress.update(
        { phase: "converting", done: slab.first + slab.count - start, total: end - start },
        "rows",
      );
    }
    context.signal.throwIfAborted();
    await writer.commit();
  } finally {
    progress.stop();
    await writer.discard();
  }
  return { count: writer.count, zeros };
}

/** `engine` is loaded where the input is an index. */
export async function runConvert(
  engine: () => Promise<Engine>,
  options: ConvertOptions,
  context: Context,
): Promise<void> {
  if (await hasIndexMagic(options.input)) return convertIndex(await engine(), options, context);
  for (const [name, value] of Object.entries({ codes: options.codes, "page-bytes": options.pageBytes }))
    if (value !== undefined)
      throw new UsageError(`--${name} is for an index, and ${options.input} does not begin as one`);
  const started = performance.now();
  const file = await VectorFile.open(options.input, { type: options.inputType, fallback: options.type });
  try {
    const type = targetType(file, options);
    const { count, zeros } = await convertRows(file, type, options, context);
    const milliseconds = performance.now() - started;
    if (zeros > 0) context.note(`${formatNumber(zeros)} rows are zero and stay so: they have no direction`);
    const { dimensions } = file;
    if (context.json)
      context.printJson({
        input: { path: file.path, count: file.count, dimensions, type: file.type },
        output: { path: options.output, count, dimensions, type },
        normalized: options.normalize === true,
        zeroRows: options.normalize === true ? zeros : undefined,
        seconds: milliseconds / 1000,
      });
    else
      context.print(
        `${context.style.green("wrote")} ${context.style.bold(options.output)}: ` +
          `${formatNumber(count)} x ${dimensions} ${type} in ${formatDuration(milliseconds)}\n`,
      );
  } finally {
    await file.close();
  }
}
