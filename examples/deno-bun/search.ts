/**
 * The same program in Deno and in Bun, both of which run the WebAssembly core:
 *
 *     deno run --allow-read --allow-write examples/deno-bun/search.ts
 *     bun examples/deno-bun/search.ts
 */
import { VectorIndex } from "diskann";

const dimensions = 32;
const vectors = Float32Array.from({ length: 500 * dimensions }, (_, i) => Math.cos(i * i));

const index = await VectorIndex.build(vectors, { dimensions });
const query = vectors.slice(0, dimensions);
console.log(`${index.backend}, ${index.size} vectors, nearest: ${(await index.search(query))[0]?.id}`);

// The bytes are those of the file: keep them where you like, open them where you like.
const bytes = await index.toBytes();
await index.close();

const copy = await VectorIndex.open(bytes);
const { ok } = await copy.verify();
console.log(
  `${bytes.length} bytes, ${ok ? "undamaged" : "damaged"}, nearest: ${(await copy.search(query))[0]?.id}`,
);
await copy.close();
