/** `browser:name`: the best place that this browser has for it, and memory where it has none, as some private windows. */
import { DiskAnnError } from "../core/errors.js";
import type { FileHandleLike } from "../core/types.js";
import type { StorageSource, StorageTarget } from "./select.js";

/** Files can be replaced there, and the browser lets this page in. */
async function hasOpfs(): Promise<boolean> {
  const { FileSystemFileHandle: Handle, navigator } = globalThis as {
    FileSystemFileHandle?: { readonly prototype: object };
    navigator?: { storage?: Partial<StorageManager> };
  };
  if (!Handle || !("createWritable" in Handle.prototype) || !navigator?.storage?.getDirectory) return false;
  return navigator.storage.getDirectory().then(
    () => true,
    () => false,
  );
}

const PROBE = "diskann probe";

async function hasIdb(): Promise<boolean> {
  const { indexedDB } = globalThis as { indexedDB?: IDBFactory };
  if (!indexedDB) return false;
  return new Promise((resolve) => {
    try {
      const request = indexedDB.open(PROBE);
      request.onerror = () => resolve(false);
      request.onsuccess = () => {
        request.result.close();
        indexedDB.deleteDatabase(PROBE);
        resolve(true);
      };
    } catch {
      resolve(false);
    }
  });
}

async function probe(): Promise<"opfs" | "idb" | "memory"> {
  if (await hasOpfs()) return "opfs";
  return (await hasIdb()) ? "idb" : "memory";
}

/** What is kept while the page lives. */
const inMemory = new Map<string, Uint8Array>();

/** `createWritable` as of a file: what is written is there when it is closed. */
function memoryHandle(name: string): FileHandleLike {
  return {
    kind: "file",
    getFile: async () => new Blob([(inMemory.get(name) ?? new Uint8Array(0)) as BlobPart]),
    createWritable: async () => {
      let bytes = new Uint8Array(0);
      let size = 0;
      return {
        write: async ({ position, data }) => {
          size = Math.max(size, position + data.byteLength);
          if (size > bytes.length) {
            const grown = new Uint8Array(Math.max(size, 2 * bytes.length));
            grown.set(bytes);
            bytes = grown;
          }
          bytes.set(new Uint8Array(data), position);
        },
        close: async () => {
          inMemory.set(name, bytes.slice(0, size));
        },
      };
    },
  };
}

export async function probeSource(name: string): Promise<StorageSource> {
  const kind = await probe();
  if (kind !== "memory") return { kind, name };
  const bytes = inMemory.get(name);
  if (bytes) return { kind: "bytes", bytes };
  throw new DiskAnnError("ERR_IO", `cannot read browser:${name}: there is no such index`);
}

export async function probeTarget(name: string): Promise<StorageTarget> {
  const kind = await probe();
  return kind === "memory" ? { kind: "handle", handle: memoryHandle(name), inMemory: true } : { kind, name };
}
