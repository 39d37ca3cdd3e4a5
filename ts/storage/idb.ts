/**
 * An index in IndexedDB, `idb:name`: a database of its own, `diskann name`, with the bytes in chunks.
 *
 *     head      "head" -> { generation, size, chunkBytes }
 *     chunks    [generation, i] -> ArrayBuffer: all of `chunkBytes` but the last
 *
 * A save writes chunks of a new generation; the head switches to it in one transaction, the last but for the removal of the old
 * generation. What a save left that was cut off goes at the next one.
 */
import { DiskAnnError } from "../core/errors.js";
import { lockedError, lockedSink, type Needed } from "./browser.js";
import { type PageRead, type PageStore, settleAll } from "./page-store.js";
import { type ByteSink, ioError } from "./storage.js";

const HEAD = "head";
const CHUNKS = "chunks";
/**
 * 56 KiB: what is 64 KiB or more with what is around it, Chromium keeps in a file of its own, and searches take 2.5 times as long
 * (`npm run bench -- storage`). Smaller ones gain nothing.
 */
const CHUNK_BYTES = 14 * 4096;
/** Of one transaction. */
const WRITTEN_AT_ONCE = 16;

interface Head {
  readonly generation: number;
  readonly size: number;
  readonly chunkBytes: number;
}

export function factory(): IDBFactory {
  const { indexedDB } = globalThis as { indexedDB?: IDBFactory };
  if (indexedDB) return indexedDB;
  throw new DiskAnnError(
    "ERR_UNSUPPORTED",
    "idb: needs IndexedDB, which is not here: use a path, or toBytes() and bytes",
  );
}

export function resultOf<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** Resolves when all that was asked of it is done, and as durable as it was to be. */
export function completed(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error ?? new Error("the transaction was aborted"));
  });
}

/** The database of an index, made if it is to be; undefined if there is none. */
async function openDatabase(name: string, create: boolean): Promise<IDBDatabase | undefined> {
  const request = factory().open(`diskann ${name}`, 1);
  let absent = false;
  request.onupgradeneeded = () => {
    if (create) {
      request.result.createObjectStore(HEAD);
      request.result.createObjectStore(CHUNKS);
    } else {
      absent = true;
      request.transaction?.abort();
    }
  };
  try {
    const database = await resultOf(request);
    // Whoever deletes it need not wait for us.
    database.onversionchange = () => database.close();
    return database;
  } catch (error) {
    if (absent) return undefined;
    throw error;
  }
}

async function readHead(database: IDBDatabase): Promise<Head | undefined> {
  return resultOf(database.transaction(HEAD).objectStore(HEAD).get(HEAD));
}

/** All chunks of a generation. */
function chunksOf(generation: number): IDBKeyRange {
  return IDBKeyRange.bound([generation], [generation, Number.POSITIVE_INFINITY]);
}

/** The chunks that a round needs, each with those who want a part of it. */
function byChunk(requests: readonly PageRead[], chunkBytes: number): Map<number, PageRead[]> {
  const wanted = new Map<number, PageRead[]>();
  for (const request of requests) {
    const last = Math.floor((request.offset + request.into.byteLength - 1) / chunkBytes);
    for (let chunk = Math.floor(request.offset / chunkBytes); chunk <= last; chunk++) {
      const list = wanted.get(chunk);
      if (list) list.push(request);
      else wanted.set(chunk, [request]);
    }
  }
  return wanted;
}

/** Copies what a chunk, which begins at `begin`, has for a request. */
function copyPart(chunk: Uint8Array, begin: number, { offset, into }: PageRead): void {
  const from = Math.max(begin, offset);
  const to = Math.min(begin + chunk.length, offset + into.byteLength);
  into.set(chunk.subarray(from - begin, to - begin), from - offset);
}

async function readRound(
  database: IDBDatabase,
  { generation, size, chunkBytes }: Head,
  requests: readonly PageRead[],
): Promise<void> {
  if (requests.some(({ offset, into }) => offset + into.byteLength > size))
    throw new DiskAnnError("ERR_IO", "a read past the end of the bytes");
  const store = database.transaction(CHUNKS).objectStore(CHUNKS);
  const reads = [...byChunk(requests, chunkBytes)].map(async ([chunk, parts]) => {
    const bytes: ArrayBuffer | undefined = await resultOf(store.get([generation, chunk]));
    const begin = chunk * chunkBytes;
    if (bytes?.byteLength !== Math.min(chunkBytes, size - begin))
      throw new DiskAnnError("ERR_IO", "it was replaced while it was read: open it again");
    for (const part of parts) copyPart(new Uint8Array(bytes), begin, part);
  });
  await settleAll(reads);
}

export async function idbStore(name: string): Promise<PageStore> {
  const fail = (cause: unknown): never => {
    throw ioError(`cannot read idb:${name}`, cause);
  };
  const database = await openDatabase(name, false).catch(fail);
  const head = database && (await readHead(database).catch(fail));
  if (!head) {
    database?.close();
    throw new DiskAnnError("ERR_IO", `cannot read idb:${name}: there is no such index`);
  }
  return {
    size: head.size,
    capabilities: {
      kind: "idb",
      concurrency: 16,
      granularity: head.chunkBytes,
      synchronous: false,
      writable: true,
    },
    read: async (requests, signal) => {
      if (signal?.aborted) throw signal.reason;
      await readRound(database, head, requests).catch(fail);
    },
    close: async () => database.close(),
  };
}

