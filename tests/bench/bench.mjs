/*
 * npm run bench: bundles the benchmark (TypeScript) with esbuild and runs it. `npm run bench -- --help` tells the options.
 * Everything it makes lies in build/bench.
 */
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "../..");
const outdir = join(root, "build/bench/js");

await build({
  entryPoints: [join(here, "main.ts"), join(here, "side-process.ts")],
  outdir,
  outExtension: { ".js": ".mjs" },
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20",
  sourcemap: "inline",
  // The package itself is loaded as users have it: what its exports map gives.
  external: ["diskann", "diskann/*"],
  logLevel: "warning",
});

const script = process.argv[2] === "shape" ? "shape.mjs" : "main.mjs";
const options = process.argv.slice(script === "shape.mjs" ? 3 : 2);
const { status } = spawnSync(process.execPath, ["--expose-gc", join(outdir, script), ...options], {
  stdio: "inherit",
});
process.exitCode = status ?? 1;
