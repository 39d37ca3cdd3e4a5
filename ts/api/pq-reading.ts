/** Reading the files of a product quantiser, wherever they lie. */
import type { PqParts } from "../backend/pq.js";
import { DiskAnnError } from "../core/errors.js";
import type { Codes } from "../core/pq-types.js";
import type { AbortSignalLike } from "../core/types.js";
import { PIVOT_BYTES_MAX, readCodeHeader, readPivots } from "../storage/pq-files.js";
import { openSource, openStore, type StorageSource } from "../storage/select.js";
import type { ByteSource } from "../storage/storage.js";

/** Of a call: what ends it early. */
interface Call {
  readonly signal?: AbortSignalLike | undefined;
}

/** A rotation (OPQ) lies in a file of its own beside the pivots. */
async function refuseRotation(source: StorageSource): Promise<void> {
  if (source.kind !== "path") return;
  const path = `${source.path}_rotation_matrix.bin`;
  const file = await openStore({ kind: "path", path }).catch(() => undefined);
  if (file === undefined) return;
  await file.close();
  throw new DiskAnnError(
    "ERR_UNSUPPORTED",
    `these pivots are for rotated vectors (OPQ), which are not supported: there is ${path}`,
  );
}

export async function readWhole(source: ByteSource, begin: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  await source.read(begin, bytes);
  return bytes;
}

/** Opens, uses and closes a source. */
export async function withSource<T>(
  source: StorageSource,
  call: Call,
  use: (bytes: ByteSource) => Promise<T>,
): Promise<T> {
  const bytes = await openSource(source, call.signal);
  try {
    if (call.signal?.aborted) throw call.signal.reason;
    return await use(bytes);
  } finally {
    await bytes.close();
  }
}

export async function readParts(source: StorageSource, call: Call): Promise<PqParts> {
  await refuseRotation(source);
  return withSource(source, call, async (bytes) => {
    if (bytes.size > PIVOT_BYTES_MAX)
      throw new DiskAnnError(
        "ERR_CORRUPT",
        `${bytes.size} bytes are no file of pivots: none is longer than 68 MB`,
      );
    return readPivots(await readWhole(bytes, 0, bytes.size));
  });
}

const HEAD_BYTES = 8;

/** Rows and chunks of a file of codes, whose length is held against them. */
export async function readCodeShape(bytes: ByteSource): Promise<{ count: number; chunks: number }> {
  return readCodeHeader(await readWhole(bytes, 0, Math.min(HEAD_BYTES, bytes.size)), bytes.size);
}

export async function readCodes(source: StorageSource, call: Call): Promise<Codes> {
  return withSource(source, call, async (bytes) => {
    const { count, chunks } = await readCodeShape(bytes);
    return { count, chunks, codes: await readWhole(bytes, HEAD_BYTES, count * chunks) };
  });
}
