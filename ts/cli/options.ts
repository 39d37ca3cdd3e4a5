/** Options that several commands have, and the form of their help. */
import { type Command, Option } from "commander";
import { LIMITS, METRICS, PAGE_BYTES } from "../core/constants.js";
import { FILE_ACCESS } from "../core/file-access.js";
import type { FileAccess, MicrosoftDisk } from "../core/types.js";
import { byteCount, decimal, integer, oneOf } from "./arguments.js";
import { type BackendChoice, UsageError } from "./context.js";

export const ELEMENT_TYPES = ["f32", "f16", "i8", "u8", "i32", "u32"];
const VECTOR_TYPES = ["f32", "f16", "i8", "u8"];
const BACKENDS: readonly BackendChoice[] = ["auto", "native", "wasm"];

export function inputTypeOption(types: readonly string[] = VECTOR_TYPES): Option {
  return new Option(
    "--input-type <type>",
    "element type of a .bin file, where its size does not tell",
  ).choices(types);
}

export function hiddenTypeOption(): Option {
  return new Option("--type <type>").choices(VECTOR_TYPES).hideHelp();
}

export function metricOption(): Option {
  return new Option("-m, --metric <metric>", "distance: l2 is squared, cosine 1 - cos, ip -<q,x>")
    .choices([...METRICS])
    .default("l2");
}

export function codeBytesOption(): Option {
  return new Option(
    "--code-bytes <n>",
    "of a code with --codes pq; default: a byte for four dimensions",
  ).argParser(integer(1, LIMITS.dimensionsMax));
}

export function pageBytesOption(): Option {
  return new Option(
    "--page-bytes <n>",
    `of a page of the file: ${PAGE_BYTES.join(", ")}; default: the smallest that records fill to 92 %`,
  ).argParser(oneOf(PAGE_BYTES));
}

type DiskType = "f32" | "i8" | "u8";

/** How `search` and `benchmark` open the index. */
export interface PlaceOptions {
  readonly mode?: "resident" | "paged" | "auto";
  readonly cache?: number;
  readonly beamWidth?: number;
  readonly pageSearch?: boolean;
  readonly fileAccess?: FileAccess;
}

/** Of a disk index of Microsoft's. */
export interface MicrosoftDiskOptions {
  /** True: of floats. */
  readonly microsoft?: true | DiskType;
  readonly metric?: "l2" | "cosine" | "ip";
  readonly pivots?: string;
  readonly pqCodes?: string;
  readonly maxBaseNorm?: number;
}

const CACHE_BYTES_MAX = 2 ** 40;

export function addPlaceOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        "--mode <mode>",
        "resident: in memory; paged: read from the file; auto: paged where the file is larger than the cache and can be",
      ).choices(["resident", "paged", "auto"]),
    )
    .option(
      "--cache <bytes>",
      "paged: what the page cache may take (default: 64M)",
      byteCount(CACHE_BYTES_MAX),
    )
    .option(
      "-W, --beam-width <n>",
      "candidates expanded per round (default: 1, paged 4)",
      integer(1, LIMITS.beamWidthMax),
    )
    .addOption(
      new Option(
        "--file-access <how>",
        "paged: pread through the system's cache, mmap out of a mapping, direct past the cache; the addon only",
      ).choices([...FILE_ACCESS]),
    )
    .option("--page-search", "score every record of a page that is used (default: paged only)")
    .option("--no-page-search");
}

const DISK_TYPES: readonly DiskType[] = ["f32", "i8", "u8"];
export const DISK_SUFFIX = "_disk.index";

export function addMicrosoftDiskOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        "--microsoft [type]",
        `the index is a disk index of Microsoft's DiskANN, of vectors of that type (default: f32, where the name ends with ${DISK_SUFFIX})`,
      ).choices([...DISK_TYPES]),
    )
    .addOption(
      new Option(
        "--metric <metric>",
        "of a disk index of Microsoft's, which its files do not tell (default: l2)",
      ).choices(["l2", "cosine", "ip"]),
    )
    .option("--pivots <file>", "of one (default: <prefix>_pq_pivots.bin beside it)")
    .option("--pq-codes <file>", "of one (default: <prefix>_pq_compressed.bin beside it)")
    .option(
      "--max-base-norm <x>",
      `of one with --metric ip (default: what <prefix>${DISK_SUFFIX}_max_base_norm.bin says)`,
      decimal(0, Number.MAX_VALUE),
    );
}

/** What `open` has to know of the index at `path`; undefined: it is one of ours. */
export function microsoftOf(path: string, options: MicrosoftDiskOptions): MicrosoftDisk | undefined {
  const { microsoft, metric, pivots, pqCodes, maxBaseNorm } = options;
  if (microsoft === undefined && !path.endsWith(DISK_SUFFIX)) {
    if (metric ?? pivots ?? pqCodes ?? maxBaseNorm)
      throw new UsageError(
        "--metric, --pivots, --pq-codes and --max-base-norm are for a disk index of Microsoft's: add --microsoft",
      );
    return undefined;
  }
  const dataType = microsoft === undefined || microsoft === true ? "f32" : microsoft;
  return { dataType, metric, pivots, codes: pqCodes, maxBaseNorm };
}

/** Options of all commands, at the end of each list. */
export function addCommonOptions(command: Command, withBackend: boolean): Command {
  command.option("--json", "print one JSON document").option("--quiet", "no progress, no remarks");
  if (withBackend)
    command.addOption(
      new Option("--backend <backend>", "what runs the index; both give the same answers")
        .choices([...BACKENDS])
        .default("auto"),
    );
  return command;
}

export function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ diskann ${line}`).join("\n")}`;
}
