/**
 * Files behind HTTP. `httpSource` reads one as a whole, by a single request that any server answers; `httpStore` reads at many
 * places, by range requests. That all answers are of one file is seen by their ETag (or Last-Modified) and size: `If-Range` would
 * say it to the server, but a page may send it to another origin only where that has agreed to.
 */
import { onAbort } from "../core/abort.js";
import { DiskAnnError } from "../core/errors.js";
import type { AbortSignalLike } from "../core/types.js";
import { coalesce, type Range, scatter } from "./coalesce.js";
import { bytesStore } from "./memory.js";
import { type PageRead, type PageStore, settleAll, sourceOf } from "./page-store.js";
import { type ByteSource, ioError } from "./storage.js";

/** As many as a round of a search wants by default: it is to take one round trip. */
const CONCURRENCY = 32;
/** A gap that costs less to read than another request. */
const GAP_BYTES_MAX = 2 ** 14;
const GRANULARITY = 2 ** 15;
const RANGE_BYTES_MAX = 2 ** 21;
/** What the first request fetches: the superblock of an index and its navigator, with which a search can begin. */
const HEAD_BYTES = 4096 + 2 ** 17;

export function failed(url: string, what: string): DiskAnnError {
  return new DiskAnnError("ERR_IO", `cannot read ${url}: ${what}`);
}

function unsupported(url: string, what: string): DiskAnnError {
  return new DiskAnnError("ERR_UNSUPPORTED", `cannot read parts of ${url}: ${what}`);
}

/** A request under way: `end` lets go of the signal and, if the body is not read to its end, of the connection. */
export interface Answer {
  readonly response: Response;
  readonly end: () => void;
}

/** Whatever the server answers. */
export async function request(
  url: string,
  init: RequestInit,
  signal: AbortSignalLike | undefined,
): Promise<Answer> {
  if (signal?.aborted) throw signal.reason;
  const controller = new AbortController();
  const unlisten = signal ? onAbort(signal, () => controller.abort(signal.reason)) : () => {};
  const end = (): void => {
    unlisten();
    controller.abort();
  };
  try {
    return { response: await fetch(url, { ...init, signal: controller.signal }), end };
  } catch (cause) {
    end();
    throw ioError(`cannot read ${url}`, reasonOf(cause));
  }
}

/** Ends an answer that is an error. */
export function checkAnswer(url: string, answer: Answer): Answer {
  const { status, statusText } = answer.response;
  if (status < 400) return answer;
  answer.end();
  throw failed(url, `HTTP ${status} ${statusText}`.trim());
}

async function get(url: string, init: RequestInit, signal: AbortSignalLike | undefined): Promise<Answer> {
  return checkAnswer(url, await request(url, init, signal));
}

/** Node says only "fetch failed"; why is in the cause. */
export function reasonOf(error: unknown): unknown {
  const { cause } = error as { cause?: unknown };
  return cause instanceof Error && !(error instanceof DiskAnnError) ? cause : error;
}

function isEncoded({ headers }: Response): boolean {
  return (headers.get("content-encoding") ?? "identity") !== "identity";
}

/** Of the body as it arrives; undefined where the server does not say. */
export function sizeOf(response: Response): number | undefined {
  const length = response.headers.get("content-length");
  return length === null || isEncoded(response) || !response.body ? undefined : Number(length);
}

/** A body, read as it arrives. */
export class Download implements ByteSource {
  readonly size: number;
  readonly #url: string;
  readonly #end: () => void;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #position = 0;
  /** What has arrived from `#position` on. */
  #piece = new Uint8Array(0);

  constructor(url: string, size: number, body: ReadableStream<Uint8Array>, end: () => void) {
    this.size = size;
    this.#url = url;
    this.#end = end;
    this.#reader = body.getReader();
  }

  async read(offset: number, into: Uint8Array): Promise<void> {
    await this.#take(offset - this.#position, () => {});
    await this.#take(into.byteLength, (piece, at) => into.set(piece, at));
  }

  async close(): Promise<void> {
    this.#end();
  }

  /** The next `length` bytes, piece by piece. */
  async #take(length: number, use: (piece: Uint8Array, at: number) => void): Promise<void> {
    for (let at = 0; at < length; ) {
      if (this.#piece.length === 0) this.#piece = await this.#next();
      const piece = this.#piece.subarray(0, length - at);
      use(piece, at);
      at += piece.length;
      this.#position += piece.length;
      this.#piece = this.#piece.subarray(piece.length);
    }
  }

  async #next(): Promise<Uint8Array<ArrayBuffer>> {
    const { value } = await this.#reader
      .read()
      .catch((cause: unknown) => Promise.reject(ioError(`cannot read ${this.#url}`, reasonOf(cause))));
    if (value) return value as Uint8Array<ArrayBuffer>;
    throw failed(this.#url, `it ended after ${this.#position} of ${this.size} bytes`);
  }
}

/** All of a file, from the beginning to the end. One without a length, or compressed on the way, is fetched before. */
export async function httpSource(url: string, signal?: AbortSignalLike): Promise<ByteSource> {
  const { response, end } = await get(url, {}, signal);
  const size = sizeOf(response);
  if (size !== undefined) return new Download(url, size, response.body as ReadableStream<Uint8Array>, end);
  return sourceOf(bytesStore(new Uint8Array(await bodyOf(url, { response, end }))));
}

