/**
 * What crosses between a page and its worker: structured clones, buffers transferred where nobody keeps them.
 *
 * The page calls, the worker answers. While a call is under way the worker may ask the page for bytes of its source or
 * to write to its target: blobs, handles and the user's own bytes never leave the page whole.
 */
import { DiskAnnError } from "../core/errors.js";
import type { ErrorCode, ProgressEvent, Simd } from "../core/types.js";
import type { StorageSource } from "../storage/select.js";

export type Request =
  | { readonly type: "hello" }
  | {
      readonly type: "call";
      readonly call: number;
      readonly method: string;
      readonly args: readonly unknown[];
    }
  | { readonly type: "abort"; readonly call: number }
  | { readonly type: "answer"; readonly ask: number; readonly value?: unknown; readonly error?: WireError };

export type Reply =
  | { readonly type: "hello" }
  | { readonly type: "result"; readonly call: number; readonly value: unknown }
  | { readonly type: "error"; readonly call: number; readonly error: WireError }
  | { readonly type: "progress"; readonly call: number; readonly event: ProgressEvent }
  | Ask;

/** From the worker to what the page holds for a call. */
export interface Ask {
  readonly type: "ask";
  readonly ask: number;
  readonly call: number;
  readonly method: "read" | "begin" | "write" | "commit" | "abort";
  readonly offset?: number;
  readonly length?: number;
  readonly bytes?: Uint8Array;
}

/** What the worker says of itself once its backend is loaded. */
export interface Started {
  readonly name: "native" | "wasm";
  readonly simd: Simd;
}

/** A source or target as the worker sees it. */
export type RemotePlace =
  | Exclude<StorageSource, { readonly kind: "bytes" | "blob" }>
  /** The page holds it: bytes are asked for. */
  | { readonly kind: "page"; readonly size: number };

export interface WireError {
  readonly code: ErrorCode | undefined;
  readonly message: string;
  readonly row: number | undefined;
  readonly page: number | undefined;
  readonly added: number | undefined;
}

export function packError(error: unknown): WireError {
  const ours = error instanceof DiskAnnError ? error : undefined;
  const message = error instanceof Error ? error.message : String(error);
  return { code: ours?.code, message, row: ours?.row, page: ours?.page, added: ours?.added };
}

export function unpackError(wire: WireError): Error {
  if (wire.code === undefined) return new Error(wire.message);
  const error = new DiskAnnError(wire.code, wire.message);
  if (wire.row !== undefined) error.row = wire.row;
  if (wire.page !== undefined) error.page = wire.page;
  if (wire.added !== undefined) error.added = wire.added;
  return error;
}

/** Buffers that can move instead of being copied: those of typed arrays that span them. */
export function movable(value: unknown): ArrayBuffer[] {
  const parts: unknown[] =
    typeof value === "object" && value !== null && !ArrayBuffer.isView(value)
      ? Object.values(value)
      : [value];
  const buffers = new Set<ArrayBuffer>();
  for (const part of parts) {
    if (!ArrayBuffer.isView(part) || !(part.buffer instanceof ArrayBuffer)) continue;
    if (part.byteLength === part.buffer.byteLength) buffers.add(part.buffer);
  }
  return [...buffers];
}
