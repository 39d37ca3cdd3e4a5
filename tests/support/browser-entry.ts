/** The browser entry as a page would ship it: one definition of what the size budget and the benchmark weigh. */
import { join } from "node:path";
import { build } from "esbuild";
import { repositoryRoot } from "./data.js";

/** Bundled and minified. */
export async function bundleBrowserEntry(): Promise<Uint8Array> {
  const { outputFiles } = await build({
    entryPoints: [join(repositoryRoot(), "ts/wasm.ts")],
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    external: ["node:*"],
    write: false,
    logLevel: "silent",
  });
  const script = outputFiles[0]?.contents;
  if (!script) throw new Error("esbuild made no bundle of the browser entry");
  return script;
}
