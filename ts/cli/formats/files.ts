/** Reading a file at positions, and replacing a file in one step, with errors for people. Node only. */
import { DiskAnnError } from "../../core/errors.js";
import { fileSink, fileStore } from "../../storage/file.js";
import type { PageStore } from "../../storage/page-store.js";
import type { ByteSink } from "../../storage/storage.js";

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "no such file or folder",
  EACCES: "permission denied",
  EPERM: "permission denied",
  EISDIR: "it is a folder",
  ENOTDIR: "a part of its path is not a folder",
  ENOSPC: "no space left on the device",
  EMFILE: "too many open files",
  EROFS: "the file system is read-only",
};

function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === "string" ? code : undefined;
}

/** A failure of the file system as an `ERR_IO` that says which file and why. */
export function ioError(action: "read" | "write", path: string, error: unknown): DiskAnnError {
  const cause = error instanceof DiskAnnError ? error.cause : error;
  const reason = REASONS[codeOf(cause) ?? ""];
  if (reason !== undefined)
    return new DiskAnnError("ERR_IO", `cannot ${action} ${path}: ${reason}`, { cause });
  if (error instanceof DiskAnnError) return error;
  return new DiskAnnError("ERR_IO", `cannot ${action} ${path}: ${String(error)}`, { cause });
}

/** A file open for reading; its size is taken once. */
export class InputFile {
  readonly path: string;
  readonly #store: PageStore;

  private constructor(path: string, store: PageStore) {
    this.path = path;
    this.#store = store;
  }

  static async open(path: string): Promise<InputFile> {
    try {
      return new InputFile(path, await fileStore(path));
    } catch (error) {
      throw ioError("read", path, error);
    }
  }

  get size(): number {
    return this.#store.size;
  }

  /** Exactly `length` bytes from `position`; headers are checked against the size before. */
  async read(
    position: number,
    length: number,
    bytes = new Uint8Array(length),
  ): Promise<Uint8Array<ArrayBuffer>> {
    try {
      await this.#store.read([{ offset: position, into: bytes }]);
    } catch (error) {
      throw ioError("read", this.path, error);
    }
    return bytes;
  }

  /** At most `length` bytes from the start. */
  head(length: number): Promise<Uint8Array<ArrayBuffer>> {
    return this.read(0, Math.min(length, this.size));
  }

  close(): Promise<void> {
    return this.#store.close();
  }
}

/** Fails before the work, not after it, when a file has no place to go. */
export async function checkWritable(path: string): Promise<void> {
  const { access, constants, stat } = await import("node:fs/promises");
  const { dirname } = await import("node:path");
  const existing = await stat(path).catch(() => undefined);
  if (existing !== undefined && !existing.isFile())
    throw new DiskAnnError("ERR_IO", `cannot write ${path}: it exists and is not a regular file`);
  try {
    await access(dirname(path), constants.W_OK);
  } catch (error) {
    throw ioError("write", path, error);
  }
}

/** A file that comes into being whole or not at all. */
export class OutputFile {
  readonly path: string;
  #sink: ByteSink | undefined;
  #position = 0;

  private constructor(path: string, sink: ByteSink) {
    this.path = path;
    this.#sink = sink;
  }

  static async create(path: string): Promise<OutputFile> {
    await checkWritable(path);
    try {
      return new OutputFile(path, await fileSink(path));
    } catch (error) {
      throw ioError("write", path, error);
    }
  }

  /** Appends; or, with a position, overwrites what was written there. */
  async write(bytes: Uint8Array, position?: number): Promise<void> {
    try {
      await this.#open().write(position ?? this.#position, bytes);
    } catch (error) {
      throw ioError("write", this.path, error);
    }
    if (position === undefined) this.#position += bytes.length;
  }

  async commit(): Promise<void> {
    const sink = this.#open();
    this.#sink = undefined;
    try {
      await sink.commit();
    } catch (error) {
      throw ioError("write", this.path, error);
    }
  }

  /** Leaves what was there before. After `commit` it does nothing. */
  async discard(): Promise<void> {
    const sink = this.#sink;
    this.#sink = undefined;
    await sink?.abort();
  }

  #open(): ByteSink {
    if (this.#sink !== undefined) return this.#sink;
    throw new DiskAnnError("ERR_CLOSED", `${this.path} is not open for writing`);
  }
}

/** Writes one whole file. */
export async function writeWholeFile(path: string, bytes: Uint8Array | string): Promise<void> {
  const file = await OutputFile.create(path);
  try {
    await file.write(typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes);
    await file.commit();
  } catch (error) {
    await file.discard();
    throw error;
  }
}
