/**
 * Where the bytes of an index may lie: memory, a file, a `Blob`, the browser's private file system (OPFS), IndexedDB, behind
 * HTTP. A store is read at many places at once; `storage.ts` has what reads or writes all of it in order.
 */
import type { AbortSignalLike } from "../core/types.js";
import type { ByteSource } from "./storage.js";

/** Bytes wanted: `into` is filled from `offset`. */
export interface PageRead {
  readonly offset: number;
  readonly into: Uint8Array;
}

/** What a reader plans its rounds by. */
export interface StoreCapabilities {
  readonly kind: "memory" | "file" | "blob" | "opfs" | "idb" | "http";
  /** Reads worth having under way at once. */
  readonly concurrency: number;
  /** A read of up to this many bytes costs as much as a smaller one. */
  readonly granularity: number;
  /** There is a `readSync`. */
  readonly synchronous: boolean;
  /** `openSink` can replace what lies there. */
  readonly writable: boolean;
}

export interface PageStore {
  /** In bytes; it does not change while the store is open. */
  readonly size: number;
  readonly capabilities: StoreCapabilities;
  /**
   * One round of reads, in any order, overlapping or not; many rounds may be under way. Rejects with `ERR_IO` when bytes are not
   * there or no longer those of the file that was opened. Buffers are borrowed until the promise settles.
   */
  read(requests: readonly PageRead[], signal?: AbortSignalLike): Promise<void>;
  readSync?(requests: readonly PageRead[]): void;
  /** Once, when no read is under way. */
  close(): Promise<void>;
}

/** Waits for all before it rejects with the first error: no buffer is written to after that. */
export async function settleAll(reads: readonly Promise<void>[]): Promise<void> {
  const settled = await Promise.allSettled(reads);
  const failed = settled.find((result) => result.status === "rejected");
  if (failed) throw failed.reason;
}

/** A store as something to be read once, from the beginning to the end. */
export function sourceOf(store: PageStore, signal?: AbortSignalLike): ByteSource {
  return {
    size: store.size,
    read: (offset, into) => store.read([{ offset, into }], signal),
    close: () => store.close(),
  };
}