/** Writes a generation, some chunks at a time, while the next are filled. */
class Writer implements ByteSink {
  readonly #database: IDBDatabase;
  readonly #place: string;
  /** Of the index that is there. */
  readonly #old: Head | undefined;
  /** Nobody else's, also where there are no locks. */
  readonly #generation = Date.now() + Math.random();
  #size = 0;
  #chunks = 0;
  /** The chunk that is being filled. */
  #current = -1;
  #bytes = new Uint8Array(0);
  #filled: { readonly chunk: number; readonly bytes: ArrayBuffer }[] = [];
  #flushed: Promise<void> = Promise.resolve();

  constructor(database: IDBDatabase, place: string, old: Head | undefined) {
    this.#database = database;
    this.#place = place;
    this.#old = old;
  }

  async write(offset: number, bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const chunk = Math.floor((offset + at) / CHUNK_BYTES);
      if (chunk !== this.#current) await this.#turnTo(chunk);
      const begin = offset + at - chunk * CHUNK_BYTES;
      const piece = bytes.subarray(at, at + CHUNK_BYTES - begin);
      this.#bytes.set(piece, begin);
      at += piece.length;
      this.#size = Math.max(this.#size, offset + at);
    }
  }

  async sync(): Promise<void> {
    await this.#turnTo(-1);
    await this.#flush();
    await this.#flushed;
  }

  async commit(): Promise<void> {
    try {
      await this.sync();
      await this.#switchHead();
      if (this.#old) await this.#remove(chunksOf(this.#old.generation)).catch(() => {});
    } catch (error) {
      await this.abort();
      throw error;
    }
    this.#database.close();
  }

  async abort(): Promise<void> {
    await this.#flushed.catch(() => {});
    await this.#remove(chunksOf(this.#generation)).catch(() => {});
    this.#database.close();
    if (!this.#old) factory().deleteDatabase(this.#database.name);
  }

  /** Everything that is not of the index that is there: a save was cut off. */
  async clean(): Promise<void> {
    if (!this.#old) return this.#remove(IDBKeyRange.lowerBound([Number.NEGATIVE_INFINITY]));
    const { lower, upper } = chunksOf(this.#old.generation);
    await this.#remove(IDBKeyRange.upperBound(lower, true));
    await this.#remove(IDBKeyRange.lowerBound(upper, true));
  }

  /** The chunk at hand is done with, and `chunk` (-1: none) takes its place. */
  async #turnTo(chunk: number): Promise<void> {
    if (this.#current >= 0) {
      const length = Math.min(CHUNK_BYTES, this.#size - this.#current * CHUNK_BYTES);
      this.#filled.push({ chunk: this.#current, bytes: this.#bytes.buffer.slice(0, length) });
      this.#chunks = Math.max(this.#chunks, this.#current + 1);
    }
    if (this.#filled.length >= WRITTEN_AT_ONCE || chunk < this.#chunks) await this.#flush();
    this.#current = chunk;
    this.#bytes = new Uint8Array(CHUNK_BYTES);
    if (chunk < 0 || chunk >= this.#chunks) return;
    const store = this.#database.transaction(CHUNKS).objectStore(CHUNKS);
    this.#bytes.set(new Uint8Array(await resultOf(store.get([this.#generation, chunk]))));
  }

  /** Begins to write what is filled, once what was before is written. Transactions keep their order. */
  async #flush(): Promise<void> {
    await this.#flushed;
    const transaction = this.#database.transaction(CHUNKS, "readwrite", { durability: "relaxed" });
    const store = transaction.objectStore(CHUNKS);
    for (const { chunk, bytes } of this.#filled.splice(0)) store.put(bytes, [this.#generation, chunk]);
    this.#flushed = completed(transaction);
    this.#flushed.catch(() => {});
  }

  async #switchHead(): Promise<void> {
    const transaction = this.#database.transaction([HEAD, CHUNKS], "readwrite", { durability: "strict" });
    const done = completed(transaction);
    done.catch(() => {});
    const count = await resultOf(transaction.objectStore(CHUNKS).count(chunksOf(this.#generation)));
    // Without locks another save may have taken them for what one left that was cut off.
    if (count !== this.#chunks) throw lockedError(this.#place);
    const head: Head = { generation: this.#generation, size: this.#size, chunkBytes: CHUNK_BYTES };
    transaction.objectStore(HEAD).put(head, HEAD);
    await done;
  }

  #remove(chunks: IDBKeyRange): Promise<void> {
    const transaction = this.#database.transaction(CHUNKS, "readwrite", { durability: "relaxed" });
    transaction.objectStore(CHUNKS).delete(chunks);
    return completed(transaction);
  }
}

async function openWriter(name: string): Promise<ByteSink> {
  const database = (await openDatabase(name, true)) as IDBDatabase;
  try {
    const writer = new Writer(database, `idb:${name}`, await readHead(database));
    await writer.clean();
    return writer;
  } catch (error) {
    database.close();
    throw error;
  }
}

export function idbSink(name: string, bytes: Needed): Promise<ByteSink> {
  return lockedSink(`idb:${name}`, bytes, () => openWriter(name));
}
