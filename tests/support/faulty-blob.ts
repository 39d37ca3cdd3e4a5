/** A `Blob` on a bad day: its reads fail, come short, late, in another order, or with a bit flipped, each of them in its turn. */
import type { BlobLike } from "../../ts/core/types.js";
import { Random } from "./random.js";

export const FAULTS = ["fail", "short", "late", "corrupt"] as const;
export type Fault = (typeof FAULTS)[number];

export class FaultyBlob implements BlobLike {
  readonly size: number;
  /** Reads so far. */
  reads = 0;
  /** The read, counted from 1, to which it happens; 0: none. */
  at = 0;
  fault: Fault = "fail";
  /** Reads end in any order. */
  shuffled = false;
  /** Called before each read. */
  onRead: ((n: number) => void) | undefined;
  /** Where the spoilt read began: it is no better when it is made again. */
  #spot: number | undefined;
  readonly #bytes: Uint8Array;
  readonly #random = new Random(7);

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.size = bytes.length;
  }

  /** From here on reads are counted anew, and the n-th has the fault. */
  spoil(fault: Fault, at: number): void {
    Object.assign(this, { fault, at, reads: 0 });
    this.#spot = undefined;
  }

  slice(start = 0, end = this.size): BlobLike {
    const part: BlobLike = {
      size: end - start,
      slice: (from = 0, to = end - start) => this.slice(start + from, start + to),
      arrayBuffer: () => this.#read(start, end),
    };
    return part;
  }

  arrayBuffer(): Promise<ArrayBuffer> {
    return this.#read(0, this.size);
  }

  async #read(start: number, end: number): Promise<ArrayBuffer> {
    const n = ++this.reads;
    if (n === this.at) this.#spot = start;
    const isSpoilt = this.#spot !== undefined && start <= this.#spot && this.#spot < end;
    const fault = isSpoilt ? this.fault : undefined;
    this.onRead?.(n);
    if (this.shuffled) for (let turns = this.#draw(4); turns > 0; turns--) await turn();
    if (fault === "late") for (let turns = 0; turns < 20; turns++) await turn();
    if (fault === "fail") throw new Error(`read ${n} failed`);
    const bytes = this.#bytes.slice(start, fault === "short" ? end - 1 : end);
    if (fault === "corrupt") {
      const place = this.#draw(bytes.length);
      bytes[place] = (bytes[place] as number) ^ (1 << this.#draw(8));
    }
    return bytes.buffer as ArrayBuffer;
  }

  #draw(count: number): number {
    this.#random.next();
    return this.#random.low % count;
  }
}

/** A macrotask. */
export async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
