/**
 * Calls under way: a ticket for each, and the one function through which the addon reports on all of them.
 *
 * A search costs no more here than a promise and a slot. A job (anything long) also has a handle, a signal, progress, and
 * an outcome to fetch.
 */
import { getSystemErrorName } from "node:util";
import { onAbort } from "../../core/abort.js";
import type { AbortSignalLike, ProgressEvent } from "../../core/types.js";
import type { Control, CoreHits, CoreSearch } from "../backend.js";
import { searchFlags } from "../common.js";
import {
  abortReason,
  failureError,
  NOWHERE,
  phaseText,
  STATUS_ERR_CANCELLED,
  STATUS_ERR_IO,
  statusError,
} from "../failure.js";
import {
  type Binding,
  ENDED,
  type Functions,
  type IndexHandle,
  type JobHandle,
  KIND_END,
  KIND_PAGES,
  KIND_PROGRESS,
  KIND_REQUESTS,
  KIND_SEARCH,
  type Outcome,
  type PagedHandle,
  PROGRESS,
  RECORD,
  SEARCHED,
  type Status,
} from "./binding.js";
import { KeepAwake } from "./keep-awake.js";

interface Search {
  readonly resolve: (hits: CoreHits) => void;
  readonly reject: (error: unknown) => void;
  readonly signal: AbortSignalLike | undefined;
  readonly unlisten: (() => void) | undefined;
  /** Alive until the answer is there. */
  readonly index: IndexHandle | PagedHandle;
  /** Why a page could not be read. */
  readonly cause: CauseOf | undefined;
}

/** What an error says of a read that failed, of a page or of what was read last. */
export type CauseOf = (page: number) => { readonly message?: string; readonly cause?: unknown };

/** What the file system said. */
interface FileError {
  readonly message?: string;
  readonly errno?: number;
}

/** Somebody who reads pages for the addon. */
export interface Pages {
  wanted(): void;
}

/** What a job that succeeded has done. */
export interface Ended extends Outcome {
  readonly distanceComputations: number;
  readonly hops: number;
  readonly rounds: number;
  readonly reads: number;
  readonly bytesRead: number;
}

/** How a job is run beyond the control of its call. */
export interface JobOptions {
  /** An error says how many rows are in the index. */
  readonly insertion?: boolean;
  /** Arrays that the addon reads or writes until the end. */
  readonly lent?: readonly unknown[];
  /** Why a page could not be read, where the addon does not know. */
  readonly cause?: CauseOf | undefined;
  /** Serves the requests that wait; what it rejects with is what the job rejects with. */
  readonly read?: (
    job: JobHandle,
    report: (phase: string, done: number, total: number) => void,
  ) => Promise<void>;
}

interface Job {
  readonly handle: JobHandle;
  readonly control: Control;
  readonly options: JobOptions;
  readonly resolve: (ended: Ended) => void;
  readonly reject: (error: unknown) => void;
  readonly unlisten: (() => void) | undefined;
  /** What stopped it here, beside the addon: a callback that threw, a source that failed. */
  stopped: { readonly error: unknown } | undefined;
  /** The last progress there was, told or not. */
  progress: ProgressEvent | undefined;
}

/** What the file system said, as Node's own errors say it: `code` is "ENOENT" and the like. */
function systemError(message: string, errno: number): Error {
  const error = new Error(message);
  if (errno <= 0 || process.platform === "win32") return error;
  return Object.assign(error, { errno: -errno, code: getSystemErrorName(-errno) });
}

/** What an error says of a file that could not be read or written. */
export function fileFailure({ message, errno = 0 }: FileError = {}): { message?: string; cause?: unknown } {
  return message === undefined ? {} : { message, cause: systemError(message, errno) };
}

function noteAdded(error: unknown, added: number | undefined): unknown {
  if (added !== undefined && typeof error === "object" && error !== null && Object.isExtensible(error)) {
    Reflect.set(error, "added", added);
  }
  return error;
}

