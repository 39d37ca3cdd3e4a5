import { DiskAnnError } from "../../core/errors.js";
import type { ReconstructionError } from "../../core/pq-types.js";
import { codeHeader, PIVOT_BYTES_MAX, readCodeHeader, readPivots } from "../../storage/pq-files.js";
import type { CommonOptions, Context } from "../context.js";
import type { ProductQuantizer, QuantizerEngine } from "../engine.js";
import { readRows } from "../engine.js";
import { OutputFile } from "../formats/files.js";
import {
  checkWritable,
  convertElements,
  type ElementType,
  InputFile,
  outputType,
  VectorFile,
  VectorWriter,
  writeWholeFile,
} from "../formats/index.js";
import { formatBytes, formatDuration, formatFields, formatNumber } from "../terminal.js";
import { vectorSource } from "./build.js";

export interface PqTrainOptions extends CommonOptions {
  readonly input: string;
  readonly output: string;
  readonly chunks: number;
  readonly centroids: number;
  readonly iterations: number;
  readonly sample: number;
  readonly center: boolean;
  readonly seed: number;
  readonly threads?: number;
  readonly inputType?: ElementType;
  readonly check: number;
}

export interface PqEncodeOptions extends CommonOptions {
  readonly input: string;
  readonly pivots: string;
  readonly output: string;
  readonly threads?: number;
  readonly inputType?: ElementType;
}

export interface PqDecodeOptions extends CommonOptions {
  readonly input: string;
  readonly pivots: string;
  readonly output: string;
}

export type PqInfoOptions = CommonOptions;

/** Codes that are read and decoded at a time. */
const SLAB_BYTES = 1 << 20;
const CODE_HEADER_BYTES = 8;

/** The same failure, with the file it is about. */
function aboutFile(error: unknown, path: string): unknown {
  if (!(error instanceof DiskAnnError) || error.message.includes(path)) return error;
  return new DiskAnnError(error.code, `${path}: ${error.message}`, { cause: error });
}

async function openPivots(
  engine: QuantizerEngine,
  path: string,
  context: Context,
): Promise<ProductQuantizer> {
  try {
    return await engine.open(path, { signal: context.signal });
  } catch (error) {
    throw aboutFile(error, path);
  }
}

async function openVectors(path: string, type: ElementType | undefined): Promise<VectorFile> {
  const file = await VectorFile.open(path, { type });
  if (file.count > 0) return file;
  await file.close();
  throw new DiskAnnError("ERR_INVALID_ARGUMENT", `${path}: there are no vectors in it`);
}

/* ---- train ---- */

async function trainOn(
  engine: QuantizerEngine,
  file: VectorFile,
  options: PqTrainOptions,
  context: Context,
): Promise<ProductQuantizer> {
  const progress = await context.progress();
  try {
    const onRead = (done: number): void =>
      progress.update({ phase: "read", done, total: file.count }, "vectors");
    return await engine.train(await vectorSource(file, "f32", context.signal, onRead), {
      dimensions: file.dimensions,
      chunks: options.chunks,
      centroids: options.centroids,
      iterations: options.iterations,
      sampleSize: options.sample,
      center: options.center,
      seed: options.seed,
      threads: options.threads,
      signal: context.signal,
      onProgress: (event) => progress.update(event, "steps"),
    });
  } finally {
    progress.stop();
  }
}

async function measure(
  quantizer: ProductQuantizer,
  options: PqTrainOptions,
  context: Context,
): Promise<ReconstructionError | undefined> {
  if (options.check === 0) return undefined;
  const rows = await readRows(options.input, options.inputType, options.check, context.signal);
  return quantizer.error(rows.data, { signal: context.signal, threads: options.threads });
}

function formatError({ relative, meanSquaredError, count }: ReconstructionError): string {
  const percent = (100 * relative).toFixed(2);
  return `${percent} % lost, mean squared error ${meanSquaredError.toPrecision(4)} (of ${formatNumber(count)} vectors)`;
}

export async function runPqTrain(
  engine: QuantizerEngine,
  options: PqTrainOptions,
  context: Context,
): Promise<void> {
  await checkWritable(options.output);
  const file = await openVectors(options.input, options.inputType);
  let quantizer: ProductQuantizer | undefined;
  try {
    if (options.chunks > file.dimensions)
      throw new DiskAnnError(
        "ERR_INVALID_ARGUMENT",
        `${options.chunks} chunks are more than the ${file.dimensions} dimensions of ${options.input}`,
      );
    const started = performance.now();
    quantizer = await trainOn(engine, file, options, context);
    const milliseconds = performance.now() - started;
    await writeWholeFile(options.output, await quantizer.toBytes());
    const error = await measure(quantizer, options, context);
    reportTraining(quantizer, file, options, milliseconds, error, context);
  } finally {
    await quantizer?.close();
    await file.close();
  }
}

