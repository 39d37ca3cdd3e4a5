/*
 * Bundles ts/ into dist/: ESM, CommonJS and declarations for every entry; the program; the worker's script as one
 * file that needs no other. Nothing is minified: that is for whoever bundles it next.
 */
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Plugin } from "rolldown";
import { defineConfig, type UserConfig } from "tsdown";

const DIST = "dist";
const WASM = join(DIST, "diskann.wasm");
const KEPT = [WASM, join(DIST, "diskann-threads.wasm")];
const LICENSES = "cli/THIRD-PARTY-LICENSES.txt";
const entries = ["index", "wasm", "native", "inline", "worker", "pq", "pq-wasm", "microsoft"];
const files = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, `ts/${name}.ts`]));

/** What only the build knows: how far other files are, and the module's bytes for the entry that carries them. */
const places: Plugin = {
  name: "places",
  transform(code, id) {
    if (!/\/ts\/[\w-]+\.ts$/.test(id)) return undefined;
    if (!id.endsWith("/ts/inline.ts")) return code.replaceAll('"../dist/', '"./');
    // without Emscripten there is no module; everything but this entry works all the same
    return code.replace("__DISKANN_WASM_BASE64__", existsSync(WASM) ? readFileSync(WASM, "base64") : "");
  },
};

/** The packages that files of node_modules belong to. */
function packagesOf(modules: readonly string[]): string[] {
  const found = modules.flatMap((id) => /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(id)?.[1] ?? []);
  return [...new Set(found)].sort();
}

function licenseOf(folder: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  if (file === undefined) throw new Error(`${name} has no license file`);
  return `${name} ${version} (${license})\n\n${readFileSync(join(folder, file), "utf8").trim()}\n`;
}

/** Only the program may bring libraries along; their licences go with it. */
const licenses: Plugin = {
  name: "licenses",
  generateBundle(_options, bundle) {
    const chunks = Object.values(bundle).filter((output) => output.type === "chunk");
    const foreign = chunks.filter(({ moduleIds }) => packagesOf(moduleIds).length > 0);
    const misplaced = foreign.filter(({ fileName }) => !/^cli(\/|\.js$)/.test(fileName));
    if (misplaced.length > 0) throw new Error(`${misplaced.map((chunk) => chunk.fileName)} holds a library`);
    const packages = packagesOf(foreign.flatMap(({ moduleIds }) => moduleIds));
    if (packages.length === 0) return;
    const source = packages.map(licenseOf).join(`\n${"-".repeat(80)}\n\n`);
    this.emitFile({ type: "asset", fileName: LICENSES, source });
  },
};

/** What an earlier build left behind is removed at the end, so that dist/ is never without the files in use. */
function removeStale(began: number): void {
  for (const entry of readdirSync(DIST, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && !KEPT.includes(path) && statSync(path).mtimeMs < began) rmSync(path);
  }
}

const began = Date.now() - 1000;
process.once("exit", (code) => {
  if (code === 0 && existsSync(DIST)) removeStale(began);
});

const shared: UserConfig = {
  outDir: DIST,
  target: "es2022",
  platform: "node",
  fixedExtension: false,
  clean: false,
  hash: false,
  plugins: [places, licenses],
};

/** Chunks that are only for the program lie in a folder of their own. */
const chunkFileNames = (chunk: { name: string; moduleIds: string[] }) =>
  // A chunk of no modules passes on what lies in another.
  chunk.moduleIds.length > 0 && chunk.moduleIds.every((id) => /\/(ts\/cli|node_modules)\//.test(id))
    ? "cli/[name].js"
    : "[name].js";

/**
 * What every entry needs is one file: a page that takes dist/ as it is would wait for each of a dozen. Nothing that only some need is
 * among it, since bundlers put all that is used of a file where any of it is wanted.
 */
const codeSplitting = { groups: [{ name: "core", test: /\/ts\/core\/[\w-]+\.ts$/ }] };

export default defineConfig([
  {
    ...shared,
    entry: { ...files(entries), cli: "ts/cli.ts" },
    format: "esm",
    dts: true,
    outputOptions: { chunkFileNames, codeSplitting },
  },
  {
    ...shared,
    entry: files(entries.filter((name) => name !== "pq-wasm")),
    format: "cjs",
    dts: true,
    shims: true,
  },
  {
    ...shared,
    entry: files(["worker-host"]),
    format: "esm",
    dts: true,
    // One file, to be copied to where pages are served from: the stores too.
    outputOptions: { codeSplitting: false },
  },
  { ...shared, entry: files(["wasm-thread"]), format: "esm", dts: false },
]);
