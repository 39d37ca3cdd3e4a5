/**
 * Makes a site that searches, of plain files: node examples/static-site/build.mjs [folder]
 * It is about the documentation of the installed packages. The index is built here, in Node; the page reads the parts it needs.
 */
import { cp, mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { argv } from "node:process";
import { fileURLToPath } from "node:url";
import { VectorIndex } from "diskann";
import { principalAxes, project } from "../text/axes.mjs";
import { LexicalEmbedder } from "../text/embedder.mjs";
import { readPackages, textOf } from "../text/packages.mjs";

const AXES = 96;
const here = (/** @type {string} */ path) => fileURLToPath(new URL(path, import.meta.url));
const folder = resolve(argv[2] ?? here("dist"));

const { passages } = await readPackages(here("../../node_modules"));
const embedder = new LexicalEmbedder(passages.map(textOf));
const vectors = passages.map((passage) => embedder.embed(textOf(passage)));
const axes = principalAxes(vectors, AXES);
const index = await VectorIndex.build(
  vectors.map((vector) => project(axes, vector)),
  // Codes of all vectors, which the page reads once: a search then reads few records.
  { dimensions: AXES, metric: "cosine", dataType: "f16", codes: "pq" },
);

await mkdir(folder, { recursive: true });
await cp(here("site"), folder, { recursive: true });
for (const name of ["axes", "embedder"]) await cp(here(`../text/${name}.mjs`), join(folder, `${name}.js`));
await cp(here("../../dist"), join(folder, "diskann"), { recursive: true });
await index.save(join(folder, "docs.diskann"));
await index.close();

// The texts are one file too, of which the page reads those that it shows: text i ends at ends[i].
const texts = passages.map(({ package: from, heading, text }) =>
  Buffer.from(JSON.stringify({ package: from, heading, text })),
);
let end = 0;
const ends = Uint32Array.from(texts, ({ length }) => {
  end += length;
  return end;
});
await writeFile(join(folder, "texts.bin"), Buffer.concat(texts));
await writeFile(join(folder, "ends.u32"), ends);
await writeFile(join(folder, "weights.u8"), embedder.weights);
await writeFile(join(folder, "axes.f32"), axes);
console.log(`${passages.length} passages in ${folder}`);
