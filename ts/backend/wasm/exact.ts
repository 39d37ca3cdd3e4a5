/** The true nearest of an index. In a chunk of its own: few pages ask. */
import type { Control, CoreHits } from "../backend.js";
import type { Core } from "./core.js";
import type { operate } from "./drive.js";
import type { Address } from "./exchange.js";

const ID_BYTES = 8;
const FLOAT_BYTES = 4;

/** Fills the row `hits`. */
export async function exactHits(
  core: Core,
  index: Address,
  query: Float32Array,
  hits: { readonly ids: Float64Array; readonly distances: Float32Array },
  run: typeof operate,
  control: Control,
): Promise<CoreHits> {
  const { length: k } = hits.ids;
  const area = core.allocate(Math.max(query.byteLength, k * (ID_BYTES + FLOAT_BYTES)));
  try {
    core.f32.set(query, area / FLOAT_BYTES);
    const op = core.create((exports) => exports.exact_begin(index, area, k));
    return await run(core, op, control, {}, () => {
      const distances = area + k * ID_BYTES;
      core.run((exports) => exports.exact_take(op, k, area, distances));
      hits.ids.set(core.f64.subarray(area / ID_BYTES, area / ID_BYTES + k));
      hits.distances.set(core.f32.subarray(distances / FLOAT_BYTES, distances / FLOAT_BYTES + k));
      const distanceComputations = core.run((exports) => exports.index_size(index));
      return { ...hits, distanceComputations, hops: 0 };
    });
  } finally {
    core.release(area);
  }
}
