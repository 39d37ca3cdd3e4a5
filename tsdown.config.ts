/* Bundles ts/ into dist/: ESM, CommonJS and declarations for every entry; the CLI and the worker's host as files of
   their own. Nothing is minified: that is for whoever bundles it next. */
import { readFileSync } from "node:fs";
import { defineConfig, type UserConfig } from "tsdown";

const entries = ["index", "wasm", "native", "inline", "worker"];
const files = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, `ts/${name}.ts`]));

/** What only the build knows: how far the module is, and its bytes for the entry that carries them. */
const wasmInPlace = {
  name: "wasm-in-place",
  transform(code: string, id: string): string | undefined {
    if (id.endsWith("/ts/wasm-file.ts")) return code.replace("../dist/diskann.wasm", "./diskann.wasm");
    if (!id.endsWith("/ts/inline.ts")) return undefined;
    return code.replace("__DISKANN_WASM_BASE64__", readFileSync("dist/diskann.wasm", "base64"));
  },
};

const shared: UserConfig = {
  outDir: "dist",
  target: "es2022",
  platform: "neutral",
  fixedExtension: false,
  clean: false,
  hash: false,
  treeshake: true,
  plugins: [wasmInPlace],
};

export default defineConfig([
  { ...shared, entry: files(entries), format: "esm", dts: true },
  { ...shared, entry: files(entries), format: "cjs", dts: true, shims: true },
]);
