/** Reading a file at positions, and replacing a file in one step. Node only; its modules are imported on use. */
import type { FileHandle } from "node:fs/promises";
import { DiskAnnError } from "../../core/errors.js";

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

/** A failure of the file system as an `ERR_IO` that says which file and why. */
export function ioError(action: "read" | "write", path: string, cause: unknown): DiskAnnError {
  if (cause instanceof DiskAnnError) return cause;
  const code = (cause as { code?: unknown } | null)?.code;
  const reason = (typeof code === "string" ? REASONS[code] : undefined) ?? String(cause);
  return new DiskAnnError("ERR_IO", `cannot ${action} ${path}: ${reason}`, { cause });
}

/** A file open for reading; its size is taken once. */
export class InputFile {
  readonly path: string;
  readonly size: number;
  readonly #handle: FileHandle;

  private constructor(path: string, handle: FileHandle, size: number) {
    this.path = path;
    this.#handle = handle;
    this.size = size;
  }

  static async open(path: string): Promise<InputFile> {
    try {
      const { open } = await import("node:fs/promises");
      const handle = await open(path, "r");
      const stat = await handle.stat();
      if (!stat.isFile()) {
        await handle.close();
        throw new DiskAnnError("ERR_IO", `cannot read ${path}: it is not a regular file`);
      }
      return new InputFile(path, handle, stat.size);
    } catch (error) {
      throw ioError("read", path, error);
    }
  }

  /** Exactly `length` bytes from `position`; fewer are `ERR_CORRUPT`, since headers are checked against the size. */
  async read(position: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = new Uint8Array(length);
    let filled = 0;
    while (filled < length) {
      const { bytesRead } = await this.#handle
        .read(bytes, filled, length - filled, position + filled)
        .catch((error: unknown) => {
          throw ioError("read", this.path, error);
        });
      if (bytesRead === 0)
        throw new DiskAnnError(
          "ERR_CORRUPT",
          `${this.path}: ends at byte ${position + filled} while being read`,
        );
      filled += bytesRead;
    }
    return bytes;
  }

  /** At most `length` bytes from the start. */
  head(length: number): Promise<Uint8Array<ArrayBuffer>> {
    return this.read(0, Math.min(length, this.size));
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

/** A file that comes into being whole or not at all: written beside its place, flushed, then renamed. */
export class OutputFile {
  readonly path: string;
  readonly #temporary: string;
  #handle: FileHandle | undefined;
  #position = 0;

  private constructor(path: string, temporary: string, handle: FileHandle) {
    this.path = path;
    this.#temporary = temporary;
    this.#handle = handle;
  }

  static async create(path: string): Promise<OutputFile> {
    try {
      const { open, stat } = await import("node:fs/promises");
      const existing = await stat(path).catch(() => undefined);
      if (existing !== undefined && !existing.isFile())
        throw new DiskAnnError("ERR_IO", `cannot write ${path}: it exists and is not a regular file`);
      const temporary = `${path}.${process.pid}.${Math.random().toString(36).slice(2, 8)}.tmp`;
      return new OutputFile(path, temporary, await open(temporary, "wx"));
    } catch (error) {
      throw ioError("write", path, error);
    }
  }

  /** Appends; or, with a position, overwrites what was written there. */
  async write(bytes: Uint8Array, position?: number): Promise<void> {
    const handle = this.#handle;
    if (handle === undefined) throw new DiskAnnError("ERR_CLOSED", `${this.path} is not open for writing`);
    const start = position ?? this.#position;
    let written = 0;
    try {
      while (written < bytes.length) {
        const result = await handle.write(bytes, written, bytes.length - written, start + written);
        written += result.bytesWritten;
      }
    } catch (error) {
      throw ioError("write", this.path, error);
    }
    if (position === undefined) this.#position += bytes.length;
  }

  async commit(): Promise<void> {
    const handle = this.#handle;
    if (handle === undefined) throw new DiskAnnError("ERR_CLOSED", `${this.path} is not open for writing`);
    try {
      await handle.sync();
      this.#handle = undefined;
      await handle.close();
      const { rename } = await import("node:fs/promises");
      await rename(this.#temporary, this.path);
    } catch (error) {
      await this.#remove();
      throw ioError("write", this.path, error);
    }
  }

  /** Leaves what was there before. After `commit` it does nothing. */
  async discard(): Promise<void> {
    const handle = this.#handle;
    if (handle === undefined) return;
    this.#handle = undefined;
    await handle.close().catch(() => undefined);
    await this.#remove();
  }

  async #remove(): Promise<void> {
    const { rm } = await import("node:fs/promises");
    await rm(this.#temporary, { force: true }).catch(() => undefined);
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
