/** The same in TypeScript, with progress, a way out, and errors that have a code. */
import { DiskAnnError, type IndexOptions, type SearchHit, VectorIndex } from "diskann";

const options: IndexOptions = { dimensions: 64, metric: "cosine", maxDegree: 32, buildListSize: 100 };

/** Stands for what an embedding model returns. */
function embed(text: string): number[] {
  return Array.from({ length: options.dimensions }, (_, i) => Math.sin((i + 1) * (text.length + 1)));
}

/** Any iterable of vectors will do, an asynchronous one too: rows are copied as they come. */
async function* embedAll(texts: readonly string[]): AsyncGenerator<number[]> {
  for (const text of texts) yield embed(text);
}

export async function nearest(texts: readonly string[], question: string): Promise<readonly SearchHit[]> {
  const index = await VectorIndex.build(embedAll(texts), {
    ...options,
    signal: AbortSignal.timeout(60_000),
    onProgress: ({ phase, done, total }) => console.log(`${phase}: ${done} of ${total}`),
  });
  try {
    return await index.search(embed(question), { k: 3, searchListSize: 100 });
  } finally {
    await index.close();
  }
}

const texts = ["a", "to", "the", "with", "graph", "search", "nearest", "distance"];
for (const { id, distance } of await nearest(texts, "search")) console.log(texts[id], distance.toFixed(3));

try {
  const index = await VectorIndex.create(options);
  await index.search([1, 2, 3]);
} catch (error) {
  if (!(error instanceof DiskAnnError)) throw error;
  console.log(error.code);
}
