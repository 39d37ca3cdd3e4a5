/** Bundles the suite for runtimes that are not Node; the library itself is loaded as it is shipped, from dist/. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { repositoryRoot } from "../support/data.js";

export const ROOT = repositoryRoot();
export const DIST = join(ROOT, "dist");

/** Where the bundles lie: program.mjs, page.mjs. Each run has its own, so that runs side by side do not meet. */
export async function bundleSuite(name: string): Promise<string> {
  const outdir = join(ROOT, "build/conformance", name);
  mkdirSync(outdir, { recursive: true });
  const shared = {
    bundle: true,
    outdir,
    format: "esm",
    outExtension: { ".js": ".mjs" },
    logLevel: "error",
  } as const;
  await build({ ...shared, entryPoints: [join(ROOT, "tests/runtimes/program.ts")], platform: "node" });
  await build({ ...shared, entryPoints: [join(ROOT, "tests/runtimes/page.ts")], platform: "browser" });
  return outdir;
}
