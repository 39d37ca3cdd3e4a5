/** A `Blob` or `File`, read slice by slice: on any thread, in many tabs at once. */
import { DiskAnnError } from "../core/errors.js";
import type { BlobLike } from "../core/types.js";
import { coalesce, type Range, scatter } from "./coalesce.js";
import { type PageStore, type StoreCapabilities, settleAll } from "./page-store.js";
import { ioError } from "./storage.js";

/** A slice costs a message to another process, whatever its length. */
const GRANULARITY = 65536;
const SLICE_BYTES_MAX = 2 ** 22;

/** `name`: what messages call it; `more`: what a file of another kind of place is beside a blob. */
export function blobStore(
  blob: BlobLike,
  name = "the blob",
  more: Partial<StoreCapabilities> = {},
): PageStore {
  const readRange = async (range: Range): Promise<void> => {
    const end = range.offset + range.length;
    const slice = await blob
      .slice(range.offset, end)
      .arrayBuffer()
      .catch((cause: unknown) => Promise.reject(ioError(`cannot read ${name}`, cause)));
    if (slice.byteLength !== range.length)
      throw new DiskAnnError("ERR_IO", `${name} ends before byte ${end}`);
    scatter(range, new Uint8Array(slice));
  };
  return {
    size: blob.size,
    capabilities: {
      ...{ kind: "blob", concurrency: 4, granularity: GRANULARITY, synchronous: false, writable: false },
      ...more,
    },
    read: async (requests, signal) => {
      if (signal?.aborted) throw signal.reason;
      await settleAll(coalesce(requests, GRANULARITY / 4, SLICE_BYTES_MAX).map(readRange));
    },
    close: async () => {},
  };
}
