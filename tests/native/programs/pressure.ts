/** Opens large indexes and drops them, without ever calling the collector; prints the most it held, as JSON. */
import { VectorIndex } from "../../../ts/native.js";

const DIMENSIONS = 4096;
const ROWS = 1024;
const rows = new Float32Array(DIMENSIONS * ROWS).fill(1);
const bytes = DIMENSIONS * ROWS * 4;
const count = Number(process.argv[2]);

for (let i = 0; i < count; i++) {
  const index = await VectorIndex.create({ dimensions: DIMENSIONS, maxDegree: 4, buildListSize: 4 });
  await index.add(rows, { signal: AbortSignal.timeout(200) }).catch(() => {});
  await new Promise((resolve) => setImmediate(resolve));
}
const { maxRSS } = process.resourceUsage();
console.log(JSON.stringify({ peak: maxRSS * 1024, bytes: bytes * count }));
