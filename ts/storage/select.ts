/** Which storage serves a source or target. */
import type { BlobLike, FileHandleLike } from "../core/types.js";
import { fileSink, fileSource } from "./file.js";
import { type ByteSink, type ByteSource, blobSource, bytesSource, handleSink } from "./storage.js";

export type StorageSource =
  | { readonly kind: "path"; readonly path: string }
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  | { readonly kind: "blob"; readonly blob: BlobLike };
export type StorageTarget =
  | { readonly kind: "path"; readonly path: string }
  | { readonly kind: "handle"; readonly handle: FileHandleLike };

export async function openSource(source: StorageSource): Promise<ByteSource> {
  if (source.kind === "path") return fileSource(source.path);
  return source.kind === "bytes" ? bytesSource(source.bytes) : blobSource(source.blob);
}

export async function openSink(target: StorageTarget): Promise<ByteSink> {
  return target.kind === "path" ? fileSink(target.path) : handleSink(target.handle);
}
