/**
 * The backend of `diskann/worker`: every call goes to a worker that holds the index. Each index has a worker of its
 * own, so that indexes do not wait for each other and one that dies takes no other with it; one idle worker is kept
 * for the next index. A `Worker` of the user's own is shared by all indexes that are given it and is never ended here.
 */
import type {
  Backend,
  BackendIndex,
  BackendInsert,
  Control,
  CoreConfig,
  CoreHits,
  CoreLayout,
  CoreSearch,
  CoreSource,
  CoreStats,
  CoreTarget,
} from "../backend/backend.js";
import { describe, invalid } from "../core/checks.js";
import type { AbortSignalLike, FileHandleLike, ImportReport, UrlLike, VerifyReport } from "../core/types.js";
import { blobStore } from "../storage/blob.js";
import { handleSink } from "../storage/handle.js";
import { bytesStore } from "../storage/memory.js";
import type { ByteSink } from "../storage/storage.js";
import { Connection, type Serve } from "./connection.js";
import {
  type Ask,
  type MadeIndex,
  type PagedHits,
  type RemotePlace,
  type Started,
  unpackError,
  type WireError,
} from "./messages.js";
import { isWorker, type WorkerLike } from "./port.js";

/** Options of `diskann/worker`, beside those of the backend in the worker. */
export interface WorkerOptions {
  /** Your own worker that runs the worker script, or the URL of the script. Default: the one beside this code. */
  worker?: WorkerLike | string | UrlLike | undefined;
  /** URL of `diskann.wasm`. Default: beside the worker script. */
  wasmUrl?: string | UrlLike | undefined;
  /** The bytes of `diskann.wasm`. */
  wasmBinary?: ArrayBuffer | Uint8Array | undefined;
  /** `diskann.wasm` as a `WebAssembly.Module`. */
  module?: object | undefined;
}

/** Makes a worker: from the entry's own script, or from `url`. */
export type Spawn = (url: string | undefined) => WorkerLike | Promise<WorkerLike>;

interface Held {
  readonly connection: Connection;
  readonly started: Started;
  /** What it was made with: only a call with the same may take it over. */
  readonly options: WorkerOptions;
  readonly own: boolean;
}

let idle: Held | undefined;
/** Connections to workers of the user's own. */
const shared = new WeakMap<object, Connection>();

function sameOptions(a: WorkerOptions, b: WorkerOptions): boolean {
  return (
    String(a.worker) === String(b.worker) &&
    String(a.wasmUrl) === String(b.wasmUrl) &&
    a.wasmBinary === b.wasmBinary &&
    a.module === b.module
  );
}

function isUrl(value: unknown): value is UrlLike {
  return typeof (value as UrlLike | null)?.href === "string";
}

/** A relative URL means: relative to the page, not to the worker script. */
function resolveUrl(url: string | UrlLike | undefined): string | undefined {
  if (url === undefined) return undefined;
  const text = typeof url === "string" ? url : url.href;
  const { location } = globalThis as { location?: { href?: string } };
  const base = location?.href;
  return base?.startsWith("http") ? new URL(text, base).href : text;
}

/** `own`: we made the worker. Starting one that has started already keeps what it started with. */
async function start(connection: Connection, options: WorkerOptions, own: boolean): Promise<Held> {
  const { wasmBinary, module } = options;
  const inner = { wasmUrl: resolveUrl(options.wasmUrl), wasmBinary: copyOf(wasmBinary), module };
  try {
    const started = (await connection.call("start", [inner])) as Started;
    return { connection, started, options: { ...options }, own };
  } catch (error) {
    if (own) connection.end();
    throw error;
  }
}

/** A copy that spans its buffer: cloning a view would clone all of what it is a view of. */
function copyOf(bytes: ArrayBuffer | Uint8Array | undefined): Uint8Array | undefined {
  return bytes === undefined
    ? undefined
    : new Uint8Array(bytes instanceof ArrayBuffer ? bytes.slice(0) : bytes);
}

