/**
 * Builds dist/diskann.wasm: one raw module, no glue, no threads, SIMD128; and diskann-threads.wasm, the same over a memory that
 * the host makes and threads share.
 *
 *     node wasm/build.mjs [--force] [output]
 *
 * Does nothing when the sources, this script and the compiler are those of the last build. Fails when a module imports
 * more than its memory and the notice of its growth, or is larger than its budget.
 */
import { execFile, execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { FLAGS, headers, ROOT as root, sources, TARGET_FLAGS, WARNINGS } from "../tests/tools/sources.mjs";

const GZIP_BYTES_MAX = 100_000;
const ALLOWED_IMPORTS = ["env.emscripten_notify_memory_growth"];
const ALLOWED_IMPORTS_THREADS = ["env.memory", "env.emscripten_resize_heap"];

const common = [...FLAGS, ...WARNINGS, ...TARGET_FLAGS.wasm32, "-DNDEBUG", "-DDISKANN_ONE_FAMILY"];
/** What waits for bytes, or runs once in a while. */
const SELDOM =
  /^(wasm\/exports\w*|csrc\/store\/(superblock|section|microsoft)|csrc\/op\/(budget\w*|code_pages|convert|findings|op|open|opening|page_stream|paged\w*|save|transfer|verify))\.c$/;
/** Operations only say what is done next: the loops that take time are on the floors below. */
const levelOf = (unit) => (SELDOM.test(unit) ? "-Oz" : unit.startsWith("csrc/op/") ? "-Os" : "-O3");
const flags = [
  ...common,
  "-O3",
  "-sSTANDALONE_WASM",
  "--no-entry",
  "-sALLOW_MEMORY_GROWTH",
  "-sINITIAL_MEMORY=2MB",
  "-sMAXIMUM_MEMORY=4GB",
  "-sTOTAL_STACK=512KB",
  "-sMALLOC=emmalloc",
  "-sEXPORTED_FUNCTIONS=_malloc,_free",
];

/** emcc links no module of its own with threads; the linker does. */
const linkFlags = [
  "--no-entry",
  "--import-memory",
  "--shared-memory",
  "--initial-memory=2097152",
  "--max-memory=4294967296",
  ...["__wasm_init_tls", "__tls_size", "__stack_pointer", "__wasm_call_ctors", "malloc", "free"].map(
    (name) => `--export=${name}`,
  ),
  ...["-z", "stack-size=524288"],
  "--allow-undefined",
  "--strip-debug",
];

/** Debian's emcc looks for its JavaScript packages there only when told. */
const environment = {
  ...process.env,
  NODE_PATH: [process.env.NODE_PATH, "/usr/share/nodejs"].filter(Boolean).join(":"),
};

/** One hash over everything the module depends on. */
function inputsHash(units) {
  const hash = createHash("sha256");
  hash.update(execFileSync("emcc", ["--version"], { encoding: "utf8", env: environment }));
  const script = relative(root, fileURLToPath(import.meta.url));
  for (const file of [...units, ...headers(), "wasm/exports.h", "tests/tools/sources.mjs", script].sort()) {
    hash
      .update(file)
      .update("\0")
      .update(readFileSync(join(root, file)));
  }
  return hash.digest("hex");
}

/** Throws when the module would not load everywhere, or is too large; returns its size. */
function checkModule(bytes, allowed) {
  const module = new WebAssembly.Module(bytes);
  const imports = WebAssembly.Module.imports(module).map((entry) => `${entry.module}.${entry.name}`);
  const surplus = imports.filter((name) => !allowed.includes(name));
  if (surplus.length > 0) throw new Error(`the module imports ${surplus.join(", ")}`);
  const gzipBytes = gzipSync(bytes, { level: 9 }).length;
  if (gzipBytes > GZIP_BYTES_MAX) throw new Error(`${gzipBytes} bytes gzipped, more than ${GZIP_BYTES_MAX}`);
  return gzipBytes;
}

async function compile(units, folder, more) {
  mkdirSync(folder, { recursive: true });
  const objects = units.map((unit) => join(folder, `${unit.replaceAll("/", "-")}.o`));
  const waiting = units.map((unit, i) => [...common, levelOf(unit), ...more, "-c", unit, "-o", objects[i]]);
  const compileSome = async () => {
    for (let words = waiting.pop(); words !== undefined; words = waiting.pop()) {
      await promisify(execFile)("emcc", words, { cwd: root, env: environment });
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, compileSome));
  return objects;
}

async function linkWithThreads(units, output) {
  const folder = `${output}-objects`;
  const ask = (name) => execFileSync("em-config", [name], { encoding: "utf8", env: environment }).trim();
  const libraries = join(ask("CACHE"), "sysroot/lib/wasm32-emscripten");
  const words = [...linkFlags, ...(await compile(units, folder, ["-pthread"])), "-L", libraries];
  words.push("-lc-mt", "-lemmalloc-mt", "-lcompiler_rt-mt", "-o", output);
  const linker = ["wasm-ld", "wasm-ld-14"].map((name) => join(ask("LLVM_ROOT"), name)).find(existsSync);
  execFileSync(linker ?? "wasm-ld", words, { stdio: "inherit" });
  rmSync(folder, { recursive: true });
}

async function linkAlone(units, output) {
  const folder = `${output}-objects`;
  const options = { cwd: root, env: environment, stdio: "inherit" };
  const { status } = spawnSync(
    "emcc",
    [...flags, ...(await compile(units, folder, [])), "-o", output],
    options,
  );
  rmSync(folder, { recursive: true });
  if (status !== 0) process.exit(1);
}

/** `exports`: files of exports, beside the core. */
async function build(output, link, allowed, exports) {
  const stamp = join(root, "build/wasm", `${relative(root, output).replaceAll(/[^\w.]/g, "-")}.sha256`);
  const units = [...exports, ...sources("wasm32").map((source) => source.file)];
  const hash = inputsHash(units);
  const known = existsSync(output) && existsSync(stamp) && readFileSync(stamp, "utf8") === hash;
  if (known && !process.argv.includes("--force")) {
    console.log(`wasm: nothing changed for ${relative(root, output)}`);
    return;
  }
  mkdirSync(dirname(output), { recursive: true });
  mkdirSync(dirname(stamp), { recursive: true });
  const temporary = join(root, "build/wasm", `module-${process.pid}.wasm`);
  const started = performance.now();
  await link(units, temporary);
  const bytes = readFileSync(temporary);
  const gzipBytes = checkModule(bytes, allowed);
  renameSync(temporary, output);
  writeFileSync(stamp, hash);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`wasm: ${bytes.length} bytes, ${gzipBytes} gzipped, ${seconds} s -> ${relative(root, output)}`);
}

const given = process.argv.slice(2).find((word) => !word.startsWith("-"));
await build(join(root, given ?? "dist/diskann.wasm"), linkAlone, ALLOWED_IMPORTS, [
  "wasm/exports.c",
  "wasm/exports_more.c",
]);
if (given === undefined)
  await build(join(root, "dist/diskann-threads.wasm"), linkWithThreads, ALLOWED_IMPORTS_THREADS, [
    "wasm/exports.c",
    "wasm/exports_threads.c",
  ]);
