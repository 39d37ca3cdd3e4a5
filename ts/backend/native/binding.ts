/** The addon as TypeScript sees it: the functions of `node/`, and the shapes that cross. */

import type { TypedRows } from "../../core/vectors.js";

/** Handles are the addon's; JavaScript only keeps them alive. */
declare const indexBrand: unique symbol;
declare const jobBrand: unique symbol;
export interface IndexHandle {
  readonly [indexBrand]: true;
}
declare const pqBrand: unique symbol;
export interface PqHandle {
  readonly [pqBrand]: true;
}
declare const pagedBrand: unique symbol;
/** An index that stays in its file. */
export interface PagedHandle {
  readonly [pagedBrand]: true;
}
export interface JobHandle {
  readonly [jobBrand]: true;
}

/** A status of the core; below zero it is an error. */
export type Status = number;

/** What has come out of a job. */
export interface Outcome {
  /** Of a file that could not be read or written. */
  readonly message?: string;
  readonly errno?: number;
  readonly index?: IndexHandle;
  readonly dimensions?: number;
  readonly pq?: PqHandle;
  readonly paged?: PagedHandle;
  /** The id that was looked for is there. */
  readonly found?: boolean;
  readonly fileBytes: number;
  readonly kinds?: Float64Array;
  readonly slots?: Float64Array;
  readonly pages?: Float64Array;
  readonly total?: number;
}

/** Functions that make a job do nothing else: `start` does. `threads` 0: all there are. */
export interface Functions {
  create(config: Float64Array): IndexHandle | Status;
  size(index: IndexHandle): number;
  has(index: IndexHandle, id: number): boolean;
  get(index: IndexHandle, id: number, out: Float32Array): Status;
  stats(index: IndexHandle, out: Float64Array): Status;

  search(
    index: IndexHandle | PagedHandle,
    ticket: number,
    query: Float32Array,
    k: number,
    listSize: number,
    beamWidth: number,
    /** `searchFlags` of common.ts. */
    flags: number,
  ): Status;
  searchSync(
    index: IndexHandle,
    query: Float32Array,
    k: number,
    listSize: number,
    beamWidth: number,
    /** `searchFlags` of common.ts. */
    flags: number,
    ids: Float64Array,
    distances: Float32Array,
  ): number;
  searchCancel(ticket: number): boolean;

  insert(index: IndexHandle, build: boolean, threads: number): JobHandle | Status;
  insertRows(job: JobHandle, rows: TypedRows, ids: Float64Array | undefined): Status;
  /** `lists`: bytes of u32: degrees of the rows, their children, all neighbours. */
  insertLinks(job: JobHandle, lists: Uint8Array, rows: number): Status;
  exact(
    index: IndexHandle,
    query: Float32Array,
    k: number,
    ids: Float64Array,
    distances: Float32Array,
    threads: number,
  ): JobHandle | Status;
  batch(
    index: IndexHandle,
    queries: Float32Array,
    k: number,
    listSize: number,
    beamWidth: number,
    /** `searchFlags` of common.ts. */
    flags: number,
    ids: Float64Array,
    distances: Float32Array,
    threads: number,
  ): JobHandle | Status;
  open(path: string, simd: number, threads: number): JobHandle | Status;
  openBytes(length: number, simd: number, threads: number): JobHandle | Status;
  convert(
    index: IndexHandle,
    codes: number,
    codeBytes: number,
    pageBytes: number,
    threads: number,
  ): JobHandle | Status;
  save(index: IndexHandle, path: string, threads: number): JobHandle | Status;
  saveBytes(index: IndexHandle, out: Uint8Array, threads: number): JobHandle | Status;
  verify(index: IndexHandle, threads: number): JobHandle | Status;
  measure(index: IndexHandle): JobHandle | Status;
  close(index: IndexHandle): JobHandle | Status;

  /** `access`: the number of a `FileAccess` in `FILE_ACCESS`. */
  openPaged(path: string, simd: number, cacheBytes: number, access: number): JobHandle | Status;
  /** The requests of the job are served here; from `pagesServe` on those of searches too, told by records of `ticket`. */
  openPagedHost(length: number, ticket: number, simd: number, cacheBytes: number): JobHandle | Status;
  pagesServe(index: PagedHandle, ticket: number): void;
  /** Ticket, offset and length of each request that has not been taken; each is answered with `pageRead`. */
  pagesWanted(index: PagedHandle): Float64Array;
  /** `bytes` undefined: they cannot be read. */
  pageRead(index: PagedHandle, ticket: number, bytes: Uint8Array | undefined): Status;
  /** Once the index of `openPagedHost` is closed, or was not opened. */
  pagesEnd(ticket: number): void;
  exactPaged(
    index: PagedHandle,
    query: Float32Array,
    k: number,
    ids: Float64Array,
    distances: Float32Array,
    threads: number,
  ): JobHandle | Status;
  findPaged(index: PagedHandle, id: number, out: Float32Array): JobHandle | Status;
  verifyPaged(index: PagedHandle, threads: number): JobHandle | Status;
  copyPaged(index: PagedHandle, path: string, threads: number): JobHandle | Status;
  copyPagedBytes(index: PagedHandle, out: Uint8Array, threads: number): JobHandle | Status;
  openMicrosoft(
    path: string,
    codes: string,
    pq: PqHandle,
    dataType: number,
    metric: number,
    rows: number,
    simd: number,
    cacheBytes: number,
    access: number,
  ): JobHandle | Status;
  batchPaged(
    index: PagedHandle,
    queries: Float32Array,
    k: number,
    listSize: number,
    beamWidth: number,
    pageSearch: number,
    ids: Float64Array,
    distances: Float32Array,
    threads: number,
  ): JobHandle | Status;
  statsPaged(index: PagedHandle, out: Float64Array): Status;
  /** Why a read failed last. */
  errorPaged(index: PagedHandle): { readonly message?: string; readonly errno?: number };
  /** From here on it is closed; the job frees it. */
  closePaged(index: PagedHandle): JobHandle | Status;

