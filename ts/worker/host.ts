/** Inside the worker: holds the indexes and does what the page asks. The worker's script calls `serve`. */
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
  CoreTarget,
  PagedOptions,
} from "../backend/backend.js";
import { invalid } from "../core/checks.js";
import type { BlobLike, FileHandleLike } from "../core/types.js";
import type { TypedRows } from "../core/vectors.js";
import {
  type Ask,
  type MadeIndex,
  movable,
  type PagedHits,
  packError,
  type RemotePlace,
  type Reply,
  type Request,
  unpackError,
} from "./messages.js";
import { type InnerPort, innerPort } from "./port.js";

/** Loads the backend with the options of the page. */
export type HostLoader = (options: object) => Promise<Backend>;

interface Asked {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** One call: what its method needs beside its arguments. */
interface Call {
  readonly control: (threads: unknown) => Control;
  readonly ask: (question: Omit<Ask, "type" | "ask" | "call">) => Promise<unknown>;
}

type Method = (call: Call, args: readonly unknown[]) => unknown;

class Host {
  readonly #port: InnerPort;
  readonly #load: HostLoader;
  #backend: Promise<Backend> | undefined;
  readonly #indexes = new Map<number, BackendIndex>();
  readonly #inserts = new Map<number, BackendInsert>();
  readonly #running = new Map<number, AbortController>();
  readonly #asked = new Map<number, Asked>();
  #lastHandle = 0;
  #lastAsk = 0;

  constructor(port: InnerPort, load: HostLoader) {
    this.#port = port;
    this.#load = load;
    port.listen((data) => {
      if (typeof data === "object" && data !== null) this.#receive(data as Request);
    });
    this.#post({ type: "hello" });
  }

  #post(reply: Reply, transfer: ArrayBuffer[] = []): void {
    this.#port.post(reply, transfer);
  }

