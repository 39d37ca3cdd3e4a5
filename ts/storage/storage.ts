/**
 * Bytes of an index outside memory. A backend that does no file I/O of its own reads and writes through these two;
 * all methods are called one at a time.
 */
import { DiskAnnError } from "../core/errors.js";
import type { BlobLike, FileHandleLike } from "../core/types.js";

/** Reads in slices; `close` once, at the end. */
export interface ByteSource {
  readonly size: number;
  /** Fills `into` from `offset`; rejects with `ERR_IO` when the bytes are not there. `into` is borrowed until then. */
  read(offset: number, into: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/** Writes that become visible at once, with `commit`, or never. */
export interface ByteSink {
  /** `bytes` is borrowed until the promise settles. */
  write(offset: number, bytes: Uint8Array): Promise<void>;
  /** What was written survives a crash from here on, where the platform can promise it. */
  sync(): Promise<void>;
  /** Puts the bytes where they belong. Ends the sink. */
  commit(): Promise<void>;
  /** Leaves the target as it was. Ends the sink; never rejects. */
  abort(reason?: unknown): Promise<void>;
}

/** The error of failed reading or writing; an error of ours passes through. */
export function ioError(what: string, cause: unknown): DiskAnnError {
  if (cause instanceof DiskAnnError) return cause;
  const text = cause instanceof Error ? cause.message : String(cause);
  return new DiskAnnError("ERR_IO", `${what}: ${text}`, { cause });
}

/** True where paths lead somewhere: Node, Deno, Bun, Electron. */
export function hasFileSystem(): boolean {
  const { process } = globalThis as { process?: { versions?: { node?: string } } };
  return typeof process?.versions?.node === "string";
}

/** Bytes in memory; they are not copied. */
export function bytesSource(bytes: Uint8Array): ByteSource {
  const size = bytes.byteLength;
  return {
    size,
    read: async (offset, into) => {
      if (bytes.byteLength !== size)
        throw new DiskAnnError("ERR_IO", "the bytes were transferred or resized while reading");
      if (offset + into.byteLength > size)
        throw new DiskAnnError("ERR_IO", "a read past the end of the bytes");
      into.set(bytes.subarray(offset, offset + into.byteLength));
    },
    close: async () => {},
  };
}

/** A `Blob` or `File`, read slice by slice. */
export function blobSource(blob: BlobLike): ByteSource {
  return {
    size: blob.size,
    read: async (offset, into) => {
      const end = offset + into.byteLength;
      const slice = await blob
        .slice(offset, end)
        .arrayBuffer()
        .catch((cause: unknown) => Promise.reject(ioError("cannot read the blob", cause)));
      if (slice.byteLength !== into.byteLength)
        throw new DiskAnnError("ERR_IO", `the blob ends before byte ${end}`);
      into.set(new Uint8Array(slice));
    },
    close: async () => {},
  };
}

function copyOf(bytes: Uint8Array): ArrayBuffer {
  const copy = new ArrayBuffer(bytes.byteLength);
  new Uint8Array(copy).set(bytes);
  return copy;
}

/** A `FileSystemFileHandle`: `createWritable` writes to a swap file, `close` puts it in place at once. */
export async function handleSink(handle: FileHandleLike): Promise<ByteSink> {
  const guard = <T>(work: Promise<T>): Promise<T> =>
    work.catch((cause: unknown) => Promise.reject(ioError("cannot write to the file handle", cause)));
  const stream = await guard(handle.createWritable({ keepExistingData: false }));
  return {
    write: (position, bytes) => guard(stream.write({ type: "write", position, data: copyOf(bytes) })),
    sync: async () => {},
    commit: () => guard(stream.close()),
    abort: async (reason) => {
      await stream.abort?.(reason).catch(() => {});
    },
  };
}
