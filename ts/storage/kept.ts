/**
 * A file behind HTTP of which parts are kept here for the next time, in IndexedDB: a database of its own, `diskann pages <address>`. (The
 * Cache API took five times as long for rounds of 32 pages in Chromium, to read and to write.)
 *
 *     parts     "head" -> { tag, size, used }: the version of the file, and bytes of all that is here
 *               "first" -> ArrayBuffer: where the file begins
 *               [offset, length] -> ArrayBuffer: what one search has read, a page, or a piece of codes
 *
 * Whoever reads or writes looks at the version in the same transaction: parts of two versions cannot meet, whatever other tabs do.
 * Bytes that come from here are checked as pages of the index are; what is damaged or gone is fetched again. Nothing fails because
 * something could not be kept.
 */
import type { AbortSignalLike } from "../core/types.js";
import { checkPage, checkSuperblock, type PagesShape, pageNumber, SUPERBLOCK_BYTES } from "./check-file.js";
import { checkAnswer, type Fetched, fetchHead, type Part, partOf, request, storeOf } from "./http.js";
import { completed, factory, resultOf } from "./idb.js";
import { type PageRead, type PageStore, settleAll } from "./page-store.js";

const PARTS = "parts";
const HEAD = "head";
const FIRST = "first";
/** What may wait to be written before reads do. */
const WAITING_BYTES_MAX = 2 ** 23;

type Version = Fetched["part"];
interface Head extends Version {
  readonly used: number;
}

const isOf = (one: Version | undefined, { tag, size }: Version): boolean =>
  one?.tag === tag && one.size === size;

const nameOf = (url: string): string => `diskann pages ${url}`;

/** Undefined where the browser has none for this page. */
async function openDatabase(url: string): Promise<IDBDatabase | undefined> {
  try {
    const request = factory().open(nameOf(url), 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore(PARTS);
    };
    const database = await resultOf(request);
    database.onversionchange = () => database.close();
    return database;
  } catch {
    return undefined;
  }
}

/** Undefined: these are no bytes of an index, or damaged. */
function shapeOf({ part, bytes }: Fetched): PagesShape | undefined {
  try {
    const shape = checkSuperblock(bytes.subarray(0, SUPERBLOCK_BYTES), part.size);
    return isSound(SUPERBLOCK_BYTES, bytes.subarray(SUPERBLOCK_BYTES), shape) ? shape : undefined;
  } catch {
    return undefined;
  }
}

/** Whether bytes are the pages from there on, undamaged. */
function isSound(offset: number, bytes: Uint8Array, shape: PagesShape): boolean {
  const { pageBytes } = shape;
  const first = (offset - SUPERBLOCK_BYTES) / pageBytes;
  try {
    for (let at = 0; at < bytes.length; at += pageBytes)
      checkPage(bytes.subarray(at, at + pageBytes), pageNumber(first + at / pageBytes, shape));
    return true;
  } catch {
    return false;
  }
}

/** Where the file begins, as it was kept. */
async function keptHead(database: IDBDatabase): Promise<Fetched | undefined> {
  try {
    const parts = database.transaction(PARTS).objectStore(PARTS);
    const [part, bytes] = await Promise.all([
      resultOf<Head | undefined>(parts.get(HEAD)),
      resultOf<ArrayBuffer | undefined>(parts.get(FIRST)),
    ]);
    return part && bytes && { part, bytes: new Uint8Array(bytes) };
  } catch {
    return undefined;
  }
}

/** The version that the server has; undefined where there is no answer from it. */
async function askVersion(url: string, signal: AbortSignalLike | undefined): Promise<Version | undefined> {
  const init = { headers: { range: "bytes=0-0" }, cache: "no-store" } as const;
  const answer = await request(url, init, signal).catch(() => undefined);
  if (signal?.aborted) throw signal.reason;
  if (!answer) return undefined;
  try {
    if (answer.response.status >= 500) return undefined;
    const part: Part = partOf(url, checkAnswer(url, answer).response);
    await answer.response.arrayBuffer();
    return part;
  } finally {
    answer.end();
  }
}

const keyOf = ({ offset, into }: PageRead): [number, number] => [offset, into.byteLength];

/** What is kept of one version of a file. */
class Kept {
  readonly #database: IDBDatabase;
  readonly #head: Fetched;
  readonly #shape: PagesShape;
  readonly #most: number;
  /** What is there, by its key; undefined: anything may be. */
  readonly #there: Set<string> | undefined;
  /** The database is of this version; else that is to be the first thing that is written. */
  #isBegun: boolean;
  #waiting = 0;
  #writing: Promise<void> = Promise.resolve();
  #isFull = false;

  constructor(database: IDBDatabase, head: Fetched, shape: PagesShape, most: number, isNew: boolean) {
    this.#database = database;
    this.#head = head;
    this.#shape = shape;
    this.#most = most;
    this.#isBegun = !isNew;
    this.#there = isNew ? new Set() : undefined;
  }

