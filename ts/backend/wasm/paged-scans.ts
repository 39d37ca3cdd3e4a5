/**
 * What reads an index in its store from the first page to the last: exact search, ids, audit, copy. Each is an operation with
 * requests of its own, beside whatever searches are under way.
 */
import type { VerifyReport } from "../../core/types.js";
import type { PageStore } from "../../storage/page-store.js";
import { openSink } from "../../storage/select.js";
import type { Control, CoreHits, CoreTarget } from "../backend.js";
import type { Core } from "./core.js";
import type { ByteHost } from "./drive.js";
import type { Address, CoreExports } from "./exchange.js";
import type { Kit } from "./index.js";

const FLOAT_BYTES = 4;
const ID_BYTES = 8;
const ERR_NOT_FOUND = -5;

export interface Scanned {
  readonly kit: Kit;
  readonly core: Core;
  readonly store: PageStore;
  readonly paged: Address;
  readonly size: number;
  readonly dimensions: number;
}

/** Begins an operation, drives it and takes its result. `area`: bytes in the module for what goes in and comes out. */
async function scan<Result>(
  { kit, core, store }: Scanned,
  control: Control,
  area: number,
  begin: (exports: CoreExports, at: Address) => number,
  take: (op: Address, at: Address) => Result,
  host: ByteHost = {},
): Promise<Result> {
  kit.throwIfAborted(control.signal);
  const read = (offset: number, into: Uint8Array): Promise<void> =>
    store.read([{ offset, into }], control.signal);
  const at = core.allocate(Math.max(area, ID_BYTES));
  try {
    const op = core.create((exports) => begin(exports, at));
    return await kit.operate(core, op, control, { host: { read, ...host } }, () => take(op, at));
  } finally {
    core.release(at);
  }
}

export function searchExact(
  of: Scanned,
  query: Float32Array,
  k: number,
  control: Control,
): Promise<CoreHits> {
  const { kit, core, paged, size } = of;
  const hits = kit.emptyHits(1, k);
  const area = Math.max(query.byteLength, k * (ID_BYTES + FLOAT_BYTES));
  const begin = (exports: CoreExports, at: Address): number => {
    core.refresh();
    core.f32.set(query, at / FLOAT_BYTES);
    return exports.paged_exact_begin(paged, at, k);
  };
  return scan(of, control, area, begin, (op, at) => {
    const distances = at + k * ID_BYTES;
    core.run((exports) => exports.exact_take(op, k, at, distances));
    hits.ids.set(core.f64.subarray(at / ID_BYTES, at / ID_BYTES + k));
    hits.distances.set(core.f32.subarray(distances / FLOAT_BYTES, distances / FLOAT_BYTES + k));
    return { ...hits, distanceComputations: size, hops: 0 };
  });
}

export function find(of: Scanned, id: number, control: Control): Promise<Float32Array | undefined> {
  const { kit, core, paged, dimensions } = of;
  const begin = (exports: CoreExports): number => exports.paged_find_begin(paged, id);
  return scan(of, control, dimensions * FLOAT_BYTES, begin, (op, at) => {
    const status = core.run((exports) => exports.paged_find_take(op, at));
    if (status === ERR_NOT_FOUND) return undefined;
    if (status < 0) throw kit.statusError(status);
    return core.f32.slice(at / FLOAT_BYTES, at / FLOAT_BYTES + dimensions);
  });
}

export async function verify(of: Scanned, control: Control): Promise<VerifyReport> {
  const { readFindings } = await import("./verify.js");
  const begin = (exports: CoreExports): number => exports.paged_verify_begin(of.paged);
  return scan(of, control, 0, begin, (op) => readFindings(of.core, op));
}

function copy(of: Scanned, control: Control, host: ByteHost): Promise<void> {
  return scan(
    of,
    control,
    0,
    (exports) => exports.paged_copy_begin(of.paged),
    () => {},
    host,
  );
}

export async function save(of: Scanned, target: CoreTarget, control: Control): Promise<void> {
  const { kit, store } = of;
  kit.throwIfAborted(control.signal);
  const sink = await openSink(target, store.size);
  try {
    await copy(of, control, {
      write: (offset, bytes) => sink.write(offset, bytes),
      sync: () => sink.sync(),
    });
  } catch (error) {
    await sink.abort(error);
    throw error;
  }
  await sink.commit();
}

export async function toBytes(of: Scanned, control: Control): Promise<Uint8Array> {
  const { kit, store } = of;
  const bytes = kit.allocate(store.size, () => new Uint8Array(store.size));
  await copy(of, control, { write: async (offset, piece) => bytes.set(piece, offset) });
  return bytes;
}
