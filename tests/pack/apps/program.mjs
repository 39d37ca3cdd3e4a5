/** What every installation has to do, and to do alike: the answers and the bytes are compared between all of them. */

const DIMENSIONS = 24;
const ROWS = 1200;

/** Integers of a linear congruential generator: the same in every engine. */
function vectors() {
  const data = new Float32Array(DIMENSIONS * ROWS);
  let state = 1;
  for (let i = 0; i < data.length; i++) {
    state = (state * 48271) % 2147483647;
    data[i] = (state % 2001) - 1000;
  }
  return data;
}

/** FNV-1a. */
function hash(bytes) {
  let value = 0x811c9dc5;
  for (const byte of bytes) value = Math.imul(value ^ byte, 0x01000193) >>> 0;
  return value;
}

export async function program({ VectorIndex, DiskAnnError }) {
  const data = vectors();
  const phases = new Set();
  const index = await VectorIndex.build(data, {
    dimensions: DIMENSIONS,
    metric: "cosine",
    maxDegree: 16,
    onProgress: ({ phase }) => phases.add(phase),
  });
  const query = data.subarray(DIMENSIONS * 7, DIMENSIONS * 8);
  const hits = await index.search(query, { k: 5, searchListSize: 100 });
  const exact = await index.searchExact(query, { k: 5 });
  const bytes = await index.toBytes();
  const copy = await VectorIndex.open(bytes);
  const [added] = await copy.add([query]);
  const { ok } = await copy.verify();
  const failure = await VectorIndex.open(bytes.slice(0, 5000)).catch((error) => error);
  const { backend } = index;
  await copy.close();
  await index.close();
  return {
    backend,
    answers: {
      hits,
      sameAsExact: JSON.stringify(hits) === JSON.stringify(exact),
      hash: hash(bytes),
      bytes: bytes.length,
      added,
      ok,
      progress: phases.has("link"),
      failure: failure instanceof DiskAnnError ? failure.code : String(failure),
    },
  };
}
