/**
 * Drives an operation of the core to its end in slices, so that the thread it runs on - often the one that draws a
 * page - stays alive. Also serves its requests, reports progress and listens to the signal.
 */
import { nextTask } from "../../core/task.js";
import type { AbortSignalLike } from "../../core/types.js";
import type { Control } from "../backend.js";
import {
  abortReason,
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
  readonly requests: readonly Request[];
}

class Driver {
  readonly #core: Core;
  readonly #op: Address;
  readonly #control: Control;
  readonly #host: ByteHost;
  readonly #pace = new Pace();
  /** The last stage of the phase under way, told or not. */
  #last: { readonly phase: number; readonly done: number; readonly total: number } | undefined;
  /** What was told last, of that phase. */
  #told = 0;
  #reported = Number.NEGATIVE_INFINITY;
  /** Why the operation is being cancelled; it is then driven on until the index is whole. */
  #stop: { readonly error: unknown } | { readonly signal: AbortSignalLike } | undefined;
  #copy = new Uint8Array(0);

  constructor(core: Core, op: Address, control: Control, host: ByteHost) {
    this.#core = core;
    this.#op = op;
    this.#control = control;
    this.#host = host;
  }

  async drive(insertion: boolean): Promise<void> {
    for (;;) {
      this.#listen();
      const status = this.#core.run((exports) => exports.op_step(this.#op));
      if (status === STATUS_OK) this.#endPhase();
      if (status <= STATUS_OK) return this.#finish(status, insertion);
      const stage = this.#stage();
      this.#report(stage);
      if (status === STATUS_RUN) await this.#runItems(stage.items);
      else await this.#serve(stage);
    }
  }

  #finish(status: number, insertion: boolean): void {
    const added = insertion ? this.#core.run((exports) => exports.op_added(this.#op)) : undefined;
    const stop = this.#stop;
    if (stop) throw "signal" in stop ? abortReason(stop.signal, added) : stop.error;
    if (status < 0)
      throw failureError(readFailure(this.#core, this.#op), added === undefined ? {} : { added });
  }

  #cancel(stop: { readonly error: unknown } | { readonly signal: AbortSignalLike }): void {
    if (this.#stop) return;
    this.#stop = stop;
    this.#core.run((exports) => exports.op_cancel(this.#op));
  }

  #listen(): void {
    const { signal } = this.#control;
    if (signal?.aborted) this.#cancel({ signal });
  }

  #stage(): Stage {
    const core = this.#core;
    const requestCount = core.slot(STAGE.requestCount);
    const first = core.slot(STAGE.requests);
    const stage = {
      phase: core.slot(STAGE.phase),
      items: core.slot(STAGE.items),
      done: core.slot(STAGE.done),
      total: core.slot(STAGE.total),
    };
    return {
      ...stage,
      requests: Array.from({ length: requestCount }, (_, i) => readRequest(core, first, i)),
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
      this.#cancel({ error });
    }
  }

  async #runItems(items: number): Promise<void> {
    // Stages of one phase alternate, and an item of one may cost a thousand times what one of the other does.
    this.#pace.unknown();
    for (let begin = 0; begin < items; ) {
      const end = Math.min(items, begin + this.#pace.items);
      this.#core.run((exports) => exports.op_run(this.#op, begin, end));
      begin = end;
      await this.#turn();
    }
  }

  /** Lets others have a turn when it is time, and hears what they said. */
  #turn(): Promise<void> | undefined {
    return this.#pace.pieceEnded()?.then(() => this.#listen());
  }

  /** What is done of a transfer is counted in bytes. */
  async #serve(stage: Stage): Promise<void> {
    let { done } = stage;
    const moved = (bytes: number): void => {
      done += bytes;
      this.#report({ ...stage, done });
    };
    for (const request of stage.requests) {
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
      this.#cancel({ error });
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
  return {
    kind: core.slot(REQUEST.kind),
    ticket: core.slot(REQUEST.ticket),
    offset: core.slot(REQUEST.offset),
    length: core.slot(REQUEST.length),
    buffer: core.slot(REQUEST.buffer),
  };
}

function readFailure(core: Core, op: Address): CoreFailure {
  core.run((exports) => exports.op_failure(op));
  return {
    status: core.slot(FAILURE.status),
    detail: core.slot(FAILURE.detail),
    row: core.slot(FAILURE.row),
    page: core.slot(FAILURE.page),
    value: core.slot(FAILURE.value),
  };
}

export interface DriveOptions {
  readonly host?: ByteHost;
  /** Errors tell how many rows were added. */
  readonly insertion?: boolean;
}

/** Drives `op` to its end; the caller ends it. Rejects with the failure, the signal's reason, or what a callback threw. */
export async function drive(
  core: Core,
  op: Address,
  control: Control,
  options: DriveOptions = {},
): Promise<void> {
  await new Driver(core, op, control, options.host ?? {}).drive(options.insertion ?? false);
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
