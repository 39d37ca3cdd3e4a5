/** A page that is isolated from other origins builds on several threads; the bytes are those of one. */
import { VectorIndex } from "diskann";

const dimensions = 256;
let state = 1;
const vectors = Float32Array.from({ length: 4200 * dimensions }, () => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
});

async function bytesOn(threads) {
  const index = await VectorIndex.build(vectors, { dimensions, maxDegree: 16, buildListSize: 20, threads });
  const bytes = await index.toBytes();
  await index.close();
  return bytes;
}

globalThis.result = (async () => {
  const [one, three] = [await bytesOn(1), await bytesOn(3)];
  const same = one.length === three.length && one.every((byte, i) => byte === three[i]);
  return { isolated: crossOriginIsolated, same };
})();