  /** Reads what is here and sound; returns the rest. */
  async load(reads: readonly PageRead[]): Promise<readonly PageRead[]> {
    const wanted = reads.filter((read) => this.#there?.has(String(keyOf(read))) ?? true);
    if (wanted.length === 0) return reads;
    try {
      const parts = this.#database.transaction(PARTS).objectStore(PARTS);
      const asked = wanted.map((read) => resultOf<ArrayBuffer | undefined>(parts.get(keyOf(read))));
      const [head, ...found] = await Promise.all([resultOf<Head | undefined>(parts.get(HEAD)), ...asked]);
      if (!isOf(head, this.#head.part)) return reads;
      const loaded = new Set(wanted.filter((read, i) => this.#take(read, found[i])));
      return reads.filter((read) => !loaded.has(read));
    } catch {
      return reads;
    }
  }

  /** False: it is not there, or not sound. */
  #take({ offset, into }: PageRead, found: ArrayBuffer | undefined): boolean {
    const bytes = new Uint8Array(found ?? new ArrayBuffer(0));
    if (bytes.length !== into.length || !isSound(offset, bytes, this.#shape)) return false;
    into.set(bytes);
    return true;
  }

  /** Takes copies, to be written when it is time; with so much to be written already, waits for that. */
  async keep(reads: readonly PageRead[]): Promise<void> {
    if (this.#isFull || (reads.length === 0 && this.#isBegun)) return;
    const parts = reads.map((read) => ({ key: keyOf(read), bytes: read.into.slice().buffer }));
    const length = parts.reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
    this.#waiting += length;
    this.#writing = this.#writing
      .then(() => (this.#isFull ? undefined : this.#write(parts)))
      .catch(() => {
        this.#isFull = true; // no room, most likely: what is there stays
      })
      .then(() => {
        this.#waiting -= length;
      });
    if (this.#waiting > WAITING_BYTES_MAX) await this.#writing;
  }

  async #write(parts: readonly { key: [number, number]; bytes: ArrayBuffer }[]): Promise<void> {
    const transaction = this.#database.transaction(PARTS, "readwrite", { durability: "relaxed" });
    const done = completed(transaction);
    done.catch(() => {});
    const store = transaction.objectStore(PARTS);
    const head = await this.#begin(store);
    if (!head) {
      this.#isFull = true;
      return;
    }
    const known = await Promise.all(parts.map(({ key }) => resultOf(store.getKey(key))));
    let { used } = head;
    const fitting = parts.filter(({ bytes: { byteLength } }, i) => {
      const more = known[i] === undefined ? byteLength : 0;
      if (used + more > this.#most) return false;
      used += more;
      return true;
    });
    for (const { key, bytes } of fitting) store.put(bytes, key);
    store.put({ ...head, used }, HEAD);
    await done;
    this.#isBegun = true;
    this.#isFull = fitting.length < parts.length;
    for (const { key } of fitting) this.#there?.add(String(key));
  }

  /** The head, of this version; undefined: another tab has begun another, or there is no room even for the beginning. */
  async #begin(store: IDBObjectStore): Promise<Head | undefined> {
    const { part, bytes } = this.#head;
    const head = await resultOf<Head | undefined>(store.get(HEAD));
    const isOurs = isOf(head, part);
    if (this.#isBegun) return isOurs ? head : undefined;
    if (bytes.length > this.#most) return undefined;
    if (!isOurs) store.clear();
    store.put(bytes.slice().buffer, FIRST);
    return isOurs ? head : { tag: part.tag, size: part.size, used: bytes.length };
  }

  async close(): Promise<void> {
    await this.#writing;
    this.#database.close();
  }
}

/** Reads by way of what is kept. */
function keptStoreOf(url: string, head: Fetched, { pageBytes, ...pages }: PagesShape, kept: Kept): PageStore {
  const store = storeOf(url, head);
  const codesBegin = SUPERBLOCK_BYTES + (pages.navigatorPages + pages.nodePages) * pageBytes;
  const isBeyondHead = ({ offset, into }: PageRead): boolean => offset + into.byteLength > head.bytes.length;
  const isPart = (read: PageRead): boolean =>
    isBeyondHead(read) &&
    (read.offset - SUPERBLOCK_BYTES) % pageBytes === 0 &&
    (read.into.byteLength === pageBytes ||
      (read.offset >= codesBegin && read.into.byteLength % pageBytes === 0));
  /** Codes are read before any other page; later, by what reads the file from end to end: that is not kept. */
  let isOpening = true;
  const isWorthKeeping = (read: PageRead): boolean =>
    isPart(read) && (isOpening || read.into.byteLength === pageBytes);
  const fetchAll = async (reads: readonly PageRead[], signal: AbortSignalLike | undefined): Promise<void> => {
    if (reads.length > 0) await store.read(reads, signal);
    await kept.keep(reads.filter(isWorthKeeping));
  };
  return {
    ...store,
    read: async (requests, signal) => {
      if (signal?.aborted) throw signal.reason;
      if (requests.some((read) => isBeyondHead(read) && read.offset < codesBegin)) isOpening = false;
      const others = requests.filter((read) => !isPart(read));
      const loaded = kept.load(requests.filter(isPart));
      await settleAll([fetchAll(others, signal), loaded.then((rest) => fetchAll(rest, signal))]);
    },
    close: async () => {
      await kept.close();
      await store.close();
    },
  };
}

/** `most`: bytes that may be kept. */
export async function keptStore(url: string, most: number, signal?: AbortSignalLike): Promise<PageStore> {
  const database = await openDatabase(url);
  try {
    const old = database && (await keptHead(database));
    const oldShape = old && shapeOf(old);
    if (database && old && oldShape) {
      const version = await askVersion(url, signal);
      if (!version || isOf(version, old.part))
        return keptStoreOf(url, old, oldShape, new Kept(database, old, oldShape, most, false));
    }
    const head = await fetchHead(url, signal);
    const shape = shapeOf(head);
    if (database && shape && head.part.tag !== "")
      return keptStoreOf(url, head, shape, new Kept(database, head, shape, most, true));
    database?.close();
    if (database) factory().deleteDatabase(nameOf(url));
    return storeOf(url, head);
  } catch (error) {
    database?.close();
    throw error;
  }
}
