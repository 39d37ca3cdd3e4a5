/** Options that several commands have, and the form of their help. */
import { type Command, Option } from "commander";
import { METRICS } from "../core/constants.js";
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
