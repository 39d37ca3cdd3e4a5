/*
 * npm run bench: bundles the benchmark (TypeScript) with esbuild and runs it. `npm run bench -- --help` tells the options.
 * Everything it makes lies in build/bench.
 */
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { buildCoreProgram } from "./core-build.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "../..");
const outdir = join(root, "build/bench/js");

rmSync(outdir, { recursive: true, force: true });
await build({
  entryPoints: [
    "main",
    "shape",
    "layout/main",
    "scale/main",
    "http/main",
    "storage/main",
    "files/main",
    "side-process",
  ].map((name) => join(here, `${name}.ts`)),
  outdir,
  outExtension: { ".js": ".mjs" },
  bundle: true,
  splitting: true,
  platform: "node",
  format: "esm",
  target: "node20",
  sourcemap: "inline",
  // The package itself is loaded as users have it: what its exports map gives.
  external: ["diskann", "diskann/*", "esbuild", "playwright-core"],
  logLevel: "warning",
});

/** Without a C compiler the comparison still runs. */
async function coreProgram() {
  try {
    return await buildCoreProgram();
  } catch (error) {
    console.error(`What is measured of the C core alone is left out: ${error.message}`);
    return "";
  }
}

/* Programs of their own, which get the path of theirs in C. */
const OTHERS = {
  shape: "shape.mjs",
  layout: "layout/main.mjs",
  scale: "scale/main.mjs",
  http: "http/main.mjs",
  storage: "storage/main.mjs",
  files: "files/main.mjs",
};
const other = OTHERS[process.argv[2]];
const script = join(outdir, other ?? "main.mjs");
const program =
  process.argv[2] === "layout"
    ? await buildCoreProgram("tests/bench/layout/measure_layout.c")
    : process.argv[2] === "storage" || process.argv[2] === "files"
      ? ""
      : await coreProgram();
const options = other ? [program, ...process.argv.slice(3)] : process.argv.slice(2);
const environment = { ...process.env, DISKANN_BENCH_CORE: program };
const { status } = spawnSync(process.execPath, ["--expose-gc", script, ...options], {
  stdio: "inherit",
  env: environment,
});
process.exitCode = status ?? 1;
