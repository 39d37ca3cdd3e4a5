/**
 * Downloads that go on where they stopped: what has come is kept in parts beside the place that it is for. That the rest is of the same
 * file is seen by `ETag` or `Last-Modified` and size; where it is not, the download starts anew.
 */
import { onAbort } from "../core/abort.js";
import { DiskAnnError } from "../core/errors.js";
import type { AbortSignalLike } from "../core/types.js";
import { type Answer, checkAnswer, partOf, reasonOf, request, sizeOf, tagOf } from "./http.js";
import type { Parts } from "./parts.js";
import { ioError } from "./storage.js";

/** What a crash may lose. */
const PART_BYTES = 2 ** 22;
/** How often in a row a connection may break before anything new has come. */
const FAILURES_MAX = 6;
const PAUSE_MS = 250;

/** Told as bytes come. */
export type Received = (done: number, total: number) => void;

/** A body, from where it begins. */
interface Body {
  readonly answer: Answer;
  readonly size: number;
  readonly tag: string;
  readonly begin: number;
}

/** The connection broke: another may do better. */
class Broken {
  readonly error: DiskAnnError;

  constructor(url: string, cause: unknown) {
    this.error = ioError(`cannot read ${url}`, reasonOf(cause));
  }
}

/** Other origins must have agreed to a header like this; a weak tag is not for it. */
function mayCondition(url: string, tag: string): boolean {
  const { location } = globalThis as { location?: { origin?: string } };
  return tag.startsWith('"') && (location?.origin === undefined || location.origin === new URL(url).origin);
}

async function ask(url: string, init: RequestInit, signal: AbortSignalLike | undefined): Promise<Answer> {
  try {
    return await request(url, { ...init, cache: "no-store" }, signal);
  } catch (cause) {
    if (signal?.aborted) throw signal.reason;
    throw new Broken(url, cause);
  }
}

/** All of the file; undefined where it cannot be told how long it is, or which version. */
async function askAll(url: string, signal: AbortSignalLike | undefined): Promise<Body | undefined> {
  const answer = await ask(url, {}, signal);
  if (answer.response.status >= 500) throw brokenBy(url, answer);
  return wholeOf(checkAnswer(url, answer));
}

function wholeOf(answer: Answer): Body | undefined {
  const size = sizeOf(answer.response);
  const tag = tagOf(answer.response.headers);
  if (size !== undefined && tag !== "" && answer.response.status === 200)
    return { answer, size, tag, begin: 0 };
  answer.end();
  return undefined;
}

function brokenBy(url: string, answer: Answer): Broken {
  answer.end();
  return new Broken(url, new Error(`HTTP ${answer.response.status}`));
}

/** What is missing of a file of which some is there, or all of it where that is another by now. */
async function askRest(
  url: string,
  { head, received }: Parts,
  signal: AbortSignalLike | undefined,
): Promise<Body | undefined> {
  if (!head || received === 0 || received >= head.size) return askAll(url, signal);
  const headers: Record<string, string> = { range: `bytes=${received}-${head.size - 1}` };
  if (mayCondition(url, head.tag)) headers["if-range"] = head.tag;
  const answer = await ask(url, { headers }, signal);
  const { status } = answer.response;
  if (status >= 500) throw brokenBy(url, answer);
  if (status === 200) return wholeOf(answer);
  try {
    const { begin, size, tag } = partOf(url, answer.response);
    if (begin === received && size === head.size && tag === head.tag) return { answer, size, tag, begin };
  } catch {
    // What is not understood is asked for in full.
  }
  answer.end();
  return askAll(url, signal);
}

/** All was there, but did not get into its place; the server still has the same. */
function isComplete({ head, received }: Parts, { size, tag }: Body): boolean {
  return head?.tag === tag && head.size === size && received === size;
}

/** Keeps a body as it comes; when it breaks off, what has come is kept too. */
async function receive(url: string, { answer, size, tag, begin }: Body, parts: Parts, told: Received) {
  if (begin === 0) await parts.begin({ url, tag, size });
  const reader = (answer.response.body as ReadableStream<Uint8Array>).getReader();
  const buffer = new Uint8Array(PART_BYTES);
  let filled = 0;
  const flush = async (): Promise<void> => {
    if (filled > 0) await parts.append(buffer.subarray(0, filled));
    filled = 0;
  };
  for (;;) {
    const { value } = await reader.read().catch(async (cause: unknown) => {
      await flush();
      throw new Broken(url, cause);
    });
    if (!value) break;
    for (let at = 0; at < value.length; ) {
      const piece = value.subarray(at, at + PART_BYTES - filled);
      buffer.set(piece, filled);
      filled += piece.length;
      at += piece.length;
      if (filled === PART_BYTES) await flush();
    }
    told(parts.received + filled, size);
  }
  await flush();
  if (parts.received < size)
    throw new Broken(url, new Error(`it ended after ${parts.received} of ${size} bytes`));
  if (parts.received > size)
    throw new DiskAnnError("ERR_IO", `cannot read ${url}: more than ${size} bytes came`);
}

function pause(ms: number, signal: AbortSignalLike | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const forget = signal ? onAbort(signal, () => end(() => reject(signal.reason))) : () => {};
    const timer = setTimeout(() => end(resolve), ms);
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      forget();
      settle();
    };
  });
}

async function attempt(url: string, parts: Parts, told: Received, signal: AbortSignalLike | undefined) {
  const body = await askRest(url, parts, signal);
  if (!body) return false;
  try {
    if (!isComplete(parts, body)) await receive(url, body, parts, told);
    return true;
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    throw error;
  } finally {
    body.answer.end();
  }
}

/**
 * Completes `parts`. False: the server does not say what is needed to go on later. A connection that breaks is made anew, as long as
 * something has come of it; one that cannot be made in the first place is an error.
 */
export async function download(
  url: string,
  parts: Parts,
  told: Received,
  signal: AbortSignalLike | undefined,
): Promise<boolean> {
  let most = parts.received;
  for (let failures = 0; ; ) {
    try {
      return await attempt(url, parts, told, signal);
    } catch (error) {
      if (!(error instanceof Broken)) throw error;
      failures = parts.received > most ? 1 : failures + 1;
      const hopeless = failures === 1 && parts.received <= most;
      most = Math.max(most, parts.received);
      if (hopeless || failures > FAILURES_MAX) throw error.error;
      await pause(PAUSE_MS * 2 ** (failures - 1), signal);
    }
  }
}
