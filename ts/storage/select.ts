/** Which storage serves a source or target. What is not needed everywhere is loaded when it is. */
import type { AbortSignalLike, BlobLike, FileHandleLike } from "../core/types.js";
import type { Needed } from "./browser.js";
import { bytesStore } from "./memory.js";
import { type PageStore, sourceOf } from "./page-store.js";
import type { ByteSink, ByteSource } from "./storage.js";

/** A place of the browser's: a path within OPFS with no slash in front, or the name of an index in IndexedDB. */
export interface BrowserPlace {
  readonly kind: "opfs" | "idb";
  readonly name: string;
}

export type StorageSource =
  | { readonly kind: "path"; readonly path: string }
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  | { readonly kind: "blob"; readonly blob: BlobLike }
  /** `keepBytes`: what a store may keep of it here, for the next time. */
  | { readonly kind: "http"; readonly url: string; readonly keepBytes?: number }
  | BrowserPlace;
export type StorageTarget =
  | { readonly kind: "path"; readonly path: string }
  | { readonly kind: "handle"; readonly handle: FileHandleLike; readonly inMemory?: boolean }
  | BrowserPlace;

/** For reads at many places. */
export async function openStore(source: StorageSource, signal?: AbortSignalLike): Promise<PageStore> {
  switch (source.kind) {
    case "path":
      return (await import("./file.js")).fileStore(source.path);
    case "bytes":
      return bytesStore(source.bytes);
    case "blob":
      return (await import("./blob.js")).blobStore(source.blob);
    case "opfs":
      return (await import("./opfs.js")).opfsStore(source.name);
    case "idb":
      return (await import("./idb.js")).idbStore(source.name);
    case "http":
      if (source.keepBytes)
        return (await import("./kept.js")).keptStore(source.url, source.keepBytes, signal);
      return (await import("./http.js")).httpStore(source.url, signal);
  }
}

/** For reading all of it once. */
export async function openSource(source: StorageSource, signal?: AbortSignalLike): Promise<ByteSource> {
  if (source.kind === "http") return (await import("./http.js")).httpSource(source.url, signal);
  return sourceOf(await openStore(source, signal), signal);
}

export async function openSink(target: StorageTarget, bytes: Needed): Promise<ByteSink> {
  switch (target.kind) {
    case "path":
      return (await import("./file.js")).fileSink(target.path);
    case "handle":
      return (await import("./handle.js")).handleSink(target.handle);
    case "opfs":
      return (await import("./opfs.js")).opfsSink(target.name, bytes);
    case "idb":
      return (await import("./idb.js")).idbSink(target.name, bytes);
  }
}
