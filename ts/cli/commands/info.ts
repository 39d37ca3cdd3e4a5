import { DiskAnnError } from "../../core/errors.js";
import type { IndexStats, MicrosoftDisk } from "../../core/types.js";
import { CHECK_QUERIES_DEFAULT } from "../arguments.js";
import type { CommonOptions, Context } from "../context.js";
import { UsageError } from "../context.js";
import { type Engine, hasIndexMagic, type VectorIndex, withIndex } from "../engine.js";
import { ELEMENT_BYTES, type ElementType, findFormat, readTruth, VectorFile } from "../formats/index.js";
import { type MicrosoftDiskOptions, microsoftOf } from "../options.js";
import { formatQuantization, formatSelfCheck, type SelfCheck, selfCheck } from "../self-check.js";
import { formatBytes, formatFields, formatNumber } from "../terminal.js";

export interface InfoOptions extends CommonOptions, MicrosoftDiskOptions {
  readonly recall?: boolean;
  readonly type?: ElementType;
  readonly inputType?: ElementType;
}

const PAGED_NOT = "not possible: it holds no codes; build it with --codes 1bit or pq";
const PAGED_CODES = ["1bit", "pq"];
const SUPERBLOCK_BYTES = 4096;

/** Bytes of a record beside its vector at the default degree of 32: neighbours, id, norm, degree; rounded up. */
const RECORD_REST_BYTES = 32 * 4 + 16;

function indexFields(path: string, stats: IndexStats, check: SelfCheck | undefined): [string, string][] {
  const { layout, memory, degree } = stats;
  const pagesBytes = layout.pages * layout.pageBytes;
  const codesBytes = layout.fileBytes - SUPERBLOCK_BYTES - pagesBytes;
  const records = `vectors ${formatBytes(memory.vectors)}, neighbours ${formatBytes(memory.graph)}`;
  const fields: [string, string][] = [
    ["vectors", `${formatNumber(stats.size)} x ${stats.dimensions} ${stats.dataType}`],
    ["metric", stats.metric],
    [
      "built with",
      `R ${stats.maxDegree}, L ${stats.buildListSize}, alpha ${stats.alpha}, seed ${stats.seed}, ` +
        `codes ${stats.codes}${stats.codes === "pq" ? ` of ${stats.codeBytes} bytes` : ""}`,
    ],
    ["graph", `degree ${degree.average.toFixed(2)} on average, ${degree.max} at most`],
    ["file", `${formatBytes(layout.fileBytes)}, ${formatNumber(layout.fileBytes)} bytes`],
    [
      "sections",
      `superblock ${formatNumber(SUPERBLOCK_BYTES)} bytes, node pages ${formatNumber(pagesBytes)} bytes` +
        (codesBytes > 0 ? `, pages of codes ${formatNumber(codesBytes)} bytes` : ""),
    ],
    [
      "pages",
      `${formatNumber(layout.pages)} of ${formatNumber(layout.pageBytes)} bytes, ${layout.recordsPerPage} records of ` +
        `${layout.recordBytes} bytes in each, ${(layout.waste * 100).toFixed(1)} % unused`,
    ],
    [
      "memory",
      `${formatBytes(memory.total)}: records ${formatBytes(memory.records)} (${records}), ` +
        `codes ${formatBytes(memory.codes)}, ids ${formatBytes(memory.ids)}`,
    ],
    ["paged", PAGED_CODES.includes(stats.codes) ? "possible: it can be searched in its file" : PAGED_NOT],
    ["opened by", `${stats.backend}, ${stats.simd}`],
  ];
  const quantization = formatQuantization(stats);
  if (quantization !== undefined) fields.splice(1, 0, ["quantised", quantization]);
  if (check !== undefined) fields.push(["check", formatSelfCheck(check)]);
  return [["index", path], ...fields];
}

async function indexInfo(
  engine: Engine,
  path: string,
  options: InfoOptions,
  context: Context,
): Promise<void> {
  await withIndex(engine, path, context, async (index) => {
    const stats = index.stats();
    const wanted = options.recall === true && index.size > 0;
    const check = wanted ? await selfCheck(index, CHECK_QUERIES_DEFAULT, context) : undefined;
    if (context.json)
      context.printJson({
        kind: "index",
        path,
        ...stats,
        canBePaged: PAGED_CODES.includes(stats.codes),
        check,
      });
    else context.print(formatFields(indexFields(path, stats, check), context.style));
  });
}

