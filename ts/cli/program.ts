/** The command line: what can be typed, and where it goes. Each command's code is loaded when it is called. */
import { Command, CommanderError, Option } from "commander";
import { CODES, DATA_TYPES, LIMITS, QUANTIZE } from "../core/constants.js";
import { byteCount, CHECK_QUERIES_DEFAULT, decimal, fileNamed, integer, integerList } from "./arguments.js";
import type { BenchmarkOptions } from "./commands/benchmark.js";
import type { BuildOptions } from "./commands/build.js";
import type { ConvertOptions } from "./commands/convert.js";
import type { InfoOptions } from "./commands/info.js";
import type { SearchCommandOptions } from "./commands/search.js";
import type { VerifyOptions } from "./commands/verify.js";
import { type CommonOptions, type Context, createContext, type Streams } from "./context.js";
import type { EngineLoaders, QuantizerLoaders } from "./engine.js";
import { addMicrosoftCommands } from "./microsoft-program.js";
import {
  addCommonOptions,
  addMicrosoftDiskOptions,
  addPlaceOptions,
  codeBytesOption,
  ELEMENT_TYPES,
  examples,
  hiddenTypeOption,
  inputTypeOption,
  metricOption,
  pageBytesOption,
} from "./options.js";
import { addPqCommands } from "./pq-program.js";
import { styleFor, wantsColor } from "./terminal.js";

export interface ProgramParts {
  readonly version: string;
  readonly engines: EngineLoaders;
  readonly quantizers: QuantizerLoaders;
  readonly streams: Streams;
  readonly signal: AbortSignal;
  /** Called with what a command wants the process to end with, where that is not 0. */
  readonly setExitCode: (code: number) => void;
  /** Called as soon as it is known whether answers, and so errors, are to be JSON. */
  readonly setJson: (json: boolean) => void;
}

const FORMATS = `Vector files, by the end of the name:
  .fvecs .bvecs .ivecs                     each row led by its length: f32, u8, i32
  .fbin .f16bin .u8bin .i8bin .bin         count and dimensions, then rows; a .bin file does not tell
                                           its type: the size decides, or --input-type
  .npy                                     NumPy, 2-D, C order: f32, f16, i8, u8`;

class Program {
  readonly root = new Command("diskann");
  readonly #parts: ProgramParts;

  constructor(parts: ProgramParts) {
    this.#parts = parts;
    const { stdout, stderr } = parts.streams;
    this.root
      .description("Vector search with a DiskANN (Vamana) graph: build, search, measure and check an index.")
      .version(parts.version, "-V, --version", "print the version")
      .helpOption("-h, --help", "print this help")
      .helpCommand("help [command]", "print the help of a command")
      .configureHelp({ styleTitle: (title) => styleFor(true).bold(title), showGlobalOptions: false })
      .configureOutput({
        writeOut: (text) => void stdout.write(text),
        writeErr: (text) => void stderr.write(text),
        getOutHasColors: () => wantsColor(stdout, parts.streams.env),
        getErrHasColors: () => wantsColor(stderr, parts.streams.env),
        getOutHelpWidth: () => stdout.columns ?? 100,
        getErrHelpWidth: () => stderr.columns ?? 100,
      })
      .showHelpAfterError("(--help lists the options)")
      .exitOverride()
      .addHelpText("after", `\n${FORMATS}\n\nExit code: 0 done, 1 failed or damage found, 2 wrong usage.`);
    this.#addBuild();
    this.#addSearch();
    this.#addBenchmark();
    this.#addConvert();
    this.#addInfo();
    this.#addVerify();
    const shared = {
      context: (options: CommonOptions) => this.#context(options),
      engine: (options: CommonOptions) => this.#engine(options),
      quantizer: (options: CommonOptions) => parts.quantizers[options.backend ?? "auto"](),
    };
    addPqCommands(this.root, shared);
    addMicrosoftCommands(this.root, shared);
  }

  #context(options: CommonOptions): Context {
    this.#parts.setJson(options.json === true);
    return createContext(options, this.#parts.streams, this.#parts.signal);
  }

