/**
 * Drives an operation of the core to its end in slices, so that the thread it runs on - often the one that draws a
 * page - stays alive. Also serves its requests, reports progress and listens to the signal.
 */
import { nextTask } from "../../core/task.js";
import type { Control } from "../backend.js";
import {
  type CoreFailure,
  failureError,
  phaseText,
  STATUS_ERR_IO,
  STATUS_OK,
  STATUS_RUN,
} from "../failure.js";
import type { Core } from "./core.js";
import { type Address, FAILURE, REQUEST, REQUEST_READ, REQUEST_WRITE, STAGE } from "./exchange.js";

/** A slice ends once this time is over; a piece then takes it a little further, together below 8 ms. */
const SLICE_MS = 4;
/** The work between two looks at the clock should take about this long. */
const PIECE_MS = 1;
/** Bounds for where the clock stands still (some server runtimes stop it while code runs). */
const PIECE_ITEMS_MAX = 4096;
const SLICE_PIECES_MAX = 256;
const PROGRESS_MS = 50;
/** Bytes moved between two looks at the clock. */
const COPY_BYTES = 2 ** 20;

/** How much to do before looking at the clock again, and when to let others have a turn. */
export class Pace {
  /** Items of the next piece. */
  items = 1;
  #sliceBegan = performance.now();
  #pieceBegan = this.#sliceBegan;
  #pieces = 0;

  /** To be called after a piece that was as long as `items` says. Awaits a turn of the event loop when it is time. */
  pieceEnded(): Promise<void> | undefined {
    const now = performance.now();
    const took = now - this.#pieceBegan;
    if (took < PIECE_MS) this.items = Math.min(this.items * 2, PIECE_ITEMS_MAX);
    else if (took > 2 * PIECE_MS) this.items = Math.max(1, Math.floor((this.items * PIECE_MS) / took));
    this.#pieceBegan = now;
    this.#pieces++;
    return now - this.#sliceBegan >= SLICE_MS || this.#pieces >= SLICE_PIECES_MAX ? this.rest() : undefined;
  }

  /** Items of another kind follow; what one of them costs is not known. */
  unknown(): void {
    this.items = 1;
  }

  async rest(): Promise<void> {
    await nextTask();
    this.#sliceBegan = performance.now();
    this.#pieceBegan = this.#sliceBegan;
    this.#pieces = 0;
  }
}

/** Serves the requests of an operation. Views of the module's memory never leave this file: it may grow meanwhile. */
export interface ByteHost {
  read?(offset: number, into: Uint8Array): Promise<void>;
  write?(offset: number, bytes: Uint8Array): Promise<void>;
  sync?(): Promise<void>;
}

interface Request {
  readonly kind: number;
  readonly ticket: number;
  readonly offset: number;
  readonly length: number;
  readonly buffer: Address;
}

/** What the last step said; read at once, for the next call of anyone overwrites the exchange. */
interface Stage {
  readonly phase: number;
  readonly items: number;
  readonly done: number;
  readonly total: number;
  readonly parallel: boolean;
  readonly requests: readonly Request[];
}

/** Other threads that run items of the same operation. */
export interface Crew {
  /** Opens a stage to all; takes from then on hand out its items. */
  begin(op: Address, items: number): void;
  /** The first of `count` items that nobody else runs. */
  take(count: number): number;
  /** Resolves once none is being run any more. Rejects when a thread is lost, and its items with it. */
  settled(): Promise<void>;
}

class Driver {
  readonly #core: Core;
  readonly #op: Address;
  readonly #control: Control;
  readonly #host: ByteHost;
  readonly #crew: Crew | undefined;
  readonly #pace = new Pace();
  /** The last stage of the phase under way, told or not. */
  #last: { readonly phase: number; readonly done: number; readonly total: number } | undefined;
  /** What was told last, of that phase. */
  #told = 0;
  #reported = Number.NEGATIVE_INFINITY;
  /** Why the operation is being cancelled; it is then driven on until the index is whole. */
  #stop: { readonly error: unknown } | undefined;
  #copy = new Uint8Array(0);

  constructor(core: Core, op: Address, control: Control, { host, crew }: DriveOptions) {
    this.#core = core;
    this.#op = op;
    this.#control = control;
    this.#host = host ?? {};
    this.#crew = crew;
  }

  async drive(): Promise<void> {
    for (;;) {
      this.#listen();
      const status = this.#core.run((exports) => exports.op_step(this.#op));
      if (status === STATUS_OK) this.#endPhase();
      if (status <= STATUS_OK) return this.#finish(status);
      const stage = this.#stage();
      this.#report(stage);
      if (status === STATUS_RUN) await this.#runItems(stage);
      else await this.#serve(stage);
    }
  }

  #finish(status: number): void {
    if (this.#stop) throw this.#stop.error;
    if (status < 0) throw failureError(readFailure(this.#core, this.#op));
  }

  #cancel(error: unknown): void {
    if (this.#stop) return;
    this.#stop = { error };
    this.#core.run((exports) => exports.op_cancel(this.#op));
  }

  #listen(): void {
    const { signal } = this.#control;
    if (signal?.aborted) this.#cancel(signal.reason);
  }

  #stage(): Stage {
    const core = this.#core;
    const { requestCount, requests, parallel, ...stage } = core.take(STAGE);
    return {
      ...stage,
      parallel: parallel === 1,
      requests: Array.from({ length: requestCount }, (_, i) => readRequest(core, requests, i)),
    };
  }

