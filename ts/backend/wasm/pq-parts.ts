/** A quantiser of its parts, in an instance: by itself, or on its way into an index. */
import type { PqParts } from "../pq.js";
import type { Core } from "./core.js";
import type { Address, CoreExports } from "./exchange.js";

export function createPq(core: Core, parts: PqParts): Address {
  const { dimensions, chunks, centroids, offsets, pivots, centre } = parts;
  const area = core.allocate(pivots.byteLength + centre.byteLength + offsets.byteLength);
  try {
    const at = area + pivots.byteLength + centre.byteLength;
    core.f32.set(pivots, area / 4);
    core.f32.set(centre, (area + pivots.byteLength) / 4);
    core.u8.set(new Uint8Array(offsets.buffer, offsets.byteOffset, offsets.byteLength), at);
    const make = (exports: CoreExports): number =>
      exports.pq_create(dimensions, chunks, centroids, at, area, area + pivots.byteLength);
    return core.create(make);
  } finally {
    core.release(area);
  }
}