  #engine(options: CommonOptions): ReturnType<EngineLoaders["auto"]> {
    return this.#parts.engines[options.backend ?? "auto"]();
  }

  #addBuild(): void {
    const command = this.root
      .command("build")
      .description(
        "Build an index of a file of vectors, and check its recall on a sample against brute force.",
      )
      .requiredOption("-i, --input <file>", "vectors")
      .requiredOption("-o, --output <file>", "the index; replaced only when the new one is complete")
      .addOption(metricOption())
      .addOption(
        new Option("--type <type>", "how the index stores vectors; i8 and u8: integers that fit")
          .choices([...DATA_TYPES])
          .default("f32"),
      )
      .addOption(inputTypeOption())
      .option(
        "-R, --max-degree <n>",
        "most edges a vector keeps",
        integer(LIMITS.maxDegreeMin, LIMITS.maxDegreeMax),
        LIMITS.maxDegreeDefault,
      )
      .option(
        "-L, --build-list-size <n>",
        "candidates considered per vector",
        integer(1, LIMITS.listSizeMax),
        LIMITS.buildListSizeDefault,
      )
      .option("--alpha <x>", "pruning slack; more keeps more long edges", decimal(1, 2), LIMITS.alphaDefault)
      .option(
        "-j, --threads <n>",
        "default: all cores; never changes the result",
        integer(1, LIMITS.threadsMax),
      )
      .addOption(
        new Option("--codes <codes>", "what searches read to find their way, instead of the vectors")
          .choices([...CODES])
          .default("auto"),
      )
      .addOption(codeBytesOption())
      .addOption(pageBytesOption())
      .addOption(
        new Option("--quantize <kind>", "keep floats as bytes; the check then tells what that costs")
          .choices([...QUANTIZE])
          .default("none"),
      )
      .option("--seed <n>", "order of insertion", integer(0), 0)
      .option(
        "--memory <bytes>",
        "build into the file and take no more than that beside the program itself: for vectors larger than memory",
        byteCount(2 ** 40),
      )
      .option("--ids <file>", "your ids, one for each vector: .txt a line each, .json array, .bin u32 or u64")
      .option(
        "--check <n>",
        "queries of the check at the end; 0: none",
        integer(0, 100000),
        CHECK_QUERIES_DEFAULT,
      );
    addCommonOptions(command, true)
      .addHelpText(
        "after",
        examples(
          "build -i base.fvecs -o base.diskann",
          "build -i base.fvecs -o base.diskann --quantize i8",
          "build -i base.u8bin -o base.diskann --type u8 -R 64 -L 200 -j 4",
          "build -i embeddings.npy -o docs.diskann -m cosine --ids ids.txt --json",
          "build -i huge.fbin -o huge.diskann --codes pq --memory 2G",
        ),
      )
      .action(async (options: BuildOptions) => {
        const context = this.#context(options);
        const { runBuild } = await import("./commands/build.js");
        await runBuild(await this.#engine(options), options, context);
      });
  }

  #addSearch(): void {
    const command = this.root
      .command("search")
      .description("Find the nearest vectors of every query in a file.")
      .requiredOption("-i, --input <index>", "the index")
      .requiredOption("-q, --queries <file>", "vectors to search for")
      .option("-k, --k <n>", "hits for each query", integer(1, LIMITS.kMax), 10)
      .option(
        "-L, --search-list-size <n>",
        "candidates kept while searching; more finds more and takes longer (default: max(64, 1.5 k))",
        integer(1, LIMITS.listSizeMax),
      )
      .option("-j, --threads <n>", "default: all cores", integer(1, LIMITS.threadsMax))
      .option(
        "-o, --output <file>",
        "write .ivecs (ids), .bin (ground-truth layout, with distances) or .json",
        fileNamed(".ivecs", ".bin", ".json"),
      )
      .option("--show-distances", "print the distance of every hit")
      .option("--exact", "compare with every vector: true neighbours, no graph")
      .option("--limit <n>", "only the first n queries", integer(1))
      .addOption(inputTypeOption())
      .addOption(hiddenTypeOption());
    addCommonOptions(addMicrosoftDiskOptions(addPlaceOptions(command)), true)
      .addHelpText(
        "after",
        examples(
          "search -i base.diskann -q query.fvecs -k 5 --show-distances",
          "search -i base.diskann -q query.fvecs -k 100 -L 200 -o answers.ivecs",
          "search -i base.diskann -q query.fvecs -k 100 --exact -o truth.bin",
          "search -i huge.diskann -q query.fvecs --mode paged --cache 256M",
          "search -i sift_disk.index -q query.u8bin --microsoft u8",
        ),
      )
      .action(async (options: SearchCommandOptions) => {
        const context = this.#context(options);
        const { runSearch } = await import("./commands/search.js");
        await runSearch(await this.#engine(options), options, context);
      });
  }

  #addBenchmark(): void {
    const command = this.root
      .command("benchmark")
      .description("Measure recall, speed and work of an index over a range of search list sizes.")
      .requiredOption("-i, --input <index>", "the index")
      .requiredOption("-q, --queries <file>", "vectors to search for")
      .option(
        "-g, --truth <file>",
        "ground truth: .bin with or without distances, or .ivecs (default: brute force)",
      )
      .addOption(
        new Option("-L, --search-list-size <list>", "comma-separated; those below k are raised to it")
          .argParser(integerList(1, LIMITS.listSizeMax))
          .default([10, 20, 50, 100, 200], "10,20,50,100,200"),
      )
      .option("-k, --k <n>", "recall at k", integer(1, LIMITS.kMax), 10)
      .option("-j, --threads <n>", "threads of the batches", integer(1, LIMITS.threadsMax), 1)
      .option("--repeat <n>", "timed batches per setting, of which the median counts", integer(1, 1000), 3)
      .option("--limit <n>", "only the first n queries", integer(1))
      .option("--plot <file.svg>", "draw recall against speed", fileNamed(".svg"))
      .addOption(inputTypeOption())
      .addOption(hiddenTypeOption());
    addCommonOptions(addMicrosoftDiskOptions(addPlaceOptions(command)), true)
      .addHelpText(
        "after",
        `${examples(
          "benchmark -i base.diskann -q query.fvecs -g truth.ivecs",
          "benchmark -i base.diskann -q query.fbin -g gt100.bin -L 20,40,80,160 -k 10 --plot recall.svg",
          "benchmark -i base.diskann -q query.npy --limit 500 --json",
          "benchmark -i huge.diskann -q query.fvecs -g truth.ivecs --mode paged --cache 16M -W 8",
        )}\n
Recall counts ties: where the truth has distances, any vector as near as the k-th true neighbour is right.
Ids in the truth are those of the index: row numbers, unless it was built with --ids.`,
      )
      .action(async (options: BenchmarkOptions) => {
        const context = this.#context(options);
        const { runBenchmark } = await import("./commands/benchmark.js");
        await runBenchmark(await this.#engine(options), options, context);
      });
  }

  #addConvert(): void {
    const command = this.root
      .command("convert")
      .description(
        "Convert a file of vectors between formats and element types, which may be larger than memory; or an index between kinds of codes and sizes of pages, with the same graph.",
      )
      .requiredOption("-i, --input <file>", "vectors, or an index")
      .requiredOption("-o, --output <file>", "replaced only when the new one is complete")
      .addOption(
        new Option(
          "--type <type>",
          "element type of the output (default: that of its name, or of the input)",
        ).choices(ELEMENT_TYPES),
      )
      .addOption(inputTypeOption(ELEMENT_TYPES))
      .option("--normalize", "scale every row to unit length")
      .option("--skip <n>", "leave out the first n rows", integer(0), 0)
      .option("--limit <n>", "write at most n rows", integer(1))
      .addOption(
        new Option(
          "--codes <codes>",
          "of an index (default: as they are); 1bit and pq lead paged searches",
        ).choices([...CODES]),
      )
      .addOption(codeBytesOption())
      .addOption(pageBytesOption());
    addCommonOptions(command, true)
      .addHelpText(
        "after",
        `${examples(
          "convert -i base.fvecs -o base.fbin",
          "convert -i base.npy -o base.f16bin --normalize",
          "convert -i big.u8bin -o part.bvecs --skip 1000000 --limit 1000000",
          "convert -i base.diskann -o paged.diskann --codes pq --page-bytes 16384",
        )}\n
Widening is exact, f16 is rounded to nearest; a value that does not fit an integer type is an error.\n
${FORMATS}`,
      )
      .action(async (options: ConvertOptions) => {
        const context = this.#context(options);
        const { runConvert } = await import("./commands/convert.js");
        await runConvert(() => this.#engine(options), options, context);
      });
  }

  #addInfo(): void {
    const command = this.root
      .command("info")
      .description("Tell what an index, a file of vectors or a ground truth holds.")
      .argument("<file>", "an index, or a file of vectors")
      .option("--recall", "of an index: check recall on a sample of its vectors against brute force")
      .addOption(inputTypeOption())
      .addOption(hiddenTypeOption());
    addCommonOptions(addMicrosoftDiskOptions(command), true)
      .addHelpText(
        "after",
        examples("info base.diskann --recall", "info base.u8bin", "info base.diskann --json"),
      )
      .action(async (path: string, options: InfoOptions) => {
        const context = this.#context(options);
        const { runInfo } = await import("./commands/info.js");
        await runInfo(() => this.#engine(options), path, options, context);
      });
  }

  #addVerify(): void {
    const command = this.root
      .command("verify")
      .description(
        "Check every checksum of an index and audit its graph; exit code 1 when something is wrong.",
      )
      .argument("<index>", "the index");
    addCommonOptions(command, true)
      .addHelpText("after", examples("verify base.diskann", "verify base.diskann --json"))
      .action(async (path: string, options: VerifyOptions) => {
        const context = this.#context(options);
        const { runVerify } = await import("./commands/verify.js");
        const ok = await runVerify(await this.#engine(options), path, options, context);
        if (!ok) this.#parts.setExitCode(1);
      });
  }
}

/** Runs a command line. Rejects with `CommanderError` for usage and for help, which has exit code 0. */
export async function runProgram(argv: readonly string[], parts: ProgramParts): Promise<void> {
  const { root } = new Program(parts);
  await root.parseAsync([...argv], { from: "user" });
}

export { CommanderError };