async function hold(options: WorkerOptions, spawn: Spawn): Promise<Held> {
  const { worker } = options;
  if (!isWorker(worker) && worker !== undefined && typeof worker !== "string" && !isUrl(worker)) {
    throw invalid(`worker must be a Worker or the URL of its script, got ${describe(worker)}`);
  }
  if (isWorker(worker)) {
    const connection = shared.get(worker) ?? new Connection(worker);
    shared.set(worker, connection);
    return start(connection, options, false);
  }
  if (idle && !idle.connection.dead && sameOptions(idle.options, options)) {
    const taken = idle;
    idle = undefined;
    return taken;
  }
  return start(new Connection(await spawn(resolveUrl(worker))), options, true);
}

function letGo(held: Held): void {
  if (!held.own) return;
  if (!held.connection.dead) {
    idle?.connection.end();
    idle = held;
  } else held.connection.end();
}

/** A page that holds bytes answers the worker's questions about them. */
function serveSource(source: CoreSource): { place: RemotePlace; serve: Serve | undefined } {
  if (source.kind !== "bytes" && source.kind !== "blob") return { place: source, serve: undefined };
  const bytes = source.kind === "bytes" ? bytesStore(source.bytes) : blobStore(source.blob);
  const serve: Serve = async ({ offset = 0, length = 0 }) => {
    const piece = new Uint8Array(length);
    await bytes.read([{ offset, into: piece }]);
    return piece;
  };
  return { place: { kind: "page", size: bytes.size }, serve };
}

interface Target {
  readonly place: RemotePlace;
  readonly serve: Serve | undefined;
  /** After a failure: the worker may not have been there to abort. */
  readonly abandon: () => Promise<void>;
}

function serveTarget(target: CoreTarget): Target {
  if (target.kind !== "handle") return { place: target, serve: undefined, abandon: async () => {} };
  return { place: { kind: "page", size: 0 }, ...serveHandle(target.handle) };
}

function serveHandle(handle: FileHandleLike): Pick<Target, "abandon"> & { readonly serve: Serve } {
  let sink: ByteSink | undefined;
  const end = (): ByteSink | undefined => {
    const ended = sink;
    sink = undefined;
    return ended;
  };
  const serve = async ({ method, offset = 0, bytes }: Ask): Promise<void> => {
    if (method === "begin") sink = await handleSink(handle);
    else if (method === "write" && bytes) await sink?.write(offset, bytes);
    else if (method === "commit") await end()?.commit();
    else if (method === "abort") await end()?.abort();
  };
  return { serve, abandon: async () => end()?.abort() };
}

class ProxyIndex implements BackendIndex {
  readonly paged: boolean;
  readonly #held: Held;
  readonly #index: number;
  /** What a paged index reads from, where the page holds it. */
  readonly #serve: Serve | undefined;
  #stats: CoreStats;
  #closed = false;

  constructor(held: Held, made: MadeIndex, serve: Serve | undefined) {
    this.paged = made.paged;
    this.#held = held;
    this.#index = made.index;
    this.#serve = serve;
    this.#stats = made.stats;
  }

  get size(): number {
    return this.#stats.size;
  }

