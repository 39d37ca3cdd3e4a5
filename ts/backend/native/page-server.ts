/**
 * Pages that are not in a file: the addon tells that searches want some, they are read here, and their bytes go back. A read
 * that fails fails its page only.
 */
import type { PageRead, PageStore } from "../../storage/page-store.js";
import type { Functions, PagedHandle } from "./binding.js";

/** Numbers of a request: ticket, offset, length. */
const STRIDE = 3;

interface Wanted {
  readonly ticket: number;
  readonly read: PageRead;
}

export class PageServer {
  readonly store: PageStore;
  readonly #functions: Functions;
  readonly #stop = new AbortController();
  readonly #underWay = new Set<Promise<void>>();
  /** Why a page could not be read, until it is asked for again. */
  readonly #causes = new Map<number, unknown>();
  #index: PagedHandle | undefined;
  #pagesOffset = 0;

  constructor(functions: Functions, store: PageStore) {
    this.#functions = functions;
    this.store = store;
  }

  /** From here on searches of this index are served. `pagesOffset`: where page 0 lies. */
  begin(index: PagedHandle, ticket: number, pagesOffset: number): void {
    this.#index = index;
    this.#pagesOffset = pagesOffset;
    this.#functions.pagesServe(index, ticket);
  }

  causeOf(page: number): unknown {
    return this.#causes.get(page);
  }

  /** The addon has told that there are requests. */
  wanted(): void {
    if (!this.#index) return;
    const numbers = this.#functions.pagesWanted(this.#index);
    const round: Wanted[] = [];
    for (let at = 0; at < numbers.length; at += STRIDE) {
      const [ticket = 0, offset = 0, length = 0] = numbers.subarray(at, at + STRIDE);
      round.push({ ticket, read: { offset, into: new Uint8Array(length) } });
    }
    if (round.length > 0) this.#serve(round);
  }

  #serve(round: readonly Wanted[]): void {
    if (this.store.readSync) {
      for (const wanted of round) this.#readNow(wanted);
      return;
    }
    const reading: Promise<void> = this.#read(round).finally(() => this.#underWay.delete(reading));
    this.#underWay.add(reading);
  }

  #readNow(wanted: Wanted): void {
    try {
      this.store.readSync?.([wanted.read]);
      this.#answer(wanted);
    } catch (cause) {
      this.#fail(wanted, cause);
    }
  }

  async #read(round: readonly Wanted[]): Promise<void> {
    try {
      await this.store.read(
        round.map(({ read }) => read),
        this.#stop.signal,
      );
      for (const wanted of round) this.#answer(wanted);
    } catch (cause) {
      // Which page it was that failed, nobody says; the others are as good as ever.
      if (round.length > 1 && !this.#stop.signal.aborted)
        await Promise.all(round.map((wanted) => this.#read([wanted])));
      else for (const wanted of round) this.#fail(wanted, cause);
    }
  }

  #answer({ ticket, read }: Wanted): void {
    if (this.#index) this.#functions.pageRead(this.#index, ticket, read.into);
  }

  #fail({ ticket, read }: Wanted, cause: unknown): void {
    this.#causes.set((read.offset - this.#pagesOffset) / read.into.length, cause);
    if (this.#index) this.#functions.pageRead(this.#index, ticket, undefined);
  }

  /** Cuts off what is under way and waits for it; the store is closed by then. */
  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#underWay);
    await this.store.close();
  }
}
