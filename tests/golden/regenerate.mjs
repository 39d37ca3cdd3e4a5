/*
 * Writes the hashes of tests/golden/index.json and pq.json anew with the WebAssembly build:
 *
 *     node tests/golden/regenerate.mjs [diskann.wasm]
 *
 * Only for a change that is meant to change the bytes of indexes - the layout, the graph, the order of insertion - and
 * the commit says which and why. Where the tests find other bytes than the file says, the code is wrong, not the file.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("../../", import.meta.url));
const outdir = join(root, "build/golden");
await build({
  entryPoints: {
    wasm: join(root, "ts/wasm.ts"),
    pq: join(root, "ts/pq-wasm.ts"),
    recipe: join(root, "tests/golden/recipe.ts"),
  },
  outdir,
  bundle: true,
  format: "esm",
  platform: "node",
  outExtension: { ".js": ".mjs" },
});
const { VectorIndex } = await import(pathToFileURL(join(outdir, "wasm.mjs")).href);
const { ProductQuantizer } = await import(pathToFileURL(join(outdir, "pq.mjs")).href);
const { fnv1a64, goldenRows, hexDigest, quantizerBytes, typeOptions } = await import(
  pathToFileURL(join(outdir, "recipe.mjs")).href
);

const path = join(root, "tests/golden/index.json");
const golden = JSON.parse(readFileSync(path, "utf8"));
const wasmUrl = pathToFileURL(process.argv[2] ?? join(root, "dist/diskann.wasm"));
for (const recipe of golden.indexes) {
  const { dimensions, rows, added, metric, dataType, codes, maxDegree, buildListSize, alpha, seed } = recipe;
  const flat = goldenRows(rows + added, dimensions, dataType);
  const type = typeOptions(dataType);
  const options = { dimensions, metric, ...type, codes, maxDegree, buildListSize, alpha, seed, wasmUrl };
  const index = await VectorIndex.build(flat.subarray(0, rows * dimensions), options);
  if (added > 0) await index.add(flat.subarray(rows * dimensions));
  const bytes = await index.toBytes();
  const { ok } = await index.verify();
  if (!ok) throw new Error(`${recipe.name}: the index does not verify`);
  await index.close();
  recipe.bytes = bytes.length;
  recipe.sha256 = await hexDigest(bytes);
  recipe.fnv1a64 = fnv1a64(bytes);
}
writeFileSync(path, `${JSON.stringify(golden, null, 2)}\n`);

const pqPath = join(root, "tests/golden/pq.json");
const pqGolden = JSON.parse(readFileSync(pqPath, "utf8"));
for (const recipe of pqGolden.quantizers) {
  const { dimensions, rows, chunks, centroids, iterations, sampleRows: sampleSize, center, seed } = recipe;
  const flat = goldenRows(rows, dimensions);
  const options = { dimensions, chunks, centroids, iterations, sampleSize, center, seed, wasmUrl };
  const quantizer = await ProductQuantizer.train(flat, options);
  recipe.fnv1a64 = fnv1a64(quantizerBytes(recipe, await quantizer.toBytes(), await quantizer.encode(flat)));
  await quantizer.close();
}
writeFileSync(pqPath, `${JSON.stringify(pqGolden, null, 2)}\n`);
