/**
 * The file of an index, from wherever it is to a place: checked while it is copied, and put there whole or not at all. The lock of
 * the place is held from the beginning, so that a second import or save is refused before it has done anything.
 */
import { DiskAnnError } from "../core/errors.js";
import { nextTask } from "../core/task.js";
import type { AbortSignalLike, CallOptions, ImportReport } from "../core/types.js";
import { guardWrite, isNamed, placeName } from "./browser.js";
import { checkPage, checkSuperblock, pageNumber, SUPERBLOCK_BYTES } from "./check-file.js";
import { download } from "./download.js";
import { openPartsStore, Parts, type PartsStore } from "./parts.js";
import { openSink, openSource, type StorageSource, type StorageTarget } from "./select.js";
import type { ByteSink, ByteSource } from "./storage.js";

/** Checked and copied at once: a few milliseconds. */
const SLAB_BYTES = 2 ** 20;

function throwIfAborted(signal: AbortSignalLike | undefined): void {
  if (signal?.aborted) throw signal.reason;
}

/** Reads all of it, once. */
async function copyChecked(
  source: ByteSource,
  sink: ByteSink,
  { signal, onProgress }: CallOptions,
): Promise<void> {
  const { size } = source;
  if (size < SUPERBLOCK_BYTES)
    throw new DiskAnnError("ERR_CORRUPT", `not an undamaged index: it has ${size} bytes only`);
  const first = new Uint8Array(SUPERBLOCK_BYTES);
  await source.read(0, first);
  const shape = checkSuperblock(first, size);
  const { pageBytes } = shape;
  await sink.write(0, first);
  const slab = new Uint8Array(pageBytes * Math.max(1, Math.floor(SLAB_BYTES / pageBytes)));
  for (let at = SUPERBLOCK_BYTES; at < size; ) {
    const piece = slab.subarray(0, size - at);
    await source.read(at, piece);
    for (let page = 0; page < piece.length; page += pageBytes)
      checkPage(
        piece.subarray(page, page + pageBytes),
        pageNumber((at + page - SUPERBLOCK_BYTES) / pageBytes, shape),
      );
    await sink.write(at, piece);
    at += piece.length;
    onProgress?.({ phase: "check", done: at, total: size });
    await nextTask();
    throwIfAborted(signal);
  }
}

/** An import on its way. */
interface Import {
  readonly sink: ByteSink;
  readonly control: CallOptions;
  /** Length of the file, once it is known. */
  bytes: number;
  /** Of them, those that were there before. */
  resumed: number;
}

async function copyFrom(source: StorageSource, work: Import): Promise<void> {
  const file = await openSource(source, work.control.signal);
  try {
    work.bytes = file.size;
    await copyChecked(file, work.sink, work.control);
  } finally {
    await file.close();
  }
}

/** By way of parts, which outlive this call when it fails. */
async function copyByParts(url: string, store: PartsStore, work: Import): Promise<void> {
  const parts = await Parts.open(store, url);
  const before = { tag: parts.head?.tag, received: parts.received };
  const told = (done: number, total: number): void => {
    work.bytes = total;
    work.control.onProgress?.({ phase: "read", done, total });
  };
  if (!(await download(url, parts, told, work.control.signal))) return copyFrom({ kind: "http", url }, work);
  work.bytes = parts.received;
  if (before.tag === parts.head?.tag) work.resumed = before.received;
  await copyChecked(parts.source(), work.sink, work.control);
}

/** Whether what has come so far is of use to the next import. */
function isWorthKeeping(error: unknown): boolean {
  const { code, cause } = error as { code?: unknown; cause?: unknown };
  return code !== "ERR_CORRUPT" && code !== "ERR_VERSION" && !isNamed(cause, "QuotaExceededError");
}

async function fill(source: StorageSource, store: PartsStore | undefined, place: string, work: Import) {
  if (!store || source.kind !== "http") return copyFrom(source, work);
  try {
    await guardWrite(place, () => work.bytes, copyByParts(source.url, store, work));
  } catch (error) {
    if (!isWorthKeeping(error)) await store.remove().catch(() => {});
    throw error;
  }
}

export async function importFile(
  source: StorageSource,
  target: StorageTarget,
  control: CallOptions,
): Promise<ImportReport> {
  throwIfAborted(control.signal);
  const isKept = target.kind === "opfs" || target.kind === "idb";
  const size = { bytes: 0, resumed: 0 };
  const work: Import = Object.assign(size, { sink: await openSink(target, () => size.bytes), control });
  let store: PartsStore | undefined;
  try {
    try {
      if (isKept && source.kind === "http") store = await openPartsStore(target);
      await fill(source, store, isKept ? placeName(target) : "", work);
    } catch (error) {
      await work.sink.abort(error);
      throw error;
    }
    await work.sink.commit();
    await store?.remove().catch(() => {});
  } finally {
    store?.close();
  }
  return { bytes: work.bytes, resumed: work.resumed };
}
