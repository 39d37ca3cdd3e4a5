/**
 * Finds diskann.wasm and compiles it, once for each place it is taken from. What is tried, in this order: a compiled
 * module, bytes, a URL - all three given by the user - and else the file that lies beside this code.
 */
import { DiskAnnError } from "../../core/errors.js";
import { nodeModule } from "../../core/node.js";
import type { UrlLike } from "../../core/types.js";
import { hasFileSystem } from "../../storage/storage.js";

/** Where the WebAssembly module comes from. Needed only where it is not found by itself. */
export interface WasmOptions {
  /** URL of `diskann.wasm`; in Node also a path. Default: beside this code. */
  wasmUrl?: string | UrlLike | undefined;
  /** The bytes of `diskann.wasm`. */
  wasmBinary?: ArrayBuffer | Uint8Array | undefined;
  /** `diskann.wasm` as a `WebAssembly.Module`, for runtimes that compile ahead of time, like Cloudflare Workers. */
  module?: object | undefined;
}

type Loading = Promise<WebAssembly.Module>;

const HINT = "give its place as wasmUrl, its bytes as wasmBinary, or use the entry diskann/inline";
/** "\0asm" */
const MAGIC = [0x00, 0x61, 0x73, 0x6d];

function invalid(message: string): DiskAnnError {
  return new DiskAnnError("ERR_INVALID_ARGUMENT", message);
}

function bytesOf(binary: unknown): Uint8Array<ArrayBuffer> {
  if (binary instanceof Uint8Array) return binary as Uint8Array<ArrayBuffer>;
  if (Object.prototype.toString.call(binary) === "[object ArrayBuffer]")
    return new Uint8Array(binary as ArrayBuffer);
  throw invalid("wasmBinary must be an ArrayBuffer or a Uint8Array with the bytes of diskann.wasm");
}

async function compile(bytes: Uint8Array<ArrayBuffer>, from: string): Loading {
  if (MAGIC.some((byte, i) => bytes[i] !== byte)) {
    throw new DiskAnnError("ERR_IO", `${from} is not a WebAssembly module: ${HINT}`);
  }
  return WebAssembly.compile(bytes);
}

/** Servers that send .wasm with a wrong type are common: then the bytes are compiled without streaming. */
async function fetchModule(url: string): Loading {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  const type = response.headers.get("content-type")?.split(";")[0]?.trim();
  if (type === "application/wasm" && typeof WebAssembly.compileStreaming === "function") {
    return WebAssembly.compileStreaming(response);
  }
  return compile(new Uint8Array(await response.arrayBuffer()), url);
}

async function readModule(place: string): Loading {
  const { readFile } = await nodeModule("node:fs/promises");
  const bytes = await readFile(place.startsWith("file:") ? new URL(place) : place);
  return compile(bytes, place);
}

async function compileFrom(place: string): Loading {
  try {
    const remote = /^(https?|blob|data):/.test(place);
    return await (hasFileSystem() && !remote ? readModule(place) : fetchModule(place));
  } catch (cause) {
    throw loadError(`cannot load diskann.wasm from ${place}`, cause);
  }
}

function loadError(what: string, cause: unknown): DiskAnnError {
  if (cause instanceof DiskAnnError) return cause;
  if (cause instanceof WebAssembly.CompileError) {
    const needs = "WebAssembly SIMD is needed; where code must be compiled ahead of time, give it as module";
    const message = `${what}: this engine cannot compile it (${cause.message}): ${needs}`;
    return new DiskAnnError("ERR_UNSUPPORTED", message, { cause });
  }
  const why = cause instanceof Error ? cause.message : String(cause);
  return new DiskAnnError("ERR_IO", `${what} (${why}): ${HINT}`, { cause });
}

/** What is compiled or being compiled; a failure is not kept. */
const byBytes = new WeakMap<object, Loading>();
const byPlace = new Map<string, Loading>();

interface Cache<Key> {
  get(key: Key): Loading | undefined;
  set(key: Key, loading: Loading): unknown;
  delete(key: Key): boolean;
}

function once<Key>(cache: Cache<Key>, key: Key, load: () => Loading): Loading {
  const known = cache.get(key);
  if (known) return known;
  const loading = load();
  cache.set(key, loading);
  loading.catch(() => cache.delete(key));
  return loading;
}

function placeOf(url: unknown): string {
  if (typeof url === "string" && url !== "") return url;
  const href = (url as { href?: unknown } | null)?.href;
  if (typeof href === "string") return href;
  throw invalid("wasmUrl must be a URL or a string");
}

/** The place of the file, where this code knows its own. */
function ownPlace(beside: () => URL): string {
  try {
    return beside().href;
  } catch (cause) {
    throw loadError("diskann.wasm is not found by itself here", cause);
  }
}

/** `beside`: where the file lies when the options do not say. */
export async function loadModule(options: WasmOptions, beside: () => URL): Loading {
  const { module, wasmBinary, wasmUrl } = options;
  if (typeof WebAssembly !== "object") {
    throw new DiskAnnError("ERR_UNSUPPORTED", "this engine has no WebAssembly");
  }
  if (module !== undefined) {
    if (module instanceof WebAssembly.Module) return module;
    throw invalid("module must be a WebAssembly.Module");
  }
  if (wasmBinary !== undefined) {
    const bytes = bytesOf(wasmBinary);
    const load = () =>
      compile(bytes, "wasmBinary").catch((cause) => Promise.reject(loadError("wasmBinary", cause)));
    return once(byBytes, wasmBinary, load);
  }
  const place = wasmUrl === undefined ? ownPlace(beside) : placeOf(wasmUrl);
  return once(byPlace, place, () => compileFrom(place));
}
