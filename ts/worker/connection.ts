/** The page's end of a worker: calls, answers, and what becomes of them when the worker dies. */
import { onAbort } from "../core/abort.js";
import { DiskAnnError } from "../core/errors.js";
import type { AbortSignalLike, Progress } from "../core/types.js";
import { type Ask, movable, packError, type Reply, type Request, unpackError } from "./messages.js";
import { type Port, portOf, type WorkerLike } from "./port.js";

/** What a call lets the worker ask for. */
export type Serve = (ask: Ask) => Promise<unknown>;

export interface CallControl {
  readonly signal?: AbortSignalLike | undefined;
  readonly onProgress?: Progress | undefined;
  readonly serve?: Serve | undefined;
  /** `serve` is needed after the call, too, until it is released. */
  readonly servesOn?: boolean;
}

interface Pending extends CallControl {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  /** Ends the listening to the signal. */
  forget: () => void;
}

/** A script that is not ours says nothing: after this long it is taken for dead. */
const HELLO_MS = 30_000;

export class Connection {
  readonly #port: Port;
  readonly #calls = new Map<number, Pending>();
  /** By the call that they came with. */
  readonly #serving = new Map<number, Serve>();
  readonly #hello: Promise<void>;
  #greeted: () => void = () => {};
  #lastCall = 0;
  #dead: DiskAnnError | undefined;
  #giveUp: (error: unknown) => void = () => {};

  constructor(worker: WorkerLike) {
    this.#hello = new Promise((resolve, reject) => {
      this.#greeted = resolve;
      this.#giveUp = reject;
    });
    this.#hello.catch(() => {});
    this.#port = portOf(worker, {
      // A worker of the user's own may have other things to say, too.
      message: (data) => {
        if (typeof data === "object" && data !== null) this.#receive(data as Reply);
      },
      death: (why) => this.#die(why),
    });
    const timer = setTimeout(() => this.#die("it did not answer: is it the script of diskann?"), HELLO_MS);
    const stop = (): void => clearTimeout(timer);
    this.#hello.then(stop, stop);
    this.#post({ type: "hello" });
  }

  /** No call can succeed any more. */
  get dead(): boolean {
    return this.#dead !== undefined;
  }

  async call(method: string, args: readonly unknown[], control: CallControl = {}): Promise<unknown> {
    if (this.#dead) throw this.#dead;
    this.#port.hold(true);
    const call = ++this.#lastCall;
    if (control.serve && control.servesOn) this.#serving.set(call, control.serve);
    const answer = new Promise<unknown>((resolve, reject) => {
      this.#calls.set(call, { ...control, resolve, reject, forget: () => {} });
    });
    this.#send(call, method, args).catch((error: unknown) => this.#settle(call)?.reject(error));
    return answer;
  }

  /** The worker asks for it no more. */
  release(serve: Serve | undefined): void {
    for (const [call, one] of this.#serving) if (one === serve) this.#serving.delete(call);
  }

  /** The worker ends; calls under way reject. */
  end(): void {
    this.#die("it was ended");
    this.#port.end();
  }

  async #send(call: number, method: string, args: readonly unknown[]): Promise<void> {
    const started = this.#greetedYet ? undefined : this.#hello;
    if (started) await started;
    const pending = this.#calls.get(call);
    const signal = pending?.signal;
    const transfer = args.flatMap(movable);
    this.#post({ type: "call", call, method, args }, transfer);
    const abort = (): void => this.#post({ type: "abort", call });
    if (signal?.aborted) abort();
    else if (signal && pending) pending.forget = onAbort(signal, abort);
  }

  #greetedYet = false;

  #post(message: Request, transfer: ArrayBuffer[] = []): void {
    if (!this.#dead) this.#port.post(message, transfer);
  }

  #settle(call: number): Pending | undefined {
    const pending = this.#calls.get(call);
    this.#calls.delete(call);
    pending?.forget();
    if (this.#calls.size === 0) this.#port.hold(false);
    return pending;
  }

  #receive(reply: Reply): void {
    switch (reply.type) {
      case "hello":
        this.#greetedYet = true;
        this.#greeted();
        break;
      case "result":
        this.#settle(reply.call)?.resolve(reply.value);
        break;
      case "error":
        this.#settle(reply.call)?.reject(unpackError(reply.error));
        break;
      case "progress":
        this.#calls.get(reply.call)?.onProgress?.(reply.event);
        break;
      case "ask":
        void this.#answer(reply);
    }
  }

  async #answer(ask: Ask): Promise<void> {
    try {
      const serve = this.#calls.get(ask.call)?.serve ?? this.#serving.get(ask.call);
      if (!serve) throw new DiskAnnError("ERR_IO", "the call has ended");
      const value = await serve(ask);
      this.#post({ type: "answer", ask: ask.ask, value }, movable(value));
    } catch (error) {
      this.#post({ type: "answer", ask: ask.ask, error: packError(error) });
    }
  }

  #die(why: string): void {
    if (this.#dead) return;
    const code = /memory/i.test(why) ? "ERR_NO_MEMORY" : "ERR_CLOSED";
    const started = this.#greetedYet;
    this.#dead = started
      ? new DiskAnnError(code, `the worker that held the index is gone (${why}): open the index again`)
      : new DiskAnnError(
          "ERR_UNSUPPORTED",
          `the worker could not start (${why}): give its place by the option worker, or use diskann/wasm`,
        );
    this.#giveUp(this.#dead);
    for (const call of [...this.#calls.keys()]) this.#settle(call)?.reject(this.#dead);
  }
}
