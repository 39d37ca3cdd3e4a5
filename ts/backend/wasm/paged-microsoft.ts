/** How the opening of a disk index of Microsoft's begins: its codes go into the module, from a store of their own. */
import { openStore } from "../../storage/select.js";
import type { Control, MicrosoftParts } from "../backend.js";
import type { Core } from "./core.js";
import type { Address } from "./exchange.js";
import type { Kit } from "./index.js";
import { createPq } from "./pq-parts.js";

const SLICE_BYTES = 2 ** 20;
const HEAD_BYTES = 8;

async function giveCodes(
  kit: Kit,
  core: Core,
  op: Address,
  { codes, count, pivots }: MicrosoftParts,
  { signal }: Control,
): Promise<void> {
  const rows = Math.max(1, Math.floor(SLICE_BYTES / pivots.chunks));
  const store = await openStore(codes, signal);
  const area = core.allocate(rows * pivots.chunks);
  try {
    for (let row = 0; row < count; row += rows) {
      const some = Math.min(rows, count - row);
      const slice = new Uint8Array(some * pivots.chunks);
      await store.read([{ offset: HEAD_BYTES + row * pivots.chunks, into: slice }], signal);
      core.refresh();
      core.u8.set(slice, area);
      const status = core.run((exports) => exports.paged_microsoft_codes(op, area, some));
      if (status < 0) throw kit.statusError(status, "a code names a centroid that there is not");
    }
  } finally {
    core.release(area);
    await store.close();
  }
}

/** The operation that opens it; whoever drives it ends it. */
export async function beginMicrosoft(
  kit: Kit,
  core: Core,
  fileBytes: number,
  cacheBytes: number,
  parts: MicrosoftParts,
  control: Control,
): Promise<Address> {
  const { dataType, metric, count, pivots } = parts;
  const pq = createPq(core, pivots);
  let op: Address;
  try {
    op = core.create((exports) =>
      exports.paged_microsoft_begin(fileBytes, dataType, metric, count, pq, cacheBytes),
    );
  } finally {
    if (core.whole) core.run((exports) => exports.pq_destroy(pq));
  }
  try {
    await giveCodes(kit, core, op, parts, control);
    return op;
  } catch (error) {
    if (core.whole) core.run((exports) => exports.op_end(op));
    throw error;
  }
}