async function bodyOf(url: string, { response, end }: Answer): Promise<ArrayBuffer> {
  try {
    return await response.arrayBuffer();
  } catch (cause) {
    throw ioError(`cannot read ${url}`, reasonOf(cause));
  } finally {
    end();
  }
}

/** What an answer to a range request says of the file. */
export interface Part {
  readonly begin: number;
  readonly end: number;
  readonly size: number;
  readonly tag: string;
}

/** Tells versions of a file apart; empty where the server does not. */
export function tagOf(headers: Headers): string {
  return headers.get("etag") ?? headers.get("last-modified") ?? "";
}

const CORS = "let it send Access-Control-Expose-Headers: Content-Range, ETag";

export function partOf(url: string, { status, headers }: Response): Part {
  if (status !== 206)
    throw unsupported(
      url,
      `the server answers with all of it (HTTP ${status}); let it serve range requests (Accept-Ranges: bytes)`,
    );
  if (isEncoded({ headers } as Response))
    throw unsupported(url, "the server compresses it; let it send the file as it is (no Content-Encoding)");
  const range = headers.get("content-range");
  if (range === null)
    throw unsupported(url, `its server does not let this page see which part it sends; ${CORS}`);
  const [, begin, last, size] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(range) ?? [];
  if (size === undefined) throw failed(url, `the server sent a part that it calls "${range}"`);
  return { begin: Number(begin), end: Number(last) + 1, size: Number(size), tag: tagOf(headers) };
}

/** Some bytes, and which file they are of. */
export interface Fetched {
  readonly part: Pick<Part, "size" | "tag">;
  readonly bytes: Uint8Array;
}

/** Past the cache of the browser: it would let requests for one file wait for each other. */
async function fetchPart(
  url: string,
  { offset, length }: Pick<Range, "offset" | "length">,
  signal: AbortSignalLike | undefined,
): Promise<Fetched> {
  const headers = { range: `bytes=${offset}-${offset + length - 1}` };
  const answer = await get(url, { headers, cache: "no-store" }, signal);
  try {
    const part = partOf(url, answer.response);
    const bytes = new Uint8Array(await bodyOf(url, answer));
    if (part.begin !== offset || bytes.length !== part.end - part.begin)
      throw failed(url, `${bytes.length} bytes came from ${part.begin}, asked were ${length} from ${offset}`);
    return { part, bytes };
  } finally {
    answer.end();
  }
}

/** At most so many at once; the others wait for their turn. */
class Gate {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(free: number) {
    this.#free = free;
  }

  async run(work: () => Promise<void>): Promise<void> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free++;
    }
  }
}

/** The first bytes, with which a search can begin. `ERR_UNSUPPORTED`, and how to configure it, where the server sends no parts. */
export async function fetchHead(url: string, signal?: AbortSignalLike): Promise<Fetched> {
  const head = await fetchPart(url, { offset: 0, length: HEAD_BYTES }, signal);
  const { part, bytes } = head;
  if (bytes.length !== Math.min(HEAD_BYTES, part.size))
    throw failed(url, `${bytes.length} bytes came where it begins`);
  return head;
}

/** A file to be read in parts. */
export async function httpStore(url: string, signal?: AbortSignalLike): Promise<PageStore> {
  return storeOf(url, await fetchHead(url, signal));
}

/** The file of which these are the first bytes. */
export function storeOf(url: string, { part: first, bytes: head }: Fetched): PageStore {
  const gate = new Gate(CONCURRENCY);
  const readRange = async (range: Range, stop: AbortSignalLike): Promise<void> => {
    const { part, bytes } = await fetchPart(url, range, stop);
    if (part.tag !== first.tag || part.size !== first.size)
      throw failed(url, "it was replaced while it was read: open it again");
    if (bytes.length !== range.length)
      throw failed(url, `it ends before byte ${range.offset + range.length}`);
    scatter(range, bytes);
  };
  return {
    size: first.size,
    capabilities: {
      kind: "http",
      concurrency: CONCURRENCY,
      granularity: GRANULARITY,
      synchronous: false,
      writable: false,
    },
    read: async (requests, outer) => {
      if (outer?.aborted) throw outer.reason;
      await readRound(takeHead(requests, head), gate, readRange, outer);
    },
    close: async () => {},
  };
}

/** Serves what came with the first request; returns the rest. */
function takeHead(requests: readonly PageRead[], head: Uint8Array): readonly PageRead[] {
  const isThere = ({ offset, into }: PageRead): boolean => offset + into.byteLength <= head.byteLength;
  for (const { offset, into } of requests.filter(isThere))
    into.set(head.subarray(offset, offset + into.byteLength));
  return requests.filter((request) => !isThere(request));
}

/** The first range that fails stops the others of its round. */
async function readRound(
  requests: readonly PageRead[],
  gate: Gate,
  readRange: (range: Range, stop: AbortSignalLike) => Promise<void>,
  outer: AbortSignalLike | undefined,
): Promise<void> {
  const stop = new AbortController();
  const unlisten = outer ? onAbort(outer, () => stop.abort(outer.reason)) : () => {};
  if (outer?.aborted) stop.abort(outer.reason);
  const ranges = coalesce(requests, GAP_BYTES_MAX, RANGE_BYTES_MAX);
  const reads = ranges.map((range) =>
    gate
      .run(() => readRange(range, stop.signal))
      .catch((error: unknown) => {
        stop.abort(error);
        throw error;
      }),
  );
  try {
    await settleAll(reads);
  } finally {
    unlisten();
  }
}
