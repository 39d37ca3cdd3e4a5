/** Files of Node, Deno and Bun. Node's modules load lazily: bundles for browsers never touch them. */
import { DiskAnnError } from "../core/errors.js";
import { nodeModule } from "../core/node.js";
import { type PageStore, settleAll } from "./page-store.js";
import { type ByteSink, ioError } from "./storage.js";

/** What is used of `node:fs/promises`. */
interface FileHandle {
  read(into: Uint8Array, offset: number, length: number, position: number): Promise<{ bytesRead: number }>;
  write(
    bytes: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ bytesWritten: number }>;
  stat(): Promise<{ size: number; isFile(): boolean }>;
  sync(): Promise<void>;
  close(): Promise<void>;
}
interface FileSystem {
  open(path: string, flags: string): Promise<FileHandle>;
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  realpath(path: string): Promise<string>;
}

let temporaryCount = 0;

function loadFileSystem(): Promise<FileSystem> {
  return nodeModule("node:fs/promises") as Promise<unknown> as Promise<FileSystem>;
}

async function readAll(file: FileHandle, path: string, position: number, into: Uint8Array): Promise<void> {
  let at = 0;
  while (at < into.byteLength) {
    const { bytesRead } = await file.read(into, at, into.byteLength - at, position + at);
    if (bytesRead === 0)
      throw new DiskAnnError("ERR_IO", `${path} ends before byte ${position + into.byteLength}`);
    at += bytesRead;
  }
}

async function writeAll(file: FileHandle, position: number, bytes: Uint8Array): Promise<void> {
  let at = 0;
  while (at < bytes.byteLength) {
    const { bytesWritten } = await file.write(bytes, at, bytes.byteLength - at, position + at);
    if (bytesWritten === 0) throw new DiskAnnError("ERR_IO", "the file takes no more bytes");
    at += bytesWritten;
  }
}

/** Opens a file for reading. */
export async function fileStore(path: string): Promise<PageStore> {
  const fail = (cause: unknown): never => {
    throw ioError(`cannot read ${path}`, cause);
  };
  const fs = await loadFileSystem();
  const file = await fs.open(path, "r").catch(fail);
  try {
    const stat = await file.stat().catch(fail);
    if (!stat.isFile()) throw new DiskAnnError("ERR_IO", `cannot read ${path}: it is not a file`);
    return {
      size: stat.size,
      capabilities: { kind: "file", concurrency: 8, granularity: 4096, synchronous: false, writable: true },
      read: async (requests, signal) => {
        if (signal?.aborted) throw signal.reason;
        await settleAll(requests.map(({ offset, into }) => readAll(file, path, offset, into).catch(fail)));
      },
      close: () => file.close().catch(fail),
    };
  } catch (error) {
    await file.close().catch(() => {});
    throw error;
  }
}

/** Makes the rename itself durable; platforms that cannot open a directory do it by themselves. */
async function syncDirectory(fs: FileSystem, directory: string): Promise<void> {
  const handle = await fs.open(directory, "r").catch(() => undefined);
  if (!handle) return;
  await handle.sync().catch(() => {});
  await handle.close().catch(() => {});
}

async function openTemporary(
  fs: FileSystem,
  target: string,
  flags = "wx",
): Promise<{ file: FileHandle; temporary: string }> {
  const { process } = globalThis as unknown as { process: { pid: number } };
  for (;;) {
    const unique = `${process.pid.toString(36)}-${(temporaryCount++).toString(36)}-${Date.now().toString(36)}`;
    const temporary = `${target}.${unique}.tmp`;
    try {
      return { file: await fs.open(temporary, flags), temporary };
    } catch (error) {
      if ((error as { code?: unknown }).code !== "EEXIST") throw error;
    }
  }
}

/** Writes beside the target; `commit` flushes to disk and renames over it. A link stays a link. */
export async function fileSink(path: string): Promise<ByteSink> {
  const fail = (cause: unknown): never => {
    throw ioError(`cannot write ${path}`, cause);
  };
  const fs = await loadFileSystem();
  const { dirname } = await nodeModule("node:path");
  const target = await fs.realpath(path).catch(() => path);
  const { file, temporary } = await openTemporary(fs, target).catch(fail);
  const drop = async (): Promise<void> => {
    await file.close().catch(() => {});
    await fs.unlink(temporary).catch(() => {});
  };
  return {
    write: (offset, bytes) => writeAll(file, offset, bytes).catch(fail),
    sync: () => file.sync().catch(fail),
    commit: async () => {
      try {
        await file.sync();
        await file.close();
        await fs.rename(temporary, target);
        await syncDirectory(fs, dirname(target));
      } catch (cause) {
        await drop();
        fail(cause);
      }
    },
    abort: drop,
  };
}

/** Bytes that are wanted for a while, in a file beside the target; it is gone when it is closed. */
export interface Spool {
  /** `bytes` is borrowed until the promise settles. */
  append(bytes: Uint8Array): Promise<void>;
  read(offset: number, into: Uint8Array): Promise<void>;
  /** Never rejects. */
  close(): Promise<void>;
}

export async function fileSpool(path: string): Promise<Spool> {
  const fs = await loadFileSystem();
  const target = await fs.realpath(path).catch(() => path);
  const { file, temporary } = await openTemporary(fs, target, "wx+").catch((cause) => {
    throw ioError(`cannot write beside ${path}`, cause);
  });
  const fail = (cause: unknown): never => {
    throw ioError(`cannot keep rows in ${temporary}`, cause);
  };
  let end = 0;
  return {
    append: async (bytes) => {
      await writeAll(file, end, bytes).catch(fail);
      end += bytes.byteLength;
    },
    read: (offset, into) => readAll(file, temporary, offset, into).catch(fail),
    close: async () => {
      await file.close().catch(() => {});
      await fs.unlink(temporary).catch(() => {});
    },
  };
}
