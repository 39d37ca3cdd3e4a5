/** From vectors to answers, to a file, and back. Run it: node examples/node-quickstart/quickstart.mjs */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { VectorIndex } from "diskann";

// 1,000 vectors of 64 numbers, row after row: in a real program they come from an embedding model.
const dimensions = 64;
const vectors = Float32Array.from({ length: 1000 * dimensions }, (_, i) => Math.sin(i * i));

// Build from all that is there: the best graph, the fastest way. Ids are row numbers unless you give your own.
const index = await VectorIndex.build(vectors, { dimensions, metric: "cosine" });

// The ten nearest to row 42: itself first, at distance 0 or a rounding error away from it.
const query = vectors.subarray(42 * dimensions, 43 * dimensions);
const hits = await index.search(query, { k: 10 });
console.log("nearest:", hits[0]);

// Add later what comes later.
const [id] = await index.add([query], { ids: [1_000_000] });
console.log("added:", id, "size:", index.size);

// Many queries in one call, on all cores.
const batch = await index.searchBatch(vectors.subarray(0, 100 * dimensions), { k: 3 });
console.log("nearest to row 7:", batch.hits(7)[0]?.id);

// How good is the graph? Compare with brute force.
const truth = new Set((await index.searchExact(query, { k: 10 })).map((hit) => hit.id));
const found = (await index.search(query, { k: 10 })).filter((hit) => truth.has(hit.id)).length;
console.log(`recall@10: ${found / 10}`);

// One file; the same bytes open in Node, in a browser, in Deno and in Bun.
const folder = await mkdtemp(join(tmpdir(), "quickstart-"));
await index.save(join(folder, "vectors.diskann"));
await index.close();

const again = await VectorIndex.open(join(folder, "vectors.diskann"));
console.log("opened:", again.size, "vectors, backend:", again.backend);
await again.close();
await rm(folder, { recursive: true });