  #receive(request: Request): void {
    switch (request.type) {
      case "hello":
        this.#post({ type: "hello" });
        break;
      case "call":
        void this.#run(request.call, request.method, request.args);
        break;
      case "abort":
        this.#running.get(request.call)?.abort();
        break;
      case "answer": {
        const asked = this.#asked.get(request.ask);
        this.#asked.delete(request.ask);
        if (request.error) asked?.reject(unpackError(request.error));
        else asked?.resolve(request.value);
      }
    }
  }

  async #run(call: number, name: string, args: readonly unknown[]): Promise<void> {
    const controller = new AbortController();
    this.#running.set(call, controller);
    try {
      const method = this.#methods[name];
      if (!method) throw invalid(`the page and its worker are of different versions: no method ${name}`);
      const value = await method(this.#callOf(call, controller.signal), args);
      this.#post({ type: "result", call, value }, movable(value));
    } catch (error) {
      this.#post({ type: "error", call, error: packError(error) });
    } finally {
      this.#running.delete(call);
    }
  }

  #callOf(call: number, signal: AbortSignal): Call {
    const ask: Call["ask"] = (question) =>
      new Promise((resolve, reject) => {
        const number = ++this.#lastAsk;
        this.#asked.set(number, { resolve, reject });
        const transfer = question.bytes ? movable(question.bytes) : [];
        this.#post({ type: "ask", ask: number, call, ...question }, transfer);
      });
    const control = (threads: unknown): Control => ({
      signal,
      threads: threads as number | undefined,
      onProgress: (event) => this.#post({ type: "progress", call, event }),
    });
    return { ask, control };
  }

  #index(handle: unknown): BackendIndex {
    const index = this.#indexes.get(handle as number);
    if (!index) throw invalid("the page and its worker disagree: no such index");
    return index;
  }

  #insert(handle: unknown): BackendInsert {
    const insert = this.#inserts.get(handle as number);
    if (!insert) throw invalid("the page and its worker disagree: no such insertion");
    return insert;
  }

  #keep(index: BackendIndex): MadeIndex {
    const handle = ++this.#lastHandle;
    this.#indexes.set(handle, index);
    return { index: handle, paged: index.paged, stats: index.stats() };
  }

  async #searched(handle: unknown, search: (index: BackendIndex) => Promise<CoreHits>): Promise<PagedHits> {
    const index = this.#index(handle);
    const hits = await search(index);
    return index.paged ? { ...hits, stats: index.stats() } : hits;
  }

  async #start(options: object): Promise<Pick<Backend, "name" | "simd">> {
    this.#backend ??= this.#load(options);
    const { name, simd } = await this.#backend.catch((error: unknown) => {
      this.#backend = undefined;
      throw error;
    });
    return { name, simd };
  }

  async #loaded(): Promise<Backend> {
    if (!this.#backend) throw invalid("the page and its worker disagree: not started");
    return this.#backend;
  }

  readonly #methods: Readonly<Record<string, Method>> = {
    start: (_call, [options]) => this.#start(options as object),
    create: async (_call, [config]) => this.#keep(await (await this.#loaded()).create(config as CoreConfig)),
    open: async (call, [place, threads, paged]) => {
      const source = sourceOf(call, place as RemotePlace);
      const backend = await this.#loaded();
      return this.#keep(await backend.open(source, call.control(threads), paged as PagedOptions | undefined));
    },
    import: async (call, [place, target]) => {
      const { importFile } = await import("../storage/import.js");
      return importFile(
        sourceOf(call, place as RemotePlace),
        targetOf(call, target as RemotePlace),
        call.control(undefined),
      );
    },
    search: (call, [index, query, params]) =>
      this.#searched(index, (found) =>
        found.search(query as Float32Array, params as CoreSearch, call.control(undefined).signal),
      ),
    searchBatch: (call, [index, queries, params, threads]) =>
      this.#searched(index, (found) =>
        found.searchBatch(queries as Float32Array, params as CoreSearch, call.control(threads)),
      ),
    searchExact: (call, [index, query, k, threads]) =>
      this.#index(index).searchExact(query as Float32Array, k as number, call.control(threads)),
    get: (call, [index, id]) => this.#index(index).get(id as number, call.control(undefined)),
    has: (call, [index, id]) => this.#index(index).has(id as number, call.control(undefined)),
    insert: (_call, [index, kind, threads]) => this.#beginInsert(index, kind as "build" | "add", threads),
    append: async (_call, [, insert, rows, ids]) => {
      await this.#insert(insert).append(rows as TypedRows, ids as Float64Array | undefined);
    },
    links: async (_call, [, insert, lists, rows]) => {
      await this.#insert(insert).links(lists as Uint32Array, rows as number);
    },
    run: (call, [index, insert, threads]) => this.#runInsert(call, index, insert, threads),
    discard: async (_call, [, insert]) => {
      await this.#insert(insert).discard();
      this.#inserts.delete(insert as number);
    },
    save: (call, [index, place, threads, layout]) =>
      this.#index(index).save(
        targetOf(call, place as RemotePlace),
        call.control(threads),
        layout as CoreLayout | undefined,
      ),
    toBytes: (call, [index, threads, layout]) =>
      this.#index(index).toBytes(call.control(threads), layout as CoreLayout | undefined),
    verify: (call, [index, threads]) => this.#index(index).verify(call.control(threads)),
    close: async (_call, [index]) => {
      await this.#index(index).close();
      this.#indexes.delete(index as number);
    },
  };

  async #beginInsert(index: unknown, kind: "build" | "add", threads: unknown): Promise<number> {
    const insert = await this.#index(index).insert(kind, threads as number | undefined);
    const handle = ++this.#lastHandle;
    this.#inserts.set(handle, insert);
    return handle;
  }

  /** Resolves even when the run fails: what the index is after it goes along. */
  async #runInsert(call: Call, index: unknown, handle: unknown, threads: unknown): Promise<unknown> {
    const insert = this.#insert(handle);
    const failed = await insert.run(call.control(threads)).then(
      () => undefined,
      (error: unknown) => packError(error),
    );
    this.#inserts.delete(handle as number);
    return { stats: this.#index(index).stats(), failed };
  }
}

/** Bytes that the page holds, as a blob whose slices are asked for. */
function sourceOf(call: Call, place: RemotePlace): CoreSource {
  if (place.kind !== "page") return place;
  const part = (begin: number, end: number): BlobLike => ({
    size: end - begin,
    slice: (from = 0, to = end - begin) => part(begin + from, begin + to),
    arrayBuffer: async () => {
      const bytes = await call.ask({ method: "read", offset: begin, length: end - begin });
      return (bytes as Uint8Array<ArrayBuffer>).buffer;
    },
  });
  return { kind: "blob", blob: part(0, place.size) };
}

/** A file handle that the page holds. */
function targetOf(call: Call, place: RemotePlace): CoreTarget {
  if (place.kind !== "page") return place as CoreTarget;
  const write = async ({ position, data }: { position: number; data: ArrayBuffer }): Promise<void> => {
    await call.ask({ method: "write", offset: position, bytes: new Uint8Array(data) });
  };
  const handle: FileHandleLike = {
    kind: "file",
    getFile: () => Promise.reject(invalid("a target is not read")),
    createWritable: async () => {
      await call.ask({ method: "begin" });
      const end = (method: "commit" | "abort") => async (): Promise<void> => {
        await call.ask({ method });
      };
      return { write, close: end("commit"), abort: end("abort") };
    },
  };
  return { kind: "handle", handle };
}

/** Serves the page that made this worker, until it ends it. */
export async function serve(load: HostLoader): Promise<void> {
  new Host(await innerPort(), load);
}
