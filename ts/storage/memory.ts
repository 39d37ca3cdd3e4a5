/** Bytes in memory; they are not copied. */
import { DiskAnnError } from "../core/errors.js";
import type { PageRead, PageStore } from "./page-store.js";

export function bytesStore(bytes: Uint8Array): PageStore {
  const size = bytes.byteLength;
  const readSync = (requests: readonly PageRead[]): void => {
    for (const { offset, into } of requests) {
      if (bytes.byteLength !== size)
        throw new DiskAnnError("ERR_IO", "the bytes were transferred or resized while reading");
      if (offset + into.byteLength > size)
        throw new DiskAnnError("ERR_IO", "a read past the end of the bytes");
      into.set(bytes.subarray(offset, offset + into.byteLength));
    }
  };
  return {
    size,
    capabilities: { kind: "memory", concurrency: 1, granularity: 4096, synchronous: true, writable: false },
    read: async (requests) => readSync(requests),
    readSync,
    close: async () => {},
  };
}
