/**
 * The searches of a paged index: many under way on one thread. One goes on until it wants pages, and again when they are there;
 * one that waits for the reads of another, or for room in the cache, tries again whenever anything has moved, the longest
 * waiting first.
 */
import { onAbort } from "../../core/abort.js";
import type { AbortSignalLike, SearchCounters } from "../../core/types.js";
import type { CoreSearch } from "../backend.js";
import type { CoreFailure } from "../failure.js";
import {
  NOWHERE,
  STATUS_ERR_IO,
  STATUS_ERR_NO_MEMORY,
  STATUS_IO,
  STATUS_OK,
  STATUS_WAIT,
} from "../status.js";
import type { Core, Scratch } from "./core.js";
import type { Address } from "./exchange.js";
import type { Kit } from "./index.js";
import { ADVANCE, ANSWERED } from "./paged-exchange.js";
import { type Reads, takeRound } from "./paged-reads.js";

const FLOAT_BYTES = 4;
const ID_BYTES = 8;

/** One query on its way. */
export interface Query {
  readonly floats: Float32Array;
  readonly params: CoreSearch;
  readonly signal: AbortSignalLike | undefined;
  /** Of the input, or `NOWHERE`. */
  readonly row: number;
  /** k of each, to be filled. */
  readonly ids: Float64Array;
  readonly distances: Float32Array;
}

/** How a search ended. */
export type Outcome = { readonly counters: SearchCounters } | { readonly error: unknown };

class Search {
  readonly query: Query;
  /** As it was when the search was asked for. */
  floats: Float32Array;
  op: Address = 0;
  outcome: Outcome | undefined;
  forgetSignal: (() => void) | undefined;
  settle: ((outcome: Outcome) => void) | undefined;

  constructor(query: Query) {
    this.query = query;
    this.floats = query.floats;
  }
}

export class Searches {
  readonly #kit: Kit;
  readonly #core: Core;
  readonly #paged: Address;
  readonly #reads: Reads;
  /** Searches under way at once. */
  readonly #limit: number;
  readonly #vector: Scratch;
  readonly #hits: Scratch;
  readonly #queue: Search[] = [];
  /** Whose reads are done. */
  readonly #ready: Search[] = [];
  #parked: Search[] = [];
  #active = 0;
  /** Rounds of reads under way. */
  #reading = 0;
  /** Something has happened since those that are parked tried. */
  #stirred = false;
  #pumping = false;

  constructor(kit: Kit, core: Core, paged: Address, reads: Reads, limit: number) {
    this.#kit = kit;
    this.#core = core;
    this.#paged = paged;
    this.#reads = reads;
    this.#limit = limit;
    this.#vector = new kit.Scratch(core);
    this.#hits = new kit.Scratch(core);
  }

  /** The outcome when it is there already, else a promise of it, which never rejects. Floats are copied if they are needed later. */
  run(query: Query): Outcome | Promise<Outcome> {
    const search = new Search(query);
    const { signal } = query;
    if (signal) search.forgetSignal = onAbort(signal, () => this.#abort(search, signal.reason));
    this.#queue.push(search);
    this.#pump();
    if (search.outcome) return search.outcome;
    if (search.op === 0) search.floats = query.floats.slice();
    return new Promise((resolve) => {
      search.settle = resolve;
    });
  }

  /** No search is under way. */
  close(): void {
    this.#vector.release();
    this.#hits.release();
  }

  /** Lets all go on that can, for a slice at most; then the rest, when others have had their turn. */
  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    const pace = new this.#kit.Pace();
    while (this.#goOn()) {
      const rest = this.#hasMore() ? pace.pieceEnded() : undefined;
      if (rest) {
        void rest.then(() => {
          this.#pumping = false;
          this.#pump();
        });
        return;
      }
    }
    this.#pumping = false;
  }

