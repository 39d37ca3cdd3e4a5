/**
 * What has come of a download, kept beside the place that it is for until it is complete: in OPFS a folder `name.import`, in IndexedDB a
 * database `diskann import name`. A part is there whole or not at all. Whoever writes holds the lock of the place.
 */
import { DiskAnnError } from "../core/errors.js";
import type { BrowserPlace } from "./select.js";
import type { ByteSource } from "./storage.js";

/** Which file it is of. */
export interface PartsHead {
  readonly url: string;
  /** `ETag` or `Last-Modified`. */
  readonly tag: string;
  readonly size: number;
}

/** Where parts lie; a part is named by its number. */
export interface PartsStore {
  readHead(): Promise<PartsHead | undefined>;
  writeHead(head: PartsHead): Promise<void>;
  /** Of all that follow each other from 0. */
  lengths(): Promise<number[]>;
  /** Empty where it is not there. */
  read(part: number, length: number): Promise<Uint8Array>;
  write(part: number, bytes: Uint8Array): Promise<void>;
  /** Everything, if there is anything. */
  remove(): Promise<void>;
  close(): void;
}

export async function openPartsStore(place: BrowserPlace): Promise<PartsStore> {
  if (place.kind === "opfs") return (await import("./parts-opfs.js")).opfsParts(place.name);
  return (await import("./parts-idb.js")).idbParts(place.name);
}

export class Parts {
  readonly #store: PartsStore;
  #head: PartsHead | undefined;
  #lengths: number[] = [];
  #received = 0;

  private constructor(store: PartsStore) {
    this.#store = store;
  }

  /** What is there of `url`; parts of anything else are forgotten. */
  static async open(store: PartsStore, url: string): Promise<Parts> {
    const parts = new Parts(store);
    const head = await store.readHead();
    if (head?.url !== url) return parts;
    parts.#head = head;
    parts.#lengths = await store.lengths();
    parts.#received = parts.#lengths.reduce((sum, length) => sum + length, 0);
    return parts;
  }

  get head(): PartsHead | undefined {
    return this.#head;
  }

  /** Bytes that are there, from the first on. */
  get received(): number {
    return this.#received;
  }

  /** Starts anew. */
  async begin(head: PartsHead): Promise<void> {
    this.#head = undefined;
    this.#lengths = [];
    this.#received = 0;
    await this.#store.remove();
    await this.#store.writeHead(head);
    this.#head = head;
  }

  /** Nothing is kept. */
  async drop(): Promise<void> {
    await this.#store.remove();
  }

  async append(bytes: Uint8Array): Promise<void> {
    await this.#store.write(this.#lengths.length, bytes);
    this.#lengths.push(bytes.length);
    this.#received += bytes.length;
  }

  /** All of it, from the beginning to the end. */
  source(): ByteSource {
    let part = 0;
    let bytes = new Uint8Array(0);
    return {
      size: this.#received,
      read: async (_offset, into) => {
        for (let at = 0; at < into.length; ) {
          if (bytes.length === 0) bytes = (await this.#next(part++)) as Uint8Array<ArrayBuffer>;
          const piece = bytes.subarray(0, into.length - at);
          into.set(piece, at);
          at += piece.length;
          bytes = bytes.subarray(piece.length);
        }
      },
      close: async () => {},
    };
  }

  async #next(part: number): Promise<Uint8Array> {
    const length = this.#lengths[part] ?? 0;
    const bytes = await this.#store.read(part, length);
    if (length > 0 && bytes.length === length) return bytes;
    throw new DiskAnnError("ERR_IO", "parts of the download are gone: import it again");
  }
}
