/** Parts of a download in IndexedDB: a database of its own, with the head, and each part at its number and its length. */
import { completed, factory, resultOf } from "./idb.js";
import type { PartsHead, PartsStore } from "./parts.js";

const STORE = "parts";
const HEAD = "head";

async function openDatabase(name: string): Promise<IDBDatabase> {
  const request = factory().open(name, 1);
  request.onupgradeneeded = () => {
    request.result.createObjectStore(STORE);
  };
  const database = await resultOf(request);
  database.onversionchange = () => database.close();
  return database;
}

export async function idbParts(name: string): Promise<PartsStore> {
  const database = await openDatabase(`diskann import ${name}`);
  let isEmpty = true;
  const ask = <T>(work: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> =>
    resultOf(work(database.transaction(STORE).objectStore(STORE)));
  const change = (work: (store: IDBObjectStore) => void): Promise<void> => {
    const transaction = database.transaction(STORE, "readwrite", { durability: "relaxed" });
    work(transaction.objectStore(STORE));
    return completed(transaction);
  };
  return {
    readHead: async () => {
      const head = (await ask((store) => store.get(HEAD))) as PartsHead | undefined;
      isEmpty = head === undefined;
      return head;
    },
    writeHead: (head) => {
      isEmpty = false;
      return change((store) => store.put(head, HEAD));
    },
    lengths: async () => {
      const keys = await ask((store) => store.getAllKeys(IDBKeyRange.lowerBound([0])));
      const parts = keys as [number, number][];
      const end = parts.findIndex(([part], i) => part !== i);
      return parts.slice(0, end < 0 ? parts.length : end).map(([, length]) => length);
    },
    read: async (part, length) => {
      const bytes: ArrayBuffer | undefined = await ask((store) => store.get([part, length]));
      return new Uint8Array(bytes ?? new ArrayBuffer(0));
    },
    write: (part, bytes) => change((store) => store.put(bytes.slice().buffer, [part, bytes.length])),
    remove: () => {
      isEmpty = true;
      return change((store) => store.clear());
    },
    close: () => {
      database.close();
      if (isEmpty) factory().deleteDatabase(database.name);
    },
  };
}