/** A disk index of Microsoft's: what its file tells, and what opening it takes. */
async function microsoftInfo(
  engine: Engine,
  path: string,
  microsoft: MicrosoftDisk,
  options: InfoOptions,
  context: Context,
): Promise<void> {
  if (options.recall === true)
    throw new UsageError("--recall needs an index that can be scanned: make one of it, diskann import");
  const show = async (index: VectorIndex): Promise<void> => {
    const stats = index.stats();
    const { layout, memory, codeBytes } = stats;
    const { size, dimensions, metric, dataType, maxDegree, backend, simd } = stats;
    if (context.json) {
      const shape = { size, dimensions, metric, dataType, maxDegree, codeBytes, memory };
      context.printJson({ kind: "microsoft", path, ...shape, fileBytes: layout.fileBytes, backend, simd });
      return;
    }
    const fields: [string, string][] = [
      ["index", `${path}, a disk index of Microsoft's DiskANN`],
      ["vectors", `${formatNumber(size)} x ${dimensions} ${dataType}`],
      ["metric", metric],
      ["graph", `degree ${maxDegree} at most`],
      ["codes", `${codeBytes} bytes a vector`],
      ["file", `${formatBytes(layout.fileBytes)}, ${formatNumber(layout.fileBytes)} bytes`],
      ["memory", `${formatBytes(memory.total)}: codes ${formatBytes(memory.codes)}`],
      ["opened by", `${backend}, ${simd}`],
    ];
    context.print(formatFields(fields, context.style));
  };
  await withIndex(engine, path, context, show, { microsoft });
}

/** Bytes of 1-bit codes in a record of that degree. */
const recordCodesBytes = (dimensions: number): number => 32 * (Math.ceil(dimensions / 64) * 8 + 8);

/** Bytes of an index of these vectors, stored as `type`. */
function indexBytes(file: VectorFile, type: ElementType, moreBytes = 0): number {
  const vectorBytes = Math.ceil((file.dimensions * ELEMENT_BYTES[type]) / 8) * 8;
  return file.count * (Math.ceil((vectorBytes + RECORD_REST_BYTES) / 16) * 16 + moreBytes);
}

function estimateText(file: VectorFile): string {
  const coded = indexBytes(file, "f32", recordCodesBytes(file.dimensions));
  const asFloats =
    `about ${formatBytes(indexBytes(file, "f32"))} in memory and on disk (f32, R 32), ` +
    `${formatBytes(coded)} with --codes 1bit`;
  if (file.type === "f32") return asFloats;
  return `${asFloats}, ${formatBytes(indexBytes(file, file.type))} with --type ${file.type}`;
}

async function vectorFileInfo(path: string, options: InfoOptions, context: Context): Promise<void> {
  const file = await VectorFile.open(path, { type: options.inputType ?? options.type });
  try {
    const holdsVectors = file.type !== "i32" && file.type !== "u32";
    const estimate = holdsVectors ? indexBytes(file, "f32") : undefined;
    const { type, count, dimensions, fileBytes, extension } = file;
    if (context.json)
      context.printJson({
        kind: "vectors",
        path,
        format: extension,
        type,
        count,
        dimensions,
        fileBytes,
        indexBytesEstimate: estimate,
      });
    else
      context.print(
        formatFields(
          [
            ["vectors", path],
            ["format", extension],
            ["shape", `${formatNumber(count)} x ${dimensions} ${type}`],
            ["file", `${formatBytes(fileBytes)}, ${formatNumber(fileBytes)} bytes`],
            ...(estimate === undefined ? [] : [["index", estimateText(file)] as const]),
          ],
          context.style,
        ),
      );
  } finally {
    await file.close();
  }
}

async function truthInfo(path: string, context: Context): Promise<void> {
  const { queries, k, distances } = await readTruth(path);
  const withDistances = distances !== undefined;
  if (context.json) context.printJson({ kind: "truth", path, queries, k, distances: withDistances });
  else
    context.print(
      formatFields(
        [
          ["ground truth", path],
          [
            "shape",
            `${formatNumber(queries)} queries x ${k} neighbours, ${withDistances ? "with" : "without"} distances`,
          ],
        ],
        context.style,
      ),
    );
}

export async function runInfo(
  loadEngine: () => Promise<Engine>,
  path: string,
  options: InfoOptions,
  context: Context,
): Promise<void> {
  const microsoft = microsoftOf(path, options);
  if (microsoft) return microsoftInfo(await loadEngine(), path, microsoft, options, context);
  const format = findFormat(path);
  if (format === undefined || (await hasIndexMagic(path)))
    return indexInfo(await loadEngine(), path, options, context);
  if (options.recall === true) throw new UsageError(`--recall is for an index; ${path} is a file of vectors`);
  try {
    await vectorFileInfo(path, options, context);
  } catch (error) {
    // A .bin file that holds no vectors may well be ground truth; if it is neither, the first error says more.
    if (format.extension !== ".bin" || !(error instanceof DiskAnnError) || error.code !== "ERR_CORRUPT")
      throw error;
    await truthInfo(path, context).catch(() => {
      throw error;
    });
  }
}