export class Calls {
  readonly functions: Functions;
  #numbers = new Float64Array(0);
  #floats = new Float32Array(0);
  /** By ticket; tickets of ended calls are used again. */
  readonly #under: (Search | Job | Pages | undefined)[] = [];
  readonly #free: number[] = [];
  readonly #awake: KeepAwake;

  constructor(binding: Binding, threads: number) {
    this.#awake = new KeepAwake(threads);
    this.functions = binding.connect(
      threads,
      (length) => this.#complete(length),
      (buffer) => {
        this.#numbers = new Float64Array(buffer);
        this.#floats = new Float32Array(buffer);
      },
    );
  }

  search(
    index: IndexHandle | PagedHandle,
    query: Float32Array,
    params: CoreSearch,
    signal: AbortSignalLike | undefined,
    cause?: CauseOf,
  ): Promise<CoreHits> {
    const { k, listSize, beamWidth } = params;
    return new Promise((resolve, reject) => {
      const ticket = this.#free.pop() ?? this.#under.length;
      const flags = searchFlags(params);
      const status = this.functions.search(index, ticket, query, k, listSize, beamWidth, flags);
      if (status < 0) {
        this.#release(ticket);
        reject(statusError(status));
        return;
      }
      this.#awake.begin();
      const unlisten = signal && onAbort(signal, () => void this.functions.searchCancel(ticket));
      this.#under[ticket] = { resolve, reject, signal, unlisten, index, cause };
    });
  }

  /**
   * Starts a job that was just made and resolves when it has ended. An abort does not end it at once: the index has to be
   * whole first.
   */
  run(made: JobHandle | Status, control: Control, options: JobOptions = {}): Promise<Ended> {
    return new Promise((resolve, reject) => {
      if (typeof made === "number") throw statusError(made);
      const { signal } = control;
      const ticket = this.#free.pop() ?? this.#under.length;
      const status = this.functions.start(made, ticket, control.onProgress !== undefined);
      if (status < 0) {
        this.#release(ticket);
        throw statusError(status, "no thread could be started");
      }
      const unlisten = signal && onAbort(signal, () => this.functions.cancel(made));
      const job: Job = {
        handle: made,
        control,
        options,
        resolve,
        reject,
        unlisten,
        stopped: undefined,
        progress: undefined,
      };
      this.#under[ticket] = job;
      if (signal?.aborted) this.functions.cancel(made);
    });
  }

  /** A ticket for records that tell that pages are wanted. */
  serve(pages: Pages): number {
    const ticket = this.#free.pop() ?? this.#under.length;
    this.#under[ticket] = pages;
    return ticket;
  }

  /** No record of the ticket means these pages any more. */
  serveNoMore(ticket: number): void {
    this.functions.pagesEnd(ticket);
    this.#release(ticket);
  }