function reportTraining(
  quantizer: ProductQuantizer,
  file: VectorFile,
  options: PqTrainOptions,
  milliseconds: number,
  error: ReconstructionError | undefined,
  context: Context,
): void {
  const { dimensions, chunks, centroids, backend } = quantizer;
  const sample = Math.min(options.sample, file.count);
  if (context.json) {
    const { output } = options;
    const seconds = milliseconds / 1000;
    context.printJson({ pivots: output, dimensions, chunks, centroids, sample, seconds, backend, error });
    return;
  }
  const { style } = context;
  const smaller = (4 * dimensions) / chunks;
  context.print(
    `${style.green("trained")} ${style.bold(options.output)}\n` +
      formatFields(
        [
          [
            "vectors",
            `${formatNumber(file.count)} x ${dimensions} ${file.type}, ${formatNumber(sample)} looked at`,
          ],
          [
            "codes",
            `${chunks} bytes, ${centroids} centroids each; ${formatNumber(smaller, 1)} times smaller than f32`,
          ],
          ["time", `${formatDuration(milliseconds)} (${backend})`],
          ...(error === undefined ? [] : [["error", formatError(error)] as const]),
        ],
        style,
      ),
  );
}

/* ---- encode ---- */

function checkDimensions(quantizer: ProductQuantizer, file: VectorFile, pivots: string): void {
  if (quantizer.dimensions === file.dimensions) return;
  throw new DiskAnnError(
    "ERR_DIMENSION_MISMATCH",
    `${file.path} has ${file.dimensions} dimensions, the pivots ${pivots} have ${quantizer.dimensions}`,
  );
}

/** An error about a row of a slab, as one about the row of the file. */
function inFile(error: unknown, path: string, first: number): unknown {
  if (!(error instanceof DiskAnnError) || error.row === undefined) return error;
  const row = error.row + first;
  const text = error.message.replace(`row ${error.row}`, `row ${row}`);
  return new DiskAnnError(error.code, `${path}: ${text}`, { cause: error });
}

async function writeCodes(
  quantizer: ProductQuantizer,
  file: VectorFile,
  options: PqEncodeOptions,
  context: Context,
): Promise<void> {
  const { signal } = context;
  const output = await OutputFile.create(options.output);
  const progress = await context.progress();
  try {
    await output.write(codeHeader(file.count, quantizer.chunks));
    for await (const slab of file.slabs({ signal })) {
      const origin = { path: file.path, firstRow: slab.first, dimensions: file.dimensions };
      const rows = convertElements(slab.elements, file.type, "f32", origin) as Float32Array;
      const codes = await quantizer
        .encode(rows, { signal, threads: options.threads })
        .catch((error: unknown) => Promise.reject(inFile(error, file.path, slab.first)));
      await output.write(codes);
      progress.update({ phase: "encoding", done: slab.first + slab.count, total: file.count }, "vectors");
    }
    signal.throwIfAborted();
    await output.commit();
  } finally {
    progress.stop();
    await output.discard();
  }
}

export async function runPqEncode(
  engine: QuantizerEngine,
  options: PqEncodeOptions,
  context: Context,
): Promise<void> {
  await checkWritable(options.output);
  const quantizer = await openPivots(engine, options.pivots, context);
  let file: VectorFile | undefined;
  try {
    file = await openVectors(options.input, options.inputType);
    checkDimensions(quantizer, file, options.pivots);
    const started = performance.now();
    await writeCodes(quantizer, file, options, context);
    const milliseconds = performance.now() - started;
    const { chunks, backend } = quantizer;
    const { count } = file;
    if (context.json) {
      context.printJson({ codes: options.output, count, chunks, seconds: milliseconds / 1000, backend });
    } else {
      context.print(
        `${context.style.green("wrote")} ${context.style.bold(options.output)}: ` +
          `${formatNumber(count)} codes of ${chunks} bytes in ${formatDuration(milliseconds)}\n`,
      );
    }
  } finally {
    await file?.close();
    await quantizer.close();
  }
}

/* ---- decode ---- */

async function codeShape(file: InputFile): Promise<{ count: number; chunks: number }> {
  try {
    return readCodeHeader(await file.head(CODE_HEADER_BYTES), file.size);
  } catch (error) {
    throw aboutFile(error, file.path);
  }
}

