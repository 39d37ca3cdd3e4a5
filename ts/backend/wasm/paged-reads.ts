/**
 * Reads of a paged index. Buffers are in the module's memory: a store that answers at once writes there, the others into a copy,
 * because the memory may grow, and move, meanwhile.
 */
import type { PageRead, PageStore } from "../../storage/page-store.js";
import { STATUS_ERR_IO, STATUS_OK } from "../status.js";
import type { Core } from "./core.js";
import type { Address } from "./exchange.js";
import { ADVANCE, ADVANCE_STRIDE } from "./paged-exchange.js";

/** Copies kept for the next reads. */
const SPARE_BYTES_MAX = 2 ** 20;

interface Request {
  readonly ticket: number;
  readonly offset: number;
  readonly buffer: Address;
}

/** What one search wants at once. */
export interface Round {
  /** Bytes of each. */
  readonly length: number;
  readonly requests: readonly Request[];
}

/** The requests of the last call, which the next one overwrites. */
export function takeRound(core: Core): Round {
  const count = core.slot(ADVANCE.count);
  const requests = Array.from({ length: count }, (_, i) => ({
    ticket: core.slot(ADVANCE.ticket + i * ADVANCE_STRIDE),
    offset: core.slot(ADVANCE.offset + i * ADVANCE_STRIDE),
    buffer: core.slot(ADVANCE.buffer + i * ADVANCE_STRIDE),
  }));
  return { length: core.slot(ADVANCE.length), requests };
}

export class Reads {
  readonly #core: Core;
  readonly #store: PageStore;
  readonly #paged: Address;
  /** Where page 0 lies in the file. */
  readonly #pagesOffset: number;
  readonly #stop = new AbortController();
  readonly #underWay = new Set<Promise<void>>();
  readonly #spare: Uint8Array[] = [];
  /** Why a page could not be read, until it is asked for again. */
  readonly #causes = new Map<number, unknown>();

  constructor(core: Core, store: PageStore, paged: Address, pagesOffset: number) {
    this.#core = core;
    this.#store = store;
    this.#paged = paged;
    this.#pagesOffset = pagesOffset;
  }

  causeOf(page: number): unknown {
    return this.#causes.get(page);
  }

  /** Serves a round. Undefined when that is done already; the promise never rejects. */
  serve(round: Round): Promise<void> | undefined {
    const { readSync } = this.#store;
    if (readSync) return this.#readNow(round, readSync);
    const reading: Promise<void> = this.#read(round).finally(() => this.#underWay.delete(reading));
    this.#underWay.add(reading);
    return reading;
  }

  /** Cuts off what is under way, waits for it and closes the store. */
  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#underWay);
    await this.#store.close();
  }

  #readNow(round: Round, readSync: (requests: readonly PageRead[]) => void): undefined {
    const { u8 } = this.#core;
    const reads = round.requests.map(({ offset, buffer }) => ({
      offset,
      into: u8.subarray(buffer, buffer + round.length),
    }));
    try {
      readSync(reads);
      this.#complete(round.requests, STATUS_OK);
    } catch (cause) {
      if (reads.length === 1) this.#fail(round, cause);
      else for (const request of round.requests) this.#readNow({ ...round, requests: [request] }, readSync);
    }
  }

  async #read(round: Round): Promise<void> {
    const { length, requests } = round;
    const reads = requests.map(({ offset }) => ({ offset, into: this.#takeSpare(length) }));
    try {
      await this.#store.read(reads, this.#stop.signal);
      this.#core.refresh();
      requests.forEach(({ buffer }, i) => {
        this.#core.u8.set((reads[i] as PageRead).into, buffer);
      });
      this.#complete(requests, STATUS_OK);
    } catch (cause) {
      if (requests.length === 1 || this.#stop.signal.aborted) this.#fail(round, cause);
      // Which page it was that failed, nobody says; the others are as good as ever.
      else await Promise.all(requests.map((request) => this.#read({ length, requests: [request] })));
    }
    for (const { into } of reads) this.#keepSpare(into);
  }

  #fail({ requests, length }: Round, cause: unknown): void {
    // The first block of another program's file may be longer than ours, by less than a page.
    for (const { offset } of requests)
      this.#causes.set(Math.floor((offset - this.#pagesOffset) / length), cause);
    this.#complete(requests, STATUS_ERR_IO);
  }

  #complete(requests: readonly Request[], status: number): void {
    const core = this.#core;
    requests.forEach(({ ticket }, i) => {
      core.put(i, ticket);
    });
    try {
      core.run((exports) => exports.paged_complete(this.#paged, requests.length, status));
    } catch {
      // A trap: the searches find out by themselves.
    }
  }

  #takeSpare(length: number): Uint8Array {
    return this.#spare.pop() ?? new Uint8Array(length);
  }

  #keepSpare(buffer: Uint8Array): void {
    if ((this.#spare.length + 1) * buffer.length <= SPARE_BYTES_MAX) this.#spare.push(buffer);
  }
}
