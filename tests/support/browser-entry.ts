/** The browser entry as a page would ship it: one definition of what the size budget and the benchmark weigh. */
import { join } from "node:path";
import { type BuildOptions, build } from "esbuild";
import { repositoryRoot } from "./data.js";

/** Bundled and minified: what is loaded at once, without the chunks that wait until they are needed. */
export async function bundledAtOnce(input: BuildOptions): Promise<Buffer> {
  const { outputFiles, metafile } = await build({
    ...input,
    bundle: true,
    minify: true,
    splitting: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    external: ["node:*"],
    absWorkingDir: repositoryRoot(),
    outdir: join(repositoryRoot(), "build/sizes"),
    metafile: true,
    write: false,
    logLevel: "silent",
  });
  const loaded = new Set<string>();
  const load = (path: string): void => {
    if (loaded.has(path)) return;
    loaded.add(path);
    for (const { path: next, kind } of metafile.outputs[path]?.imports ?? []) {
      if (kind === "import-statement") load(next);
    }
  };
  const first = input.stdin ? "<stdin>" : "ts/wasm.ts";
  for (const [path, { entryPoint }] of Object.entries(metafile.outputs)) {
    if (entryPoint === first) load(path);
  }
  const files = outputFiles.filter(({ path }) => [...loaded].some((one) => path.endsWith(one)));
  if (files.length === 0) throw new Error("esbuild made no bundle of the browser entry");
  return Buffer.concat(files.map(({ contents }) => contents));
}

export function bundleBrowserEntry(): Promise<Uint8Array> {
  return bundledAtOnce({ entryPoints: [join(repositoryRoot(), "ts/wasm.ts")] });
}
