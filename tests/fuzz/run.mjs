/*
 * Runs the fuzz targets for some seconds each (default 60), on what they found before and on:
 *
 *     node tests/fuzz/run.mjs [seconds] [word in the name of a target ...]
 *
 * The corpus and what made a target fail lie in build/fuzz/<target>; to see a failure again, run the program that is
 * named there with the path of the input. Ends with a line "N passed, N failed".
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { basename, join } from "node:path";
import { buildCore, buildProgram, run } from "../tools/c-build.mjs";
import { VARIANTS } from "../tools/c-variants.mjs";
import { ROOT } from "../tools/sources.mjs";

const seconds = Number(process.argv[2] ?? 60);
const words = process.argv.slice(3);

/** The build of the sanitizers, with libFuzzer's counters in every unit and its main in the program. */
function fuzzBuild() {
  const { build } = VARIANTS.find(({ name }) => name === "sanitize");
  return {
    ...build,
    name: "fuzz",
    flags: [...build.flags, "-fsanitize=fuzzer-no-link"],
    link: ["-fsanitize=fuzzer"],
  };
}

/** To begin with: the worked example of the format, as it is and resealed, and a few changes to sound files. */
function writeSeeds(corpus) {
  const example = Buffer.alloc(8192);
  const lines = readFileSync(join(ROOT, "csrc/FORMAT.md"), "utf8").matchAll(
    /^([0-9a-f]{8}) {2}([0-9a-f ]{48})/gm,
  );
  for (const [, offset, bytes] of lines)
    example.write(bytes.replaceAll(" ", ""), Number.parseInt(offset, 16), "hex");
  for (const mode of [0, 1]) writeFileSync(join(corpus, `example-${mode}`), Buffer.from([mode, ...example]));
  for (const kind of [1, 6, 17, 40]) {
    const words = Array.from({ length: 8 }, (_, i) => 4096 + 16 + 131 * i * kind + (i << 26));
    const changes = new Uint8Array(Uint32Array.from(words.flatMap((word) => [word, kind])).buffer);
    for (const mode of [2, 3])
      writeFileSync(join(corpus, `changes-${mode}-${kind}`), Buffer.from([4 * kind + mode, ...changes]));
  }
}

async function fuzz(build, library, file) {
  const name = basename(file, ".c");
  const program = await buildProgram(build, file, library);
  if (program.path === undefined) return { name, code: 1, text: program.text };
  const folder = join(ROOT, "build/fuzz", name);
  const corpus = join(folder, "corpus");
  mkdirSync(corpus, { recursive: true });
  writeSeeds(corpus);
  for (const old of readdirSync(folder).filter((entry) => entry !== "corpus")) rmSync(join(folder, old));
  const args = [
    `-max_total_time=${seconds}`,
    "-max_len=8300",
    "-len_control=0",
    "-timeout=60",
    "-rss_limit_mb=2048",
  ];
  args.push("-print_final_stats=1", `-artifact_prefix=${folder}/`, corpus);
  const { code, text } = await run(program.path, args, { seconds: seconds + 120 });
  return { name, code, text, path: program.path };
}

async function main() {
  const build = fuzzBuild();
  const { path: library, broken } = await buildCore(build, Math.max(1, availableParallelism()));
  for (const { file, text } of broken) console.log(`${file} does not compile\n${text}`);
  const files = readdirSync(join(ROOT, "tests/fuzz"))
    .filter(
      (name) => name.endsWith(".c") && (words.length === 0 || words.some((word) => name.includes(word))),
    )
    .map((name) => `tests/fuzz/${name}`);
  const failed = [];
  for (const file of files) {
    const { name, code, text, path } = await fuzz(build, library, file);
    const last = text.trimEnd().split("\n");
    const runs = /stat::number_of_executed_units:\s*(\d+)/.exec(text)?.[1] ?? "?";
    console.log(`${code === 0 ? "+" : "-"} ${name}: ${runs} inputs in ${seconds} s`);
    if (code !== 0) {
      console.log(last.slice(-80).join("\n"));
      console.log(`program: ${path}`);
      failed.push(name);
    }
  }
  console.log(`${files.length - failed.length} passed, ${failed.length} failed`);
  process.exitCode = failed.length === 0 && files.length > 0 && broken.length === 0 ? 0 : 1;
}

await main();
