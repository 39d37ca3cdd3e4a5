/**
 * Finds diskann.wasm and compiles it, once for each place it is taken from. What is tried, in this order: a compiled
 * module, bytes, a URL; all three may be given by the user, else the file that lies beside this code is taken.
 */
import { DiskAnnError } from "../../core/errors.js";

/** Where the WebAssembly module comes from; only for when it is not found by itself. */
export interface WasmOptions {
  /** URL of `diskann.wasm` (or a path, in Node). Default: beside this code. */
  wasmUrl?: string | URL | undefined;
  /** The bytes of `diskann.wasm`. */
  wasmBinary?: ArrayBuffer | Uint8Array | undefined;
  /** `diskann.wasm` as a `WebAssembly.Module`: what runtimes give that compile ahead of time (Cloudflare Workers). */
  module?: object | undefined;
}

const hint = "give its place by wasmUrl, its bytes by wasmBinary, or use the entry diskann/inline";

function isNode(): boolean {
  const { process } = globalThis as { process?: { versions?: { node?: string } } };
  return typeof process?.versions?.node === "string";
}

async function compile(bytes: ArrayBuffer | Uint8Array, from: string): Promise<WebAssembly.Module> {
  const head = new Uint8Array(
    "buffer" in bytes ? bytes.buffer : bytes,
    "buffer" in bytes ? bytes.byteOffset : 0,
  );
  if (head[0] !== 0 || head[1] !== 0x61 || head[2] !== 0x73 || head[3] !== 0x6d) {
    throw new DiskAnnError("ERR_IO", `${from} is not a WebAssembly module: ${hint}`);
  }
  try {
    return await WebAssembly.compile(bytes as BufferSource);
  } catch (cause) {
    const message = "this engine cannot compile the module; it must know WebAssembly SIMD";
    throw new DiskAnnError("ERR_UNSUPPORTED", message, { cause });
  }
}

async function readFile(url: URL | string): Promise<Uint8Array> {
  const fs = await import("node:fs/promises");
  return fs.readFile(url);
}

/** Servers that do not know the type of .wasm are common: then the bytes are compiled without streaming. */
async function fetchModule(url: string): Promise<WebAssembly.Module> {
  const response = await fetch(url, { credentials: "same-origin" });
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  const type = response.headers.get("content-type") ?? "";
  if (type.split(";")[0]?.trim() === "application/wasm" && "compileStreaming" in WebAssembly) {
    return WebAssembly.compileStreaming(response);
  }
  return compile(await response.arrayBuffer(), url);
}

async function fromUrl(place: URL | string): Promise<WebAssembly.Module> {
  const text = String(place);
  try {
    const remote = /^(https?|blob|data):/.test(text);
    if (isNode() && !remote)
      return await compile(await readFile(text.startsWith("file:") ? new URL(text) : text), text);
    return await fetchModule(text);
  } catch (cause) {
    if (cause instanceof DiskAnnError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new DiskAnnError("ERR_IO", `cannot load diskann.wasm from ${text} (${why}): ${hint}`, { cause });
  }
}

/** Compiled modules by the bytes or the URL they come from; a failure is not kept. */
const byBytes = new WeakMap<object, Promise<WebAssembly.Module>>();
const byUrl = new Map<string, Promise<WebAssembly.Module>>();

interface Cache<Key> {
  get(key: Key): Promise<WebAssembly.Module> | undefined;
  set(key: Key, module: Promise<WebAssembly.Module>): unknown;
  delete(key: Key): boolean;
}

function once<Key>(cache: Cache<Key>, key: Key, load: () => Promise<WebAssembly.Module>) {
  const known = cache.get(key);
  if (known) return known;
  const loading = load();
  cache.set(key, loading);
  loading.catch(() => cache.delete(key));
  return loading;
}

export function loadModule(options: WasmOptions, beside: () => URL | string): Promise<WebAssembly.Module> {
  const { module, wasmBinary, wasmUrl } = options;
  if (typeof WebAssembly !== "object") {
    return Promise.reject(new DiskAnnError("ERR_UNSUPPORTED", "this engine has no WebAssembly"));
  }
  if (module !== undefined) {
    if (module instanceof WebAssembly.Module) return Promise.resolve(module);
    return Promise.reject(new DiskAnnError("ERR_INVALID_ARGUMENT", "module must be a WebAssembly.Module"));
  }
  if (wasmBinary !== undefined) return once(byBytes, wasmBinary, () => compile(wasmBinary, "wasmBinary"));
  const place = wasmUrl ?? beside();
  return once(byUrl, String(place), () => fromUrl(place));
}
