/**
 * All bytes of an index, on their way in or out. A backend that does no file I/O of its own opens and saves through these two;
 * all methods are called one at a time.
 */
import { DiskAnnError } from "../core/errors.js";

/** Reads in slices, from the beginning to the end; `close` once. */
export interface ByteSource {
  readonly size: number;
  /**
   * Fills `into` from `offset`, which is not before the end of an earlier read; rejects with `ERR_IO` when the bytes are not there.
   * `into` is borrowed until then.
   */
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
