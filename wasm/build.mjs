/**
 * Builds dist/diskann.wasm: one raw module, no glue, no threads, SIMD128.
 *
 *     node wasm/build.mjs [--force] [output]
 *
 * Does nothing when the sources, this script and the compiler are those of the last build. Fails when the module
 * imports more than the notice of memory growth, or is larger than its budget.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { FLAGS, headers, ROOT as root, sources, TARGET_FLAGS, WARNINGS } from "../tests/tools/sources.mjs";

const GZIP_BYTES_MAX = 100_000;
const ALLOWED_IMPORTS = ["env.emscripten_notify_memory_growth"];

const flags = [
  ...FLAGS,
  ...WARNINGS,
  ...TARGET_FLAGS.wasm32,
  "-O3",
  "-DNDEBUG",
  "-sSTANDALONE_WASM",
  "--no-entry",
  "-sALLOW_MEMORY_GROWTH",
  "-sINITIAL_MEMORY=2MB",
  "-sMAXIMUM_MEMORY=4GB",
  "-sTOTAL_STACK=512KB",
  "-sMALLOC=emmalloc",
  "-sEXPORTED_FUNCTIONS=_malloc,_free",
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
  for (const file of [...units, ...headers(), "tests/tools/sources.mjs", script].sort()) {
    hash
      .update(file)
      .update("\0")
      .update(readFileSync(join(root, file)));
  }
  return hash.digest("hex");
}

/** Throws when the module would not load everywhere, or is too large; returns its size. */
function checkModule(bytes) {
  const module = new WebAssembly.Module(bytes);
  const imports = WebAssembly.Module.imports(module).map((entry) => `${entry.module}.${entry.name}`);
  const surplus = imports.filter((name) => !ALLOWED_IMPORTS.includes(name));
  if (surplus.length > 0) throw new Error(`the module imports ${surplus.join(", ")}`);
  const gzipBytes = gzipSync(bytes, { level: 9 }).length;
  if (gzipBytes > GZIP_BYTES_MAX) throw new Error(`${gzipBytes} bytes gzipped, more than ${GZIP_BYTES_MAX}`);
  return gzipBytes;
}

function build() {
  const words = process.argv.slice(2);
  const output = join(root, words.find((word) => !word.startsWith("-")) ?? "dist/diskann.wasm");
  const stamp = join(root, "build/wasm", `${relative(root, output).replaceAll(/[^\w.]/g, "-")}.sha256`);
  const units = ["wasm/exports.c", ...sources("wasm32").map((source) => source.file)];
  const hash = inputsHash(units);
  const known = existsSync(output) && existsSync(stamp) && readFileSync(stamp, "utf8") === hash;
  if (known && !words.includes("--force")) {
    console.log("wasm: nothing changed");
    return;
  }
  mkdirSync(dirname(output), { recursive: true });
  mkdirSync(dirname(stamp), { recursive: true });
  const temporary = join(root, "build/wasm", `module-${process.pid}.wasm`);
  const started = performance.now();
  const options = { cwd: root, env: environment, stdio: "inherit" };
  const { status } = spawnSync("emcc", [...flags, ...units, "-o", temporary], options);
  if (status !== 0) process.exit(1);
  const bytes = readFileSync(temporary);
  const gzipBytes = checkModule(bytes);
  renameSync(temporary, output);
  writeFileSync(stamp, hash);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`wasm: ${bytes.length} bytes, ${gzipBytes} gzipped, ${seconds} s -> ${relative(root, output)}`);
}

build();