  #release(ticket: number): void {
    this.#under[ticket] = undefined;
    this.#free.push(ticket);
  }

  #complete(length: number): void {
    const numbers = this.#numbers;
    for (let at = 0; at < length; at += numbers[at + RECORD.length] as number) {
      const ticket = numbers[at + RECORD.ticket] as number;
      const kind = numbers[at + RECORD.kind] as number;
      const call = this.#under[ticket];
      if (kind === KIND_SEARCH) {
        this.#release(ticket);
        this.#awake.end();
        this.#endSearch(call as Search, at);
      } else if (kind === KIND_PROGRESS) {
        this.#tell(call as Job, at);
      } else if (kind === KIND_REQUESTS) {
        void this.#serve(call as Job);
      } else if (kind === KIND_PAGES) {
        (call as Pages | undefined)?.wanted();
      } else if (kind === KIND_END) {
        this.#release(ticket);
        this.#endJob(call as Job, at);
      }
    }
  }

  #endSearch(search: Search, at: number): void {
    const numbers = this.#numbers;
    const status = numbers[at + SEARCHED.status] as number;
    search.unlisten?.();
    if (search.signal?.aborted) {
      search.reject(search.signal.reason);
    } else if (status < 0) {
      const detail = numbers[at + SEARCHED.detail] as number;
      const page = numbers[at + SEARCHED.page] as number;
      const said = status === STATUS_ERR_IO ? search.cause?.(page) : undefined;
      search.reject(failureError({ status, detail, row: NOWHERE, page, value: 0 }, said ?? {}));
    } else {
      const k = numbers[at + SEARCHED.k] as number;
      const ids = at + SEARCHED.ids;
      const distances = 2 * (ids + k);
      search.resolve({
        ids: numbers.slice(ids, ids + k),
        distances: this.#floats.slice(distances, distances + k),
        distanceComputations: numbers[at + SEARCHED.distances] as number,
        hops: numbers[at + SEARCHED.hops] as number,
        rounds: numbers[at + SEARCHED.rounds] as number,
        reads: numbers[at + SEARCHED.reads] as number,
        bytesRead: numbers[at + SEARCHED.bytesRead] as number,
      });
    }
  }

  #tell(job: Job, at: number): void {
    const phase = phaseText(this.#numbers[at + PROGRESS.phase] as number);
    const done = this.#numbers[at + PROGRESS.done] as number;
    const total = this.#numbers[at + PROGRESS.total] as number;
    if (phase !== "") this.#report(job, { phase, done, total });
  }

  #report(job: Job, event: ProgressEvent): void {
    const { progress, control, stopped } = job;
    if (!control.onProgress || stopped) return;
    if (progress?.phase === event.phase && progress.done === event.done && progress.total === event.total)
      return;
    if (progress && progress.phase !== event.phase && progress.done < progress.total)
      this.#report(job, { ...progress, done: progress.total });
    if (job.stopped) return;
    job.progress = event;
    try {
      control.onProgress(event);
    } catch (error) {
      this.#stop(job, error);
    }
  }

  #stop(job: Job, error: unknown): void {
    job.stopped ??= { error };
    this.functions.cancel(job.handle);
  }

  async #serve(job: Job): Promise<void> {
    let status = 0;
    try {
      await job.options.read?.(job.handle, (phase, done, total) => this.#report(job, { phase, done, total }));
    } catch (error) {
      this.#stop(job, error);
      status = STATUS_ERR_CANCELLED;
    }
    this.functions.resume(job.handle, status);
  }

  #endJob(job: Job, at: number): void {
    const { options } = job;
    job.unlisten?.();
    const field = (offset: number): number => this.#numbers[at + offset] as number;
    const status = field(ENDED.status);
    const outcome = this.functions.finish(job.handle);
    if (status >= 0 && job.progress) this.#report(job, { ...job.progress, done: job.progress.total });
    if (status >= 0 && !job.stopped) {
      const work = {
        distanceComputations: field(ENDED.distances),
        hops: field(ENDED.hops),
        rounds: field(ENDED.rounds),
        reads: field(ENDED.reads),
        bytesRead: field(ENDED.bytesRead),
      };
      job.resolve({ ...outcome, ...work });
      return;
    }
    const failure = {
      status,
      detail: field(ENDED.detail),
      row: field(ENDED.row),
      page: field(ENDED.page),
      value: field(ENDED.value),
    };
    job.reject(this.#errorOf(job, failure, outcome, options.insertion ? field(ENDED.added) : undefined));
  }

  #errorOf(
    job: Job,
    failure: Parameters<typeof failureError>[0],
    outcome: Outcome,
    added: number | undefined,
  ): unknown {
    if (job.stopped) return noteAdded(job.stopped.error, added);
    const { signal } = job.control;
    if (failure.status === STATUS_ERR_CANCELLED && signal?.aborted) return abortReason(signal, added);
    const { status, page } = failure;
    const said = status === STATUS_ERR_IO ? job.options.cause?.(page) : undefined;
    return failureError(failure, {
      ...(said ?? fileFailure(outcome)),
      ...(added === undefined ? {} : { added }),
    });
  }
}
