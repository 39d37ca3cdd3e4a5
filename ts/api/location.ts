/** What a source or target is: told by shape, because classes differ between realms and runtimes. */
import type { CoreSource, CoreTarget } from "../backend/backend.js";
import { describe, invalid } from "../core/checks.js";
import { DiskAnnError } from "../core/errors.js";
import { nodeModule } from "../core/node.js";
import type { BlobLike, FileHandleLike, UrlLike } from "../core/types.js";
import type { BrowserPlace } from "../storage/select.js";
import { hasFileSystem, ioError } from "../storage/storage.js";

const SCHEME = /^([a-z][a-z0-9+.-]+):/i;
const PLACES =
  "a path, a file:, http:, https:, opfs:, idb: or browser: address, an ArrayBuffer, a Uint8Array, a Blob or a FileSystemFileHandle";

/** What to do instead, where an address cannot be. */
const INSTEAD = {
  open: "fetch the bytes and pass them: VectorIndex.open(await (await fetch(url)).arrayBuffer())",
  save: "use toBytes() and send the bytes yourself",
};

function noFileSystem(verb: "open" | "save"): DiskAnnError {
  const instead =
    verb === "open"
      ? "pass bytes, a Blob, a FileSystemFileHandle, or an address: new URL(path, location.href), browser:name, opfs:/name, idb:name"
      : "save to browser:name, opfs:/name or idb:name, pass a FileSystemFileHandle, or use toBytes()";
  return new DiskAnnError("ERR_UNSUPPORTED", `paths need a file system, which is not here: ${instead}`);
}

/** Where an address or a path leads; the file of a `file:` URL is still to be found. */
type Place =
  | { readonly kind: "path"; readonly path: string }
  | { readonly kind: "file"; readonly url: string }
  | { readonly kind: "http"; readonly url: string }
  /** Which of the browser's it is turns out when it is time. */
  | { readonly kind: "browser"; readonly name: string }
  | BrowserPlace;

function placeOf(text: string, verb: "open" | "save"): Place {
  // One letter before the colon is a drive of Windows, not a scheme.
  const scheme = SCHEME.exec(text)?.[1]?.toLowerCase();
  if (scheme === "opfs" || scheme === "idb" || scheme === "browser") return browserPlace(scheme, text, verb);
  if (scheme === "http" || scheme === "https") {
    if (verb === "open") return { kind: "http", url: text };
    throw new DiskAnnError("ERR_UNSUPPORTED", `cannot save to ${scheme}: addresses: ${INSTEAD.save}`);
  }
  if (scheme && scheme !== "file" && (/:\/\//.test(text) || scheme === "blob" || scheme === "data"))
    throw new DiskAnnError("ERR_UNSUPPORTED", `cannot ${verb} ${scheme}: addresses: ${INSTEAD[verb]}`);
  if (text === "") throw invalid(`cannot ${verb} "": give a path`);
  if (text.includes("\0")) throw invalid(`a path must not hold a zero character`);
  if (!hasFileSystem()) throw noFileSystem(verb);
  return scheme === "file" ? { kind: "file", url: text } : { kind: "path", path: text };
}

/** `opfs:/folder/name`, also with no slash or more of them in front, and `browser:` the same; `idb:name`, where any name will do. */
function browserPlace(kind: "opfs" | "idb" | "browser", text: string, verb: "open" | "save"): Place {
  const rest = text.slice(kind.length + 1);
  const name = kind === "idb" ? rest : rest.replace(/^\/+/, "");
  const parts = kind === "idb" ? [name] : name.split("/");
  if (parts.some((part) => part === "" || part === "." || part === ".."))
    throw invalid(
      `cannot ${verb} ${describe(text)}: write ${kind === "opfs" ? "opfs:/folder/name" : `${kind}:name`}`,
    );
  if (kind === "browser" && hasFileSystem())
    throw new DiskAnnError("ERR_UNSUPPORTED", "browser: places are those of browsers: use a path, or bytes");
  return { kind, name };
}

async function pathOf(url: string): Promise<string> {
  const { fileURLToPath } = await nodeModule("node:url");
  try {
    return fileURLToPath(url);
  } catch (cause) {
    throw ioError(`not the address of a file: ${url}`, cause);
  }
}

/** A `URL` has escaped what its name may be made of; http addresses and those of files stay as they are. */
function textOf({ href, protocol }: UrlLike): string {
  if (protocol !== "opfs:" && protocol !== "idb:" && protocol !== "browser:") return href;
  try {
    return decodeURIComponent(href);
  } catch {
    throw invalid(`not an address: ${href}`);
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
    if (isUrl(source)) return sourceAt(placeOf(textOf(source), "open"));
  }
  throw invalid(`cannot open ${describe(source)}: give ${PLACES}`);
}

function sourceAt(place: Place): () => Promise<CoreSource> {
  return async () => {
    if (place.kind === "file") return { kind: "path", path: await pathOf(place.url) };
    return place.kind === "browser" ? (await import("../storage/probe.js")).probeSource(place.name) : place;
  };
}

/** Checks a SaveTarget at once. */
export function checkTarget(target: unknown): () => Promise<CoreTarget> {
  if (typeof target === "string") return targetAt(placeOf(target, "save"));
  if (typeof target === "object" && target !== null) {
    if (isHandle(target)) return async () => ({ kind: "handle", handle: target });
    if (isUrl(target)) return targetAt(placeOf(textOf(target), "save"));
  }
  throw invalid(
    `cannot save to ${describe(target)}: give a path, a file:, opfs:, idb: or browser: address or a FileSystemFileHandle`,
  );
}

function targetAt(place: Place): () => Promise<CoreTarget> {
  return async () => {
    if (place.kind === "file") return { kind: "path", path: await pathOf(place.url) };
    // Here, and not where the bytes are written: workers cannot ask.
    if (place.kind !== "path") void import("../storage/persist.js").then(({ persist }) => persist());
    if (place.kind === "browser") return (await import("../storage/probe.js")).probeTarget(place.name);
    return place as CoreTarget;
  };
}
