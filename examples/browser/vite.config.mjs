/**
 * The page, served while you edit it: npx vite examples/browser
 * or built:                           npx vite build examples/browser
 */
import { fileURLToPath } from "node:url";
import { VectorIndex } from "diskann";
import { defineConfig } from "vite";
import { principalAxes, project } from "../text/axes.mjs";
import { LexicalEmbedder } from "../text/embedder.mjs";
import { readPackages, textOf } from "../text/packages.mjs";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const AXES = 96;
const FILE = "passages.diskann";
const INDEX = /** @type {const} */ ({ metric: "cosine", dataType: "f16", codes: "pq" });
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

/** What the page searches, read when it is built. */
async function readTexts() {
  const wanted = new Set([...PACKAGES, ...MORE]);
  const all = (await readPackages(`${ROOT}node_modules`)).passages.filter((one) => wanted.has(one.package));
  const passages = all.map(({ package: from, heading, text }) => ({ package: from, heading, text }));
  const embedder = new LexicalEmbedder(all.map(textOf));
  const vectors = all.map((passage) => embedder.embed(textOf(passage)));
  const axes = principalAxes(vectors, AXES);
  return { passages, axes, rows: vectors.map((vector) => project(axes, vector)) };
}

/** `virtual:passages`, and beside the page `passages.diskann`, an index that is built here, in Node. */
function passages() {
  const name = "virtual:passages";
  /** @type {ReturnType<typeof readTexts> | undefined} */
  let reading;
  const texts = () => {
    reading ??= readTexts();
    return reading;
  };
  const buildIndex = async () => {
    const index = await VectorIndex.build((await texts()).rows, { ...INDEX, dimensions: AXES });
    const bytes = await index.toBytes();
    await index.close();
    return bytes;
  };
  return {
    name: "passages",
    resolveId: (/** @type {string} */ id) => (id === name ? `\0${name}` : undefined),
    load: async (/** @type {string} */ id) => {
      if (id !== `\0${name}`) return undefined;
      const { passages: list, axes } = await texts();
      const text = JSON.stringify(JSON.stringify(list));
      return `export const passages = JSON.parse(${text}); export const axes = [${axes.join()}];`;
    },
    /** @this {import("rolldown").PluginContext} */
    async generateBundle() {
      this.emitFile({ type: "asset", fileName: FILE, source: await buildIndex() });
    },
    configureServer: (/** @type {import("vite").ViteDevServer} */ server) => {
      server.middlewares.use(`/${FILE}`, async (_request, response) => response.end(await buildIndex()));
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
