/**
 * The page, served while you edit it: npx vite examples/browser
 * or built:                           npx vite build examples/browser
 */
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";
import { readPackages } from "../text/packages.mjs";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const PACKAGES = ["commander", "vite", "vitest", "typescript", "esbuild", "playwright-core", "cli-progress"];
const MORE = [
  "node-gyp",
  "node-addon-api",
  "fast-check",
  "undici",
  "chokidar",
  "lru-cache",
  "debug",
  "chalk",
];

/** `virtual:passages`: what the page searches, read when it is built. */
function passages() {
  const name = "virtual:passages";
  return {
    name: "passages",
    resolveId: (/** @type {string} */ id) => (id === name ? `\0${name}` : undefined),
    load: async (/** @type {string} */ id) => {
      if (id !== `\0${name}`) return undefined;
      const wanted = new Set([...PACKAGES, ...MORE]);
      const all = (await readPackages(`${ROOT}node_modules`)).passages;
      const list = all
        .filter((passage) => wanted.has(passage.package))
        .map(({ package: from, heading, text }) => ({ package: from, heading, text }));
      return `export default JSON.parse(${JSON.stringify(JSON.stringify(list))})`;
    },
  };
}

export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  base: "./",
  plugins: [passages()],
  server: { fs: { allow: [ROOT] } },
  build: {
    target: "es2022",
    outDir: `${ROOT}build/browser-example`,
    emptyOutDir: true,
    chunkSizeWarningLimit: 2000, // the texts are in it
  },
});
