/** `diskann import` and `diskann export`: indexes of Microsoft's DiskANN, with their label files. */
import { readFile } from "node:fs/promises";
import { exportIndex } from "../../api/microsoft-export.js";
import { type ImportChanges, importIndex } from "../../api/microsoft-import.js";
import { DiskAnnError } from "../../core/errors.js";
import type { Codes } from "../../core/types.js";
import { LABEL_FILES } from "../../storage/microsoft/labels.js";
import type { CommonOptions, Context } from "../context.js";
import type { Engine, QuantizerEngine, VectorIndex } from "../engine.js";
import { withIndex } from "../engine.js";
import { checkWritable, ioError, writeWholeFile } from "../formats/index.js";
import { formatBytes, formatFields, formatNumber } from "../terminal.js";

export type MicrosoftKind = "memory" | "disk";

export interface ImportCommandOptions extends CommonOptions {
  readonly input: string;
  readonly output: string;
  readonly type: "f32" | "i8" | "u8";
  readonly metric: "l2" | "cosine" | "ip";
  readonly kind?: MicrosoftKind;
  readonly maxDegree?: number;
  readonly codes: Codes;
  readonly codeBytes?: number;
  readonly threads?: number;
}

export interface ExportCommandOptions extends CommonOptions {
  readonly input: string;
  readonly output: string;
  readonly kind: MicrosoftKind;
  readonly codeBytes?: number;
  readonly seed: number;
  readonly threads?: number;
}

/** The same failure, with the file it is about. */
function aboutFile(error: unknown, path: string): unknown {
  if (!(error instanceof DiskAnnError) || error.message.includes(path)) return error;
  return new DiskAnnError(error.code, `${path}: ${error.message}`, { cause: error });
}

interface LabelFile {
  readonly suffix: string;
  readonly bytes: Uint8Array;
}

/** The label files beside an index, each of them checked. */
async function readLabelFiles(path: string, points: number): Promise<LabelFile[]> {
  const files: LabelFile[] = [];
  for (const [suffix, check] of Object.entries(LABEL_FILES)) {
    const from = path + suffix;
    const bytes = await readFile(from).catch((error: unknown) => {
      if ((error as { code?: unknown }).code !== "ENOENT") throw ioError("read", from, error);
    });
    if (bytes === undefined) continue;
    try {
      check(bytes, points);
    } catch (error) {
      throw aboutFile(error, from);
    }
    files.push({ suffix, bytes });
  }
  return files;
}

async function writeLabelFiles(path: string, labels: readonly LabelFile[]): Promise<string[]> {
  for (const { suffix, bytes } of labels) await writeWholeFile(path + suffix, bytes);
  return labels.map(({ suffix }) => path + suffix);
}

function shapeOf(index: VectorIndex): string {
  return `${formatNumber(index.size)} x ${index.dimensions} ${index.dataType}, ${index.metric}`;
}

function changesText({ added, dropped, omitted }: ImportChanges): string {
  if (added + dropped + omitted === 0) return "none: all lists are as they were";
  const counts = [`${formatNumber(added)} edges added`, `${formatNumber(dropped)} dropped`];
  return [...counts, `${formatNumber(omitted)} points left out`].join(", ");
}

export async function runImport(
  engine: Engine,
  options: ImportCommandOptions,
  context: Context,
): Promise<void> {
  const { input, output } = options;
  await checkWritable(output);
  const progress = await context.progress();
  const imported = await importIndex(engine, input, {
    ...{ dataType: options.type, metric: options.metric, kind: options.kind },
    ...{
      maxDegree: options.maxDegree,
      codes: options.codes,
      codeBytes: options.codeBytes,
      threads: options.threads,
    },
    ...{ signal: context.signal, onProgress: (event) => progress.update(event, "points") },
  })
    .catch((error: unknown) => Promise.reject(aboutFile(error, input)))
    .finally(() => progress.stop());
  const { index, changes } = imported;
  try {
    const labels = await readLabelFiles(input, index.size + changes.omitted);
    await index.save(output, { signal: context.signal });
    const carried = await writeLabelFiles(output, labels);
    const stats = index.stats();
    if (context.json) {
      context.printJson({ index: output, changes, labels: carried, stats });
      return;
    }
    const { average, max } = stats.degree;
    const fields: [string, string][] = [
      ["vectors", shapeOf(index)],
      ["graph", `degree ${average.toFixed(1)} on average, ${max} at most`],
      ["changes", changesText(changes)],
      ["file", formatBytes(stats.layout.fileBytes)],
    ];
    if (carried.length > 0) fields.push(["labels", carried.join(", ")]);
    const { style } = context;
    context.print(`${style.green("imported")} ${style.bold(output)}\n${formatFields(fields, style)}`);
  } finally {
    await index.close();
  }
}

/** Beside what label files lie, of either kind. */
function labelledName({ output, kind }: ExportCommandOptions): string {
  return kind === "disk" ? `${output}_disk.index` : output;
}

export async function runExport(
  engine: Engine,
  loadQuantizer: () => Promise<QuantizerEngine>,
  options: ExportCommandOptions,
  context: Context,
): Promise<void> {
  const { input, output, kind, codeBytes, seed, threads } = options;
  await withIndex(engine, input, context, async (index) => {
    const labels = await readLabelFiles(input, index.size);
    const progress = await context.progress();
    const quantizer = kind === "disk" ? await loadQuantizer() : undefined;
    const files = await exportIndex(index, {
      ...{ kind, quantizer, codeBytes, seed, threads, signal: context.signal },
      onProgress: (event) => progress.update(event, "vectors"),
    }).finally(() => progress.stop());
    const written: { path: string; bytes: number }[] = [];
    for (const [suffix, bytes] of files) {
      await writeWholeFile(output + suffix, bytes);
      written.push({ path: output + suffix, bytes: bytes.length });
    }
    const carried = await writeLabelFiles(labelledName(options), labels);
    if (context.json) {
      context.printJson({ files: written, labels: carried });
      return;
    }
    const fields: [string, string][] = written.map(({ path, bytes }) => [path, formatBytes(bytes)]);
    if (carried.length > 0) fields.push(["labels", carried.join(", ")]);
    const { style } = context;
    context.print(`${style.green("exported")} ${shapeOf(index)}\n${formatFields(fields, style)}`);
  });
}