  /** At most every 50 ms, but for the first and the last of a phase. */
  #report({ phase, done, total }: Stage): void {
    const fresh = phase !== this.#last?.phase;
    if (fresh) this.#endPhase();
    this.#last = { phase, done, total };
    const now = performance.now();
    if (!fresh && now - this.#reported < PROGRESS_MS) return;
    this.#reported = now;
    this.#tell(phase, done, total);
  }

  #endPhase(): void {
    const last = this.#last;
    if (last && this.#told < last.total) this.#tell(last.phase, last.total, last.total);
  }

  #tell(phase: number, done: number, total: number): void {
    this.#told = done;
    const { onProgress } = this.#control;
    if (!onProgress || this.#stop || phase === 0) return;
    try {
      onProgress({ phase: phaseText(phase), done, total });
    } catch (error) {
      this.#cancel(error);
    }
  }

  async #runItems({ items, parallel }: Stage): Promise<void> {
    const crew = parallel && items > 1 ? this.#crew : undefined;
    let next = 0;
    const take = (count: number): number => {
      next += count;
      return next - count;
    };
    crew?.begin(this.#op, items);
    // Stages of one phase alternate, and an item of one may cost a thousand times what one of the other does.
    this.#pace.unknown();
    for (;;) {
      const count = this.#pace.items;
      const begin = crew ? crew.take(count) : take(count);
      if (begin >= items) break;
      const end = Math.min(items, begin + count);
      this.#core.run((exports) => exports.op_run(this.#op, 0, begin, end));
      await this.#turn();
    }
    await crew?.settled();
  }

  /** Lets others have a turn when it is time, and hears what they said. */
  #turn(): Promise<void> | undefined {
    return this.#pace.pieceEnded()?.then(() => this.#listen());
  }

  /** What is done of a transfer is counted in bytes; reads on the way to something else are not. */
  async #serve(stage: Stage): Promise<void> {
    let { done } = stage;
    for (const request of stage.requests) {
      const counts = (request.kind === REQUEST_READ) === (phaseText(stage.phase) === "read");
      const moved = (bytes: number): void => {
        if (counts) done += bytes;
        this.#report({ ...stage, done });
      };
      const status = this.#stop ? STATUS_ERR_IO : await this.#answer(request, moved);
      this.#core.run((exports) => exports.op_complete(this.#op, request.ticket, status));
    }
  }

  async #answer(request: Request, moved: (bytes: number) => void): Promise<number> {
    const reads = request.kind === REQUEST_READ;
    try {
      if (reads || request.kind === REQUEST_WRITE) {
        await this.#transfer(request, async (at, piece) => {
          await (reads ? this.#read(at, piece) : this.#write(at, piece));
          moved(piece.bytes.length);
        });
      } else await this.#host.sync?.();
      return this.#stop ? STATUS_ERR_IO : STATUS_OK;
    } catch (error) {
      this.#cancel(error);
      return STATUS_ERR_IO;
    }
  }

  /** Moves a request in pieces, through a copy outside the module's memory. */
  async #transfer(request: Request, move: (offset: number, piece: Piece) => Promise<void>): Promise<void> {
    const most = Math.min(request.length, COPY_BYTES);
    if (this.#copy.length < most) this.#copy = new Uint8Array(most);
    for (let at = 0; at < request.length && !this.#stop; ) {
      const bytes = this.#copy.subarray(0, Math.min(request.length - at, this.#copy.length));
      await move(request.offset + at, { bytes, address: request.buffer + at });
      at += bytes.length;
      await this.#turn();
    }
  }

  async #read(offset: number, { bytes, address }: Piece): Promise<void> {
    await this.#host.read?.(offset, bytes);
    this.#core.refresh();
    this.#core.u8.set(bytes, address);
  }

  async #write(offset: number, { bytes, address }: Piece): Promise<void> {
    this.#core.refresh();
    bytes.set(this.#core.u8.subarray(address, address + bytes.length));
    await this.#host.write?.(offset, bytes);
  }
}

interface Piece {
  /** A copy outside the module. */
  readonly bytes: Uint8Array;
  readonly address: Address;
}

function readRequest(core: Core, first: Address, i: number): Request {
  core.run((exports) => exports.op_request(first, i));
  return core.take(REQUEST);
}

export function readFailure(core: Core, op: Address): CoreFailure {
  core.run((exports) => exports.op_failure(op));
  return core.take(FAILURE);
}

export interface DriveOptions {
  readonly host?: ByteHost;
  readonly crew?: Crew;
}

/** Drives `op` to its end; the caller ends it. Rejects with the failure, the signal's reason, or what a callback threw. */
export function drive(core: Core, op: Address, control: Control, options: DriveOptions = {}): Promise<void> {
  return new Driver(core, op, control, options).drive();
}

/** Begins an operation, drives it, takes its result and ends it, whatever happens. */
export async function operate<Result>(
  core: Core,
  op: Address,
  control: Control,
  options: DriveOptions,
  take: () => Result,
): Promise<Result> {
  try {
    await drive(core, op, control, options);
    return take();
  } finally {
    if (core.whole) core.run((exports) => exports.op_end(op));
  }
}
