/** Options that several commands have, and the form of their help. */
import { type Command, Option } from "commander";
import { LIMITS, METRICS, PAGE_BYTES } from "../core/constants.js";
import { byteCount, integer, oneOf } from "./arguments.js";
import type { BackendChoice } from "./context.js";

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

/** How `search` and `benchmark` open the index. */
export interface PlaceOptions {
  readonly mode?: "resident" | "paged" | "auto";
  readonly cache?: number;
  readonly beamWidth?: number;
  readonly pageSearch?: boolean;
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
    .option("--page-search", "score every record of a page that is used (default: paged only)")
    .option("--no-page-search");
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
