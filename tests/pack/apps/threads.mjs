/**
 * A page that is isolated from other origins builds and searches on several threads, by itself and from a worker; bytes and answers are
 * those of one.
 */
import { VectorIndex } from "diskann";
import { VectorIndex as InWorker } from "diskann/worker";

const dimensions = 256;
let state = 1;
const vectors = Float32Array.from({ length: 4200 * dimensions }, () => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
});

const equal = (a, b) => a.length === b.length && a.every((value, i) => value === b[i]);

async function workOn(threads, Index = VectorIndex) {
  const index = await Index.build(vectors, { dimensions, maxDegree: 16, buildListSize: 20, threads });
  const bytes = await index.toBytes();
  const queries = vectors.subarray(0, 2000 * dimensions);
  const { ids, distances } = await index.searchBatch(queries, { k: 3, searchListSize: 20, threads });
  await index.close();
  return { bytes, ids, distances };
}

globalThis.result = (async () => {
  const [one, ...others] = [await workOn(1), await workOn(3), await workOn(3, InWorker)];
  const same = ["bytes", "ids", "distances"].every((what) =>
    others.every((other) => equal(one[what], other[what])),
  );
  return { isolated: crossOriginIsolated, same };
})();
