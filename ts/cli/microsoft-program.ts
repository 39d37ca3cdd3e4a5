/** The command line of `diskann import` and `diskann export`. */
import { type Command, Option } from "commander";
import { CODES, LIMITS } from "../core/constants.js";
import { integer } from "./arguments.js";
import type { ExportCommandOptions, ImportCommandOptions } from "./commands/microsoft.js";
import type { CommonOptions, Context } from "./context.js";
import type { Engine, QuantizerEngine } from "./engine.js";
import { addCommonOptions, examples } from "./options.js";

/** What the commands need of the program around them. */
export interface MicrosoftProgramParts {
  context(options: CommonOptions): Context;
  engine(options: CommonOptions): Promise<Engine>;
  quantizer(options: CommonOptions): Promise<QuantizerEngine>;
}

const FILES = `Files of an index in memory: <graph>, <graph>.data, and <graph>.tags, <graph>.del where there are such; of a disk
index: <prefix>_disk.index, <prefix>_pq_pivots.bin, <prefix>_pq_compressed.bin. Label files beside them (_labels.txt,
_labels_map.txt, _labels_to_medoids.txt, _universal_label.txt, ...) are checked and go along unchanged.`;

const threadsOption = (): Option =>
  new Option("-j, --threads <n>", "default: all cores; never changes the result").argParser(
    integer(1, LIMITS.threadsMax),
  );

function addImport(root: Command, parts: MicrosoftProgramParts): void {
  const command = root
    .command("import")
    .description("Make an index of one of Microsoft's DiskANN: the same vectors, the same neighbour lists.")
    .requiredOption("-i, --input <file>", "the graph of an index in memory, or <prefix>_disk.index")
    .requiredOption("-o, --output <file>", "the index; replaced only when the new one is complete")
    .addOption(
      new Option("--type <type>", "how it stores vectors, which its files do not tell")
        .choices(["f32", "i8", "u8"])
        .default("f32"),
    )
    .addOption(
      new Option("-m, --metric <metric>", "its distance").choices(["l2", "cosine", "ip"]).default("l2"),
    )
    .addOption(
      new Option("--kind <kind>", "what it is (default: by the end of the name)").choices(["memory", "disk"]),
    )
    .option(
      "-R, --max-degree <n>",
      "room in a list (default: the longest there is)",
      integer(LIMITS.maxDegreeMin, LIMITS.maxDegreeMax),
    )
    .addOption(
      new Option("--codes <codes>", "what searches read to find their way, instead of the vectors")
        .choices([...CODES])
        .default("auto"),
    )
    .option("--code-bytes <n>", "of a code with --codes pq", integer(1, LIMITS.dimensionsMax))
    .addOption(threadsOption());
  addCommonOptions(command, true)
    .addHelpText(
      "after",
      `${examples("import -i sift_graph -o sift.diskann --type u8", "import -i sift_disk.index -o sift.diskann --codes pq")}\n
Ids are the tags, or the numbers of the vectors. An edge is added only for a vector that no search could reach, or that hangs
with too many others on one; how many is told.\n
${FILES}`,
    )
    .action(async (options: ImportCommandOptions) => {
      const context = parts.context(options);
      const { runImport } = await import("./commands/microsoft.js");
      await runImport(await parts.engine(options), options, context);
    });
}

function addExport(root: Command, parts: MicrosoftProgramParts): void {
  const command = root
    .command("export")
    .description("Write an index as one of Microsoft's DiskANN, as its C++ tools read it.")
    .requiredOption("-i, --input <index>", "the index")
    .requiredOption("-o, --output <prefix>", "what the names of the files begin with")
    .addOption(
      new Option("--kind <kind>", "memory: a graph and its vectors; disk: a disk index, its pivots and codes")
        .choices(["memory", "disk"])
        .default("memory"),
    )
    .option(
      "--code-bytes <n>",
      "of a code of a disk index; default: as the index has them, else a byte for four dimensions",
      integer(1, LIMITS.dimensionsMax),
    )
    .option("--seed <n>", "of the training of codes that the index has not", integer(0), 0)
    .addOption(threadsOption());
  addCommonOptions(command, true)
    .addHelpText(
      "after",
      `${examples("export -i sift.diskann -o sift_graph", "export -i sift.diskann -o sift --kind disk --code-bytes 32")}\n
Vectors are in order of their ids; ids that are not 0, 1, 2, ... go into tags.\n
${FILES}`,
    )
    .action(async (options: ExportCommandOptions) => {
      const context = parts.context(options);
      const { runExport } = await import("./commands/microsoft.js");
      await runExport(await parts.engine(options), () => parts.quantizer(options), options, context);
    });
}

export function addMicrosoftCommands(root: Command, parts: MicrosoftProgramParts): void {
  addImport(root, parts);
  addExport(root, parts);
}