async function writeDecoded(
  quantizer: ProductQuantizer,
  codes: InputFile,
  options: PqDecodeOptions,
  context: Context,
): Promise<number> {
  const { count, chunks } = await codeShape(codes);
  if (chunks !== quantizer.chunks)
    throw new DiskAnnError(
      "ERR_DIMENSION_MISMATCH",
      `${codes.path} has codes of ${chunks} bytes, the pivots ${options.pivots} make codes of ${quantizer.chunks}`,
    );
  const step = Math.max(1, Math.floor(SLAB_BYTES / 4 / quantizer.dimensions));
  const writer = await VectorWriter.create(options.output, "f32", quantizer.dimensions);
  const progress = await context.progress();
  try {
    for (let first = 0; first < count; first += step) {
      context.signal.throwIfAborted();
      const rows = Math.min(step, count - first);
      const bytes = await codes.read(CODE_HEADER_BYTES + first * chunks, rows * chunks);
      const vectors = await quantizer
        .decode(bytes)
        .catch((error: unknown) => Promise.reject(aboutFile(error, codes.path)));
      await writer.write(vectors);
      progress.update({ phase: "decoding", done: first + rows, total: count }, "codes");
    }
    await writer.commit();
    return count;
  } finally {
    progress.stop();
    await writer.discard();
  }
}

export async function runPqDecode(
  engine: QuantizerEngine,
  options: PqDecodeOptions,
  context: Context,
): Promise<void> {
  outputType(options.output, "f32", "f32");
  const quantizer = await openPivots(engine, options.pivots, context);
  let codes: InputFile | undefined;
  try {
    codes = await InputFile.open(options.input);
    const started = performance.now();
    const count = await writeDecoded(quantizer, codes, options, context);
    const milliseconds = performance.now() - started;
    const { dimensions } = quantizer;
    if (context.json)
      context.printJson({ output: options.output, count, dimensions, seconds: milliseconds / 1000 });
    else
      context.print(
        `${context.style.green("wrote")} ${context.style.bold(options.output)}: ` +
          `${formatNumber(count)} x ${dimensions} f32 in ${formatDuration(milliseconds)}\n`,
      );
  } finally {
    await codes?.close();
    await quantizer.close();
  }
}

/* ---- info ---- */

function pivotInfo(file: InputFile, bytes: Uint8Array, context: Context): void {
  const { dimensions, chunks, centroids, offsets, centre } = readPivots(bytes);
  const widths = Array.from(offsets.subarray(1), (end, c) => end - (offsets[c] as number));
  const [narrow, wide] = [Math.min(...widths), Math.max(...widths)];
  const centred = centre.some((value) => value !== 0);
  if (context.json) {
    const { path, size } = file;
    context.printJson({ kind: "pivots", path, fileBytes: size, dimensions, chunks, centroids, centred });
    return;
  }
  const width = narrow === wide ? `${wide}` : `${narrow} to ${wide}`;
  context.print(
    formatFields(
      [
        ["pivots", file.path],
        ["vectors", `${dimensions} dimensions, ${centred ? "centred" : "not centred"}`],
        ["codes", `${chunks} bytes: chunks of ${width} dimensions, ${centroids} centroids each`],
        ["file", `${formatBytes(file.size)}, ${formatNumber(file.size)} bytes`],
      ],
      context.style,
    ),
  );
}

function codeInfo(file: InputFile, head: Uint8Array, context: Context): void {
  const { count, chunks } = readCodeHeader(head, file.size);
  if (context.json) {
    context.printJson({ kind: "codes", path: file.path, fileBytes: file.size, count, chunks });
    return;
  }
  context.print(
    formatFields(
      [
        ["codes", file.path],
        ["shape", `${formatNumber(count)} codes of ${chunks} bytes`],
        ["file", `${formatBytes(file.size)}, ${formatNumber(file.size)} bytes`],
      ],
      context.style,
    ),
  );
}

/** A file of pivots begins with 4 or 5 and 1: as codes, that would be five codes of one byte at most. */
export async function runPqInfo(path: string, context: Context): Promise<void> {
  const file = await InputFile.open(path);
  try {
    const head = await file.head(CODE_HEADER_BYTES);
    const view = new DataView(head.buffer);
    const parts =
      head.length === CODE_HEADER_BYTES && view.getInt32(4, true) === 1 ? view.getInt32(0, true) : 0;
    const arePivots = (parts === 4 || parts === 5) && file.size > 4096 && file.size <= PIVOT_BYTES_MAX;
    if (arePivots) pivotInfo(file, await file.head(file.size), context);
    else codeInfo(file, head, context);
  } catch (error) {
    throw aboutFile(error, path);
  } finally {
    await file.close();
  }
}