  #call(
    method: string,
    args: readonly unknown[],
    control: Control & { serve?: Serve | undefined } = {},
  ): Promise<unknown> {
    const { signal, onProgress, serve } = control;
    return this.#held.connection.call(method, [this.#index, ...args], { signal, onProgress, serve });
  }

  search(query: Float32Array, params: CoreSearch, signal?: AbortSignalLike): Promise<CoreHits> {
    return this.#search("search", [query.slice(), params], { signal });
  }

  searchBatch(queries: Float32Array, params: CoreSearch, control: Control): Promise<CoreHits> {
    return this.#search("searchBatch", [queries.slice(), params, control.threads], control);
  }

  async #search(method: string, args: readonly unknown[], control: Control): Promise<CoreHits> {
    const { stats, ...hits } = (await this.#call(method, args, control)) as PagedHits;
    if (stats) this.#stats = stats;
    return hits;
  }

  searchExact(query: Float32Array, k: number, control: Control): Promise<CoreHits> {
    return this.#call("searchExact", [query.slice(), k, control.threads], control) as Promise<CoreHits>;
  }

  get(id: number, control: Control): Promise<Float32Array | undefined> {
    return this.#call("get", [id], control) as Promise<Float32Array | undefined>;
  }

  has(id: number, control: Control): Promise<boolean> {
    return this.#call("has", [id], control) as Promise<boolean>;
  }

  async insert(kind: "build" | "add", threads: number | undefined): Promise<BackendInsert> {
    const insert = await this.#call("insert", [kind, threads]);
    let ended = false;
    return {
      append: async (rows, ids) => {
        await this.#call("append", [insert, rows.slice(), ids?.slice()]);
      },
      links: async (lists, rows) => {
        await this.#call("links", [insert, lists.slice(), rows]);
      },
      run: async (control) => {
        ended = true;
        const run = (await this.#call("run", [insert, control.threads], control)) as {
          stats: CoreStats;
          failed: WireError | undefined;
        };
        this.#stats = run.stats;
        if (run.failed) throw unpackError(run.failed);
      },
      discard: async () => {
        if (ended || this.#held.connection.dead) return;
        ended = true;
        await this.#call("discard", [insert]);
      },
    };
  }

  async save(target: CoreTarget, control: Control, layout?: CoreLayout): Promise<void> {
    const { place, serve, abandon } = serveTarget(target);
    try {
      await this.#call("save", [place, control.threads, layout], { ...control, serve });
    } catch (error) {
      await abandon();
      throw error;
    }
  }

  toBytes(control: Control, layout?: CoreLayout): Promise<Uint8Array> {
    return this.#call("toBytes", [control.threads, layout], control) as Promise<Uint8Array>;
  }

  verify(control: Control): Promise<VerifyReport> {
    return this.#call("verify", [control.threads], control) as Promise<VerifyReport>;
  }

  stats(): CoreStats {
    return this.#stats;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (!this.#held.connection.dead) await this.#call("close", []).catch(() => {});
    this.#held.connection.release(this.#serve);
    letGo(this.#held);
  }
}

/** A backend made with `options`; `spawn` makes a worker. Nothing starts before an index is made or opened. */
export function workerBackend(options: WorkerOptions, spawn: Spawn): Backend {
  let started: Started = { name: "wasm", simd: "wasm128" };
  const make = async (
    work: (connection: Connection) => Promise<unknown>,
    serve?: Serve,
  ): Promise<ProxyIndex> => {
    const held = await hold(options, spawn);
    started = held.started;
    try {
      const made = (await work(held.connection)) as MadeIndex;
      if (!made.paged) held.connection.release(serve);
      return new ProxyIndex(held, made, serve);
    } catch (error) {
      held.connection.release(serve);
      letGo(held);
      throw error;
    }
  };
  return {
    get name() {
      return started.name;
    },
    get simd() {
      return started.simd;
    },
    create: (config: CoreConfig) => make((connection) => connection.call("create", [config])),
    open: (source, control, paged) => {
      const { place, serve } = serveSource(source);
      const args = [place, control.threads, paged];
      return make(
        (connection) => connection.call("open", args, { ...control, serve, servesOn: true }),
        serve,
      );
    },
    import: (source, target, control) => importThere(options, spawn, source, target, control),
  };
}

async function importThere(
  options: WorkerOptions,
  spawn: Spawn,
  source: CoreSource,
  target: CoreTarget,
  control: Control,
): Promise<ImportReport> {
  const from = serveSource(source);
  const to = serveTarget(target);
  const serve: Serve = async (ask) => (ask.method === "read" ? from : to).serve?.(ask);
  const held = await hold(options, spawn);
  try {
    const report = await held.connection.call("import", [from.place, to.place], { ...control, serve });
    return report as ImportReport;
  } catch (error) {
    await to.abandon();
    throw error;
  } finally {
    letGo(held);
  }
}
