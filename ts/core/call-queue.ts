/**
 * The order of calls on one index. Reads run side by side; a write waits for every earlier call and every later call
 * waits for it. A read that has nothing to wait for costs one comparison and a counter.
 */
import { DiskAnnError } from "./errors.js";
import type { AbortSignalLike } from "./types.js";

interface Waiting {
  readonly write: boolean;
  /** Undefined once it was aborted: it is passed over. */
  start: (() => void) | undefined;
  readonly fail: (error: unknown) => void;
}

export function closedError(): DiskAnnError {
  return new DiskAnnError("ERR_CLOSED", "the index is closed: open or build it again to use it");
}

export class CallQueue {
  #reading = 0;
  #writing = false;
  #waiting: Waiting[] = [];
  /** First of #waiting that counts; those before it have started. */
  #head = 0;
  #closing: Promise<void> | undefined;
  #whenIdle: (() => void) | undefined;
  readonly #closedError: () => DiskAnnError;

  /** `closed` makes what calls reject with once it is closed. */
  constructor(closed: () => DiskAnnError = closedError) {
    this.#closedError = closed;
  }

  /** True from the call of `close` on. */
  get closed(): boolean {
    return this.#closing !== undefined;
  }

  /** True while a write is under way. */
  get writing(): boolean {
    return this.#writing;
  }

  /** Starts a read if nothing is in its way; then `leave` must follow. */
  tryRead(): boolean {
    if (this.#writing || this.#waiting.length !== 0 || this.#closing !== undefined) return false;
    this.#reading++;
    return true;
  }

  /**
   * Resolves when it is the caller's turn; then `leave` must follow. Rejects when the queue is closed first or the
   * signal is aborted first, and then takes no effect.
   */
  enter(write: boolean, signal: AbortSignalLike | undefined): Promise<void> {
    if (this.#closing !== undefined) return Promise.reject(this.#closedError());
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#waiting.length === 0 && this.#canStart(write)) {
      this.#begin(write);
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => this.#wait(write, signal, resolve, reject));
  }

  /** The caller's turn is over. */
  leave(): void {
    if (this.#writing) this.#writing = false;
    else this.#reading--;
    if (this.#waiting.length !== 0) this.#startWaiting();
    if (this.#whenIdle !== undefined && this.#reading === 0 && !this.#writing) this.#whenIdle();
  }

  /** Rejects what waits with `ERR_CLOSED` and resolves when what has started has ended. Always the same promise. */
  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      this.#whenIdle = resolve;
      if (this.#reading === 0 && !this.#writing) resolve();
    });
    const waiting = this.#waiting.splice(0);
    for (const call of waiting.slice(this.#head)) if (call.start) call.fail(this.#closedError());
    this.#head = 0;
    return this.#closing;
  }

  #canStart(write: boolean): boolean {
    return !this.#writing && (!write || this.#reading === 0);
  }

  #begin(write: boolean): void {
    if (write) this.#writing = true;
    else this.#reading++;
  }

  #wait(
    write: boolean,
    signal: AbortSignalLike | undefined,
    resolve: () => void,
    reject: (error: unknown) => void,
  ): void {
    const onAbort = (): void => {
      if (!call.start) return;
      call.start = undefined;
      reject(signal?.reason);
      this.#startWaiting();
    };
    const forget = (): void => signal?.removeEventListener("abort", onAbort);
    const call: Waiting = {
      write,
      start: () => {
        forget();
        resolve();
      },
      fail: (error) => {
        forget();
        reject(error);
      },
    };
    signal?.addEventListener("abort", onAbort);
    this.#waiting.push(call);
  }

  #startWaiting(): void {
    while (this.#head < this.#waiting.length) {
      const call = this.#waiting[this.#head] as Waiting;
      if (call.start) {
        if (!this.#canStart(call.write)) return;
        this.#begin(call.write);
        const { start } = call;
        call.start = undefined;
        start();
      }
      this.#head++;
    }
    this.#waiting = [];
    this.#head = 0;
  }
}
