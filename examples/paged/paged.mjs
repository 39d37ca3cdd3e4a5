/** Searching a file ten times larger than the memory given to it. Run it: node examples/paged/paged.mjs */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { VectorIndex } from "diskann/wasm";

const megabytes = (bytes = 0) => `${(bytes / 1e6).toFixed(1)} MB`;

// 8,000 vectors of 64 numbers around 200 centres: in a real program they come from an embedding model.
const dimensions = 64;
let state = 1;
const random = () => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
};
const centres = Float32Array.from({ length: 200 * dimensions }, random);
const vectors = Float32Array.from({ length: 8000 * dimensions }, (_, i) => {
  const centre = Math.floor(i / dimensions) % 200;
  return (centres[centre * dimensions + (i % dimensions)] ?? 0) + random() / 2;
});

// Codes of the neighbours in each record are what makes a search of the file possible.
const folder = await mkdtemp(join(tmpdir(), "paged-"));
const path = join(folder, "vectors.diskann");
const built = await VectorIndex.build(vectors, { dimensions, codes: "1bit", buildListSize: 50 });
await built.save(path);
const { fileBytes, pageBytes } = built.stats().layout;

// Memory holds a tenth of the pages; the others are read when a search wants them.
const cacheBytes = Math.floor(fileBytes / 10);
const index = await VectorIndex.open(path, { mode: "paged", cacheBytes });
console.log(`file: ${megabytes(fileBytes)} in pages of ${pageBytes} bytes`);

const queries = vectors.subarray(0, 200 * dimensions);
const { counters } = await index.searchBatch(queries, { k: 10 });
const aQuery = (sum = 0) => (sum / 200).toFixed(1);
console.log(`reads: ${aQuery(counters?.reads)} a query, in ${aQuery(counters?.rounds)} rounds`);

const { cache, memory, search } = index.stats();
console.log(`memory: ${megabytes(memory.total)}, of which ${megabytes(cache?.bytes)} are cache`);

// The answers are those of the index in memory, to the bit, where the options of the search are the same.
const query = queries.subarray(0, dimensions);
const hits = await index.search(query, { k: 10, counters: true });
const same = await built.search(query, { k: 10, ...search });
console.log("same answers as in memory:", JSON.stringify(hits) === JSON.stringify(same));
console.log("one search:", hits.counters);

await index.close();
await built.close();
await rm(folder, { recursive: true });
