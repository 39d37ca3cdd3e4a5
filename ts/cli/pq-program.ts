/** The command line of `diskann pq`. */
import { type Command, Option } from "commander";
import { PQ_LIMITS } from "../api/pq-options.js";
import { LIMITS } from "../core/constants.js";
import { integer } from "./arguments.js";
import type { PqDecodeOptions, PqEncodeOptions, PqInfoOptions, PqTrainOptions } from "./commands/pq.js";
import type { CommonOptions, Context } from "./context.js";
import type { QuantizerEngine } from "./engine.js";
import { addCommonOptions, examples, inputTypeOption } from "./options.js";

/** What the commands need of the program around them. */
export interface PqParts {
  context(options: CommonOptions): Context;
  quantizer(options: CommonOptions): Promise<QuantizerEngine>;
}

/** Rows of the check after a training. */
const CHECK_ROWS_DEFAULT = 10_000;

function threadsOption(): Option {
  return new Option("-j, --threads <n>", "default: all cores; never changes the result").argParser(
    integer(1, LIMITS.threadsMax),
  );
}

function addTrain(pq: Command, parts: PqParts): void {
  const { centroidsMax, iterationsDefault, iterationsMax, sampleDefault, sampleMax } = PQ_LIMITS;
  const command = pq
    .command("train")
    .description("Find the centroids of a file of vectors, and measure what they lose.")
    .requiredOption("-i, --input <file>", "vectors")
    .requiredOption("-o, --output <file>", "pivots, as Microsoft's tools read them (name: *_pq_pivots.bin)")
    .requiredOption(
      "-c, --chunks <n>",
      "bytes of a code, at most the dimensions",
      integer(1, LIMITS.dimensionsMax),
    )
    .option(
      "--centroids <n>",
      "of each chunk; Microsoft's C++ tools read 256 only",
      integer(1, centroidsMax),
      centroidsMax,
    )
    .option("--iterations <n>", "most iterations of k-means", integer(1, iterationsMax), iterationsDefault)
    .option("--sample <n>", "most vectors that are looked at", integer(1, sampleMax), sampleDefault)
    .option("--no-center", "do not subtract the mean first: for inner products")
    .option("--seed <n>", "of the sample and the first centroids", integer(0), 0)
    .addOption(threadsOption())
    .addOption(inputTypeOption())
    .option("--check <n>", "vectors that the error is measured on; 0: none", integer(0), CHECK_ROWS_DEFAULT);
  addCommonOptions(command, true)
    .addHelpText(
      "after",
      examples(
        "pq train -i base.fbin -o base_pq_pivots.bin -c 16",
        "pq train -i base.u8bin -o base_pq_pivots.bin -c 32 --sample 50000 --seed 7",
        "pq train -i embeddings.npy -o docs_pq_pivots.bin -c 48 --no-center --json",
      ),
    )
    .action(async (options: PqTrainOptions) => {
      const context = parts.context(options);
      const { runPqTrain } = await import("./commands/pq.js");
      await runPqTrain(await parts.quantizer(options), options, context);
    });
}

function addEncode(pq: Command, parts: PqParts): void {
  const command = pq
    .command("encode")
    .description("Write the codes of a file of vectors. Files may be larger than memory.")
    .requiredOption("-i, --input <file>", "vectors")
    .requiredOption("-p, --pivots <file>", "what train made, or Microsoft's tools")
    .requiredOption(
      "-o, --output <file>",
      "codes, as Microsoft's tools read them (name: *_pq_compressed.bin)",
    )
    .addOption(threadsOption())
    .addOption(inputTypeOption());
  addCommonOptions(command, true)
    .addHelpText("after", examples("pq encode -i base.fbin -p base_pq_pivots.bin -o base_pq_compressed.bin"))
    .action(async (options: PqEncodeOptions) => {
      const context = parts.context(options);
      const { runPqEncode } = await import("./commands/pq.js");
      await runPqEncode(await parts.quantizer(options), options, context);
    });
}

function addDecode(pq: Command, parts: PqParts): void {
  const command = pq
    .command("decode")
    .description("Write the vectors that codes stand for. Files may be larger than memory.")
    .requiredOption("-i, --input <file>", "codes")
    .requiredOption("-p, --pivots <file>", "the pivots they were made with")
    .requiredOption("-o, --output <file>", "vectors of f32 in any format");
  addCommonOptions(command, true)
    .addHelpText(
      "after",
      examples("pq decode -i base_pq_compressed.bin -p base_pq_pivots.bin -o decoded.fvecs"),
    )
    .action(async (options: PqDecodeOptions) => {
      const context = parts.context(options);
      const { runPqDecode } = await import("./commands/pq.js");
      await runPqDecode(await parts.quantizer(options), options, context);
    });
}

function addInfo(pq: Command, parts: PqParts): void {
  const command = pq
    .command("info")
    .description("Tell what a file of pivots or of codes holds.")
    .argument("<file>", "pivots or codes");
  addCommonOptions(command, false)
    .addHelpText("after", examples("pq info base_pq_pivots.bin", "pq info base_pq_compressed.bin --json"))
    .action(async (path: string, options: PqInfoOptions) => {
      const context = parts.context(options);
      const { runPqInfo } = await import("./commands/pq.js");
      await runPqInfo(path, context);
    });
}

export function addPqCommands(root: Command, parts: PqParts): void {
  const pq = root
    .command("pq")
    .description("Product quantisation: train, encode and decode, in Microsoft's files.")
    .helpCommand("help [command]", "print the help of a command");
  addTrain(pq, parts);
  addEncode(pq, parts);
  addDecode(pq, parts);
  addInfo(pq, parts);
}
