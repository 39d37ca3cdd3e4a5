/** What a source or target is: told by shape, because classes differ between realms and runtimes. */
import type { CoreSource, CoreTarget } from "../backend/backend.js";
import { describe, invalid } from "../core/checks.js";
import { DiskAnnError } from "../core/errors.js";
import { nodeModule } from "../core/node.js";
import type { BlobLike, FileHandleLike, UrlLike } from "../core/types.js";
import { hasFileSystem, ioError } from "../storage/storage.js";

const SCHEME = /^([a-z][a-z0-9+.-]+):/i;

/** A place in words the caller can act on. */
function unsupported(scheme: string, verb: "open" | "save"): DiskAnnError {
  const instead: Record<string, string> = {
    open: `fetch the bytes and pass them: VectorIndex.open(await (await fetch(url)).arrayBuffer())`,
    save: `use toBytes() and send the bytes yourself`,
  };
  if (scheme === "opfs" || scheme === "idb") {
    return new DiskAnnError(
      "ERR_UNSUPPORTED",
      `${scheme}: is not supported yet: ${verb} a FileSystemFileHandle${verb === "open" ? ", a Blob or bytes" : " or use toBytes()"}`,
    );
  }
  return new DiskAnnError("ERR_UNSUPPORTED", `cannot ${verb} ${scheme}: addresses yet: ${instead[verb]}`);
}

function noFileSystem(verb: "open" | "save"): DiskAnnError {
  const instead =
    verb === "open"
      ? "pass bytes, a Blob or a FileSystemFileHandle"
      : "pass a FileSystemFileHandle, or use toBytes()";
  return new DiskAnnError("ERR_UNSUPPORTED", `paths need a file system, which is not here: ${instead}`);
}

/** A path or the address of a file; the promise is of the path. */
type Place = { readonly path: string } | { readonly url: string };

function placeOf(text: string, verb: "open" | "save"): Place {
  // One letter before the colon is a drive of Windows, not a scheme.
  const scheme = SCHEME.exec(text)?.[1]?.toLowerCase();
  if (
    scheme !== undefined &&
    scheme !== "file" &&
    (/:\/\//.test(text) || ["opfs", "idb", "blob", "data"].includes(scheme))
  ) {
    throw unsupported(scheme, verb);
  }
  if (text === "") throw invalid(`cannot ${verb} "": give a path`);
  if (text.includes("\0")) throw invalid(`a path must not hold a zero character`);
  if (!hasFileSystem()) throw noFileSystem(verb);
  return scheme === "file" ? { url: text } : { path: text };
}

async function pathOf(place: Place): Promise<string> {
  if ("path" in place) return place.path;
  const { fileURLToPath } = await nodeModule("node:url");
  try {
    return fileURLToPath(place.url);
  } catch (cause) {
    throw ioError(`not the address of a file: ${place.url}`, cause);
  }
}

function isUrl(value: object): value is UrlLike {
  const { href, protocol } = value as Partial<UrlLike>;
  return typeof href === "string" && typeof protocol === "string";
}

function isHandle(value: object): value is FileHandleLike {
  const { kind, getFile } = value as Partial<FileHandleLike>;
  return kind === "file" && typeof getFile === "function";
}

function isBlob(value: object): value is BlobLike {
  const { size, slice, arrayBuffer } = value as Partial<BlobLike>;
  return typeof size === "number" && typeof slice === "function" && typeof arrayBuffer === "function";
}

function bytesOf(value: object): Uint8Array | undefined {
  const brand = (value as { [Symbol.toStringTag]?: string })[Symbol.toStringTag];
  if (ArrayBuffer.isView(value)) return brand === "Uint8Array" ? (value as unknown as Uint8Array) : undefined;
  return brand === "ArrayBuffer" || brand === "SharedArrayBuffer"
    ? new Uint8Array(value as ArrayBuffer)
    : undefined;
}

async function blobOf(handle: FileHandleLike): Promise<CoreSource> {
  const file = await handle.getFile().catch((cause: unknown) => {
    throw ioError("cannot read the file handle", cause);
  });
  return { kind: "blob", blob: file };
}

/** Checks an IndexSource at once; the function it returns finds the bytes when it is time. */
export function checkSource(source: unknown): () => Promise<CoreSource> {
  if (typeof source === "string") return sourceAt(placeOf(source, "open"));
  if (typeof source === "object" && source !== null) {
    const bytes = bytesOf(source);
    if (bytes) return async () => ({ kind: "bytes", bytes });
    if (isHandle(source)) return () => blobOf(source);
    if (isBlob(source)) return async () => ({ kind: "blob", blob: source });
    if (isUrl(source)) return sourceAt(placeOf(source.href, "open"));
  }
  throw invalid(
    `cannot open ${describe(source)}: give a path, a file: URL, an ArrayBuffer, a Uint8Array, a Blob or a FileSystemFileHandle`,
  );
}

function sourceAt(place: Place): () => Promise<CoreSource> {
  return async () => ({ kind: "path", path: await pathOf(place) });
}

/** Checks a SaveTarget at once. */
export function checkTarget(target: unknown): () => Promise<CoreTarget> {
  if (typeof target === "string") return targetAt(placeOf(target, "save"));
  if (typeof target === "object" && target !== null) {
    if (isHandle(target)) return async () => ({ kind: "handle", handle: target });
    if (isUrl(target)) return targetAt(placeOf(target.href, "save"));
  }
  throw invalid(`cannot save to ${describe(target)}: give a path, a file: URL or a FileSystemFileHandle`);
}

function targetAt(place: Place): () => Promise<CoreTarget> {
  return async () => ({ kind: "path", path: await pathOf(place) });
}