  #canBegin(): boolean {
    return this.#queue.length > 0 && this.#active < this.#limit;
  }

  #hasMore(): boolean {
    return this.#ready.length > 0 || this.#canBegin() || this.#parked.length > 0;
  }

  /** Moves one search, or tries all that are parked; false when nothing is left to do now. */
  #goOn(): boolean {
    const next = this.#ready.shift();
    if (next) this.#step(next);
    else if (this.#canBegin()) this.#begin(this.#queue.shift() as Search);
    else if (this.#parked.length === 0) return false;
    else if (this.#stirred) this.#tryParked();
    else if (this.#reading === 0) this.#starve();
    else return false;
    return true;
  }

  #tryParked(): void {
    this.#stirred = false;
    const waiting = this.#parked;
    this.#parked = [];
    for (const search of waiting) this.#step(search);
  }

  /** All wait and nothing will come: the cache got no memory for the pages that one of them needs. */
  #starve(): void {
    const search = this.#parked.shift() as Search;
    const failure = { status: STATUS_ERR_NO_MEMORY, detail: 0, row: NOWHERE, page: NOWHERE, value: 0 };
    this.#end(search, { error: this.#errorOf(search, failure) });
  }

  #begin(search: Search): void {
    const { params } = search.query;
    this.#active++;
    try {
      const vector = this.#vector.take(search.floats.byteLength);
      this.#core.f32.set(search.floats, vector / FLOAT_BYTES);
      search.op = this.#core.create((exports) =>
        exports.paged_search_begin(
          this.#paged,
          vector,
          params.k,
          params.listSize,
          params.beamWidth,
          params.pageSearch ? 1 : 0,
        ),
      );
    } catch (error) {
      this.#end(search, { error });
      return;
    }
    this.#step(search);
  }

  #step(search: Search): void {
    if (search.outcome) return;
    try {
      while (this.#advance(search));
    } catch (error) {
      this.#end(search, { error });
    }
  }

  /** True when it can go on at once. */
  #advance(search: Search): boolean {
    const core = this.#core;
    const status = core.run((exports) => exports.paged_search_advance(search.op));
    if (status === STATUS_WAIT) {
      this.#stirred ||= core.slot(ADVANCE.moved) !== 0;
      this.#parked.push(search);
      return false;
    }
    this.#stirred = true;
    if (status !== STATUS_IO) {
      this.#finish(search, status);
      return false;
    }
    const reading = this.#reads.serve(takeRound(core));
    if (!reading) return true;
    this.#reading++;
    void reading.then(() => {
      this.#reading--;
      this.#stirred = true;
      this.#ready.push(search);
      this.#pump();
    });
    return false;
  }

  #finish(search: Search, status: number): void {
    if (status === STATUS_OK) this.#end(search, { counters: this.#take(search) });
    else this.#end(search, { error: this.#errorOf(search, this.#kit.readFailure(this.#core, search.op)) });
  }

  #take({ op, query }: Search): SearchCounters {
    const core = this.#core;
    const { k } = query.params;
    const ids = this.#hits.take(k * (ID_BYTES + FLOAT_BYTES));
    const distances = ids + k * ID_BYTES;
    core.run((exports) => exports.paged_search_take(op, k, ids, distances));
    query.ids.set(core.f64.subarray(ids / ID_BYTES, ids / ID_BYTES + k));
    query.distances.set(core.f32.subarray(distances / FLOAT_BYTES, distances / FLOAT_BYTES + k));
    return {
      distanceComputations: core.slot(ANSWERED.distances),
      hops: core.slot(ANSWERED.hops),
      rounds: core.slot(ANSWERED.rounds),
      reads: core.slot(ANSWERED.reads),
      bytesRead: core.slot(ANSWERED.bytesRead),
    };
  }

  #errorOf({ query }: Search, failure: CoreFailure): unknown {
    const located = { ...failure, row: query.row };
    const cause = failure.status === STATUS_ERR_IO ? this.#reads.causeOf(failure.page) : undefined;
    if (cause === undefined) return this.#kit.failureError(located);
    const text = cause instanceof Error ? cause.message : String(cause);
    return this.#kit.failureError(located, { message: `${text} (page ${failure.page})`, cause });
  }

  #abort(search: Search, error: unknown): void {
    const queued = this.#queue.indexOf(search);
    if (queued >= 0) this.#queue.splice(queued, 1);
    else if (search.outcome) return;
    this.#end(search, { error }, queued < 0);
    this.#pump();
  }

  /** Its reads, if there are any, go on. `began`: it was one of those under way. */
  #end(search: Search, outcome: Outcome, began = true): void {
    search.forgetSignal?.();
    if (search.op !== 0 && this.#core.whole) this.#core.run((exports) => exports.op_end(search.op));
    if (began) this.#active--;
    this.#parked = this.#parked.filter((other) => other !== search);
    this.#stirred = true;
    search.outcome = outcome;
    search.settle?.(outcome);
  }
}
