/**
 * Files of the browser's private file system, `opfs:/folder/name`. A dedicated worker reads through a synchronous handle, in
 * common with others where the browser can; everyone else reads slices. The browser itself replaces files atomically: what a
 * writable stream was given is in place when it is closed, or never.
 */
import { DiskAnnError } from "../core/errors.js";
import { blobStore } from "./blob.js";
import { lockedSink, type Needed } from "./browser.js";
import { handleSink } from "./handle.js";
import type { PageRead, PageStore } from "./page-store.js";
import { type ByteSink, ioError } from "./storage.js";

/** What is used of a `FileSystemSyncAccessHandle`. */
interface SyncHandle {
  read(into: Uint8Array, options: { at: number }): number;
  getSize(): number;
  close(): void;
}

/** Workers only. */
interface WorkerFile {
  createSyncAccessHandle?(options?: { mode: "read-only" }): Promise<SyncHandle>;
}

async function root(): Promise<FileSystemDirectoryHandle> {
  const { storage } = (globalThis as { navigator?: { storage?: Partial<StorageManager> } }).navigator ?? {};
  if (typeof storage?.getDirectory === "function") return storage.getDirectory();
  throw new DiskAnnError(
    "ERR_UNSUPPORTED",
    "opfs: needs a browser's private file system, which pages have that come by https or from localhost: use toBytes() and bytes, or elsewhere a path",
  );
}

/** The folder that a file lies in. `path`: checked, with no empty parts. */
export async function folderOf(path: string, create: boolean): Promise<FileSystemDirectoryHandle> {
  let folder = await root();
  for (const part of path.split("/").slice(0, -1)) folder = await folder.getDirectoryHandle(part, { create });
  return folder;
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

async function find(path: string, create: boolean): Promise<FileSystemFileHandle> {
  return (await folderOf(path, create)).getFileHandle(nameOf(path), { create });
}

function syncStore(handle: SyncHandle, place: string): PageStore {
  const readOne = ({ offset, into }: PageRead): void => {
    for (let at = 0; at < into.byteLength; ) {
      const count = handle.read(into.subarray(at), { at: offset + at });
      if (count === 0)
        throw new DiskAnnError("ERR_IO", `${place} ends before byte ${offset + into.byteLength}`);
      at += count;
    }
  };
  const readSync = (requests: readonly PageRead[]): void => {
    try {
      requests.forEach(readOne);
    } catch (cause) {
      throw ioError(`cannot read ${place}`, cause);
    }
  };
  return {
    size: handle.getSize(),
    capabilities: { kind: "opfs", concurrency: 1, granularity: 4096, synchronous: true, writable: true },
    read: async (requests, signal) => {
      if (signal?.aborted) throw signal.reason;
      readSync(requests);
    },
    readSync,
    close: async () => handle.close(),
  };
}

/** Browsers that know no modes give an exclusive handle, or none while another has one. */
async function openSync(file: FileSystemFileHandle & WorkerFile): Promise<SyncHandle | undefined> {
  return file.createSyncAccessHandle?.({ mode: "read-only" }).catch(() => undefined);
}

export async function opfsStore(path: string): Promise<PageStore> {
  const place = `opfs:/${path}`;
  try {
    const file = await find(path, false);
    const handle = await openSync(file);
    const store = handle
      ? syncStore(handle, place)
      : blobStore(await file.getFile(), place, { kind: "opfs", writable: true });
    if (store.size > 0) return store;
    await store.close();
    throw new DiskAnnError(
      "ERR_IO",
      `cannot read ${place}: it is empty, as a first save leaves it that was cut off`,
    );
  } catch (cause) {
    throw ioError(`cannot read ${place}`, cause);
  }
}

async function openSink(path: string): Promise<ByteSink> {
  const file = await find(path, true);
  if (typeof file.createWritable !== "function") {
    throw new DiskAnnError(
      "ERR_UNSUPPORTED",
      "this browser cannot replace files of opfs: at once; save to idb:",
    );
  }
  const sink = await handleSink(file);
  return {
    ...sink,
    abort: async (reason) => {
      await sink.abort(reason);
      // What was made for this save only.
      const { size } = await file.getFile().catch(() => ({ size: 1 }));
      if (size === 0) await remove(path).catch(() => {});
    },
  };
}

async function remove(path: string): Promise<void> {
  await (await folderOf(path, false)).removeEntry(nameOf(path));
}

export function opfsSink(path: string, bytes: Needed): Promise<ByteSink> {
  return lockedSink(`opfs:/${path}`, bytes, () => openSink(path));
}
