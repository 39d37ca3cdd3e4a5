/** The browser entry as a page would ship it: one definition of what the size budget and the benchmark weigh. */
import { basename, join } from "node:path";
import { type BuildOptions, build } from "esbuild";
import { repositoryRoot } from "./data.js";

/**
 * What a page loads at once of a bundle with one entry: the entry and what it imports, not what it may import() later. One
 * part after the other.
 */
export async function loadedAtOnce(options: BuildOptions): Promise<Uint8Array> {
  const { outputFiles, metafile } = await build({
    bundle: true,
    minify: true,
    splitting: true,
    format: "esm",
    platform: "browser",
    outdir: "out",
    write: false,
    metafile: true,
    logLevel: "silent",
    ...options,
  });
  const outputs = Object.entries(metafile?.outputs ?? {});
  const later = outputs.flatMap(([, { imports }]) => imports.filter(({ kind }) => kind === "dynamic-import"));
  const isEntry = (path: string): boolean => !later.some((one) => one.path === path);
  const wanted = new Set(
    outputs.flatMap(([path, { entryPoint }]) => (entryPoint && isEntry(path) ? path : [])),
  );
  // Grows while it is gone through.
  for (const path of wanted)
    for (const one of metafile?.outputs[path]?.imports ?? [])
      if (one.kind === "import-statement" && !one.external) wanted.add(one.path);
  const names = new Set([...wanted].map((path) => basename(path)));
  const parts = (outputFiles ?? []).filter(({ path }) => names.has(basename(path)));
  if (parts.length === 0) throw new Error("esbuild made no bundle");
  return Buffer.concat(parts.map(({ contents }) => contents));
}

/** Bundled and minified. */
export function bundleBrowserEntry(): Promise<Uint8Array> {
  return loadedAtOnce({
    entryPoints: [join(repositoryRoot(), "ts/wasm.ts")],
    target: "es2022",
    external: ["node:*"],
  });
}