  /** `shape`: dimensions, chunks, centroids, simd. */
  pqCreate(
    shape: Float64Array,
    offsets: Float64Array,
    pivots: Float32Array,
    centre: Float32Array,
  ): PqHandle | Status;
  pqExport(pq: PqHandle, offsets: Float64Array, pivots: Float32Array, centre: Float32Array): Status;
  pqDecode(pq: PqHandle, codes: Uint8Array, out: Float32Array): Status;
  /** Frees it at once; calls under way keep what they use. */
  pqClose(pq: PqHandle): void;
  /** `training`: dimensions, chunks, centroids, iterations, sampleRows, isCentred, seed, simd. */
  pqTrain(training: Float64Array, threads: number): JobHandle | Status;
  pqRows(job: JobHandle, rows: Float32Array): Status;
  /** The row that `pqRows` refused, or -1. */
  pqBadRow(job: JobHandle): number;
  pqEncode(pq: PqHandle, rows: Float32Array, codes: Uint8Array, threads: number): JobHandle | Status;
  pqSearch(
    pq: PqHandle,
    codes: Uint8Array,
    query: Float32Array,
    metric: number,
    k: number,
    ids: Float64Array,
    distances: Float32Array,
    threads: number,
  ): JobHandle | Status;

  /** `budget`: a configuration with simd, rows, their type, whether ids are given, memoryBytes. `out`: memoryBytes, shards, workers. */
  budgetNeeds(budget: Float64Array, out: Float64Array): Status;
  budgetBuild(budget: Float64Array, threads: number): JobHandle | Status;
  budgetIds(job: JobHandle, ids: Float64Array): Status;

  start(job: JobHandle, ticket: number, wantsProgress: boolean): Status;
  cancel(job: JobHandle): void;
  /** Kind, offset and length of each request that waits to be served. */
  requests(job: JobHandle): Float64Array;
  /** Copies into the buffer of a READ. */
  fill(job: JobHandle, request: number, at: number, bytes: Uint8Array): Status;
  /** Copies out of the buffer of a WRITE. */
  drain(job: JobHandle, request: number, at: number, into: Uint8Array): Status;
  resume(job: JobHandle, status: Status): void;
  finish(job: JobHandle): Outcome;
}

export interface Binding {
  /**
   * Threads and a way back of their own for the caller. `complete(length)`: so many numbers of records lie in the buffer;
   * `grow(buffer)`: that is the buffer from now on (called once before `connect` returns).
   */
  connect(
    threads: number,
    complete: (length: number) => void,
    grow: (buffer: ArrayBuffer) => void,
  ): Functions;
  simdBest(): number;
  simdAvailable(simd: number): boolean;
  /** The core's own tables, for tests. */
  texts(): {
    readonly findings: readonly string[];
    readonly phases: readonly string[];
    readonly codes: readonly (string | undefined)[];
  };
}

/** A record in the buffer begins with its ticket, its kind and its length. */
export const RECORD = { ticket: 0, kind: 1, length: 2 } as const;
/** Kinds of requests. */
export const REQUEST = { read: 1, write: 2, sync: 3 } as const;

export const KIND_SEARCH = 0;
export const KIND_PROGRESS = 1;
export const KIND_REQUESTS = 2;
export const KIND_END = 3;
export const KIND_PAGES = 4;

/** Then, by kind. After `k` of a search come k ids and k distances, the latter as floats. */
export const SEARCHED = {
  status: 3,
  distances: 4,
  hops: 5,
  rounds: 6,
  reads: 7,
  bytesRead: 8,
  detail: 9,
  page: 10,
  k: 11,
  ids: 12,
} as const;
export const PROGRESS = { phase: 3, done: 4, total: 5 } as const;
export const ENDED = {
  status: 3,
  detail: 4,
  row: 5,
  page: 6,
  value: 7,
  added: 8,
  distances: 9,
  hops: 10,
  rounds: 11,
  reads: 12,
  bytesRead: 13,
} as const;
