/**
 * What the module exports, and the slots of its exchange: the files of `wasm/` write them in this order (a test compares
 * the two files).
 */
import { STATS_FIELDS } from "../common.js";

/** An address in the module's memory. Those above 2 GiB come back negative: always take `>>> 0`. */
export type Address = number;
type Op = Address;
type Index = Address;

export interface CoreExports {
  readonly memory: WebAssembly.Memory;
  _initialize(): void;
  malloc(bytes: number): Address;
  free(address: Address): void;
  exchange(): Address;

  index_create(
    dimensions: number,
    metric: number,
    dataType: number,
    maxDegree: number,
    buildListSize: number,
    alpha: number,
    seed: number,
    codes: number,
    codeBytes: number,
    pageBytes: number,
    simd: number,
  ): number;
  index_destroy(index: Index): void;
  index_stats(index: Index): void;
  index_size(index: Index): number;
  index_has(index: Index, id: number): number;
  index_get(index: Index, id: number, out: Address): number;

  searcher_create(index: Index): number;
  searcher_destroy(searcher: Address): void;
  search(
    searcher: Address,
    vectors: Address,
    dimensions: number,
    queries: number,
    k: number,
    listSize: number,
    beamWidth: number,
    flags: number,
    ids: Address,
    distances: Address,
  ): number;

  op_step(op: Op): number;
  op_request(requests: Address, i: number): void;
  op_run(op: Op, worker: number, begin: number, end: number): void;
  op_complete(op: Op, ticket: number, status: number): void;
  op_cancel(op: Op): void;
  op_end(op: Op): void;
  op_failure(op: Op): void;
  op_distances(op: Op): number;

  insert_begin(index: Index): number;
  build_begin(index: Index, workers: number): number;
  op_rows(op: Op, vectors: Address, dataType: number, ids: Address, rows: number): number;
  op_links(op: Op, lists: Address, rows: number): number;
  budget_need(): number;
  budget_begin(): number;
  budget_ids(op: Op, ids: Address, count: number): number;
  open_begin(fileBytes: number, simd: number): number;
  open_take(op: Op): Index;
  save_begin(index: Index): number;
  convert_begin(index: Index, codes: number, codeBytes: number, pageBytes: number): number;
  convert_take(op: Op): Index;
  exact_begin(index: Index, query: Address, k: number): number;
  exact_take(op: Op, k: number, ids: Address, distances: Address): void;
  verify_begin(index: Index): number;
  verify_findings(op: Op): void;
  verify_finding(first: Address, i: number): void;

  paged_open_begin(fileBytes: number, simd: number, cacheBytes: number): number;
  paged_microsoft_begin(
    fileBytes: number,
    dataType: number,
    metric: number,
    rows: number,
    pq: Address,
    cacheBytes: number,
  ): number;
  paged_microsoft_codes(op: Op, codes: Address, rows: number): number;
  paged_take(op: Op): Index;
  paged_destroy(paged: Index): void;
  paged_stats(paged: Index): void;
  paged_search_begin(
    paged: Index,
    query: Address,
    k: number,
    listSize: number,
    beamWidth: number,
    pageSearch: number,
  ): number;
  paged_search_advance(op: Op): number;
  paged_complete(paged: Index, count: number, status: number): void;
  paged_search_take(op: Op, k: number, ids: Address, distances: Address): number;
  paged_exact_begin(paged: Index, query: Address, k: number): number;
  paged_find_begin(paged: Index, id: number): number;
  paged_find_take(op: Op, out: Address): number;
  paged_verify_begin(paged: Index): number;
  paged_copy_begin(paged: Index): number;

  pq_create(
    dimensions: number,
    chunks: number,
    centroids: number,
    offsets: Address,
    pivots: Address,
    centre: Address,
  ): number;
  pq_destroy(pq: Address): void;
  pq_export(pq: Address, offsets: Address, pivots: Address, centre: Address): void;
  pq_train_begin(
    dimensions: number,
    chunks: number,
    centroids: number,
    iterations: number,
    sampleRows: number,
    isCentred: number,
    seed: number,
  ): number;
  pq_rows(op: Op, vectors: Address, rows: number): number;
  pq_train_take(op: Op): Address;
  pq_encode_begin(pq: Address, vectors: Address, rows: number, codes: Address): number;
  pq_decode(pq: Address, codes: Address, rows: number, out: Address): number;
  pq_search_begin(
    pq: Address,
    query: Address,
    metric: number,
    codes: Address,
    rows: number,
    k: number,
  ): number;
  pq_search_take(op: Op, k: number, rows: Address, distances: Address): void;
}

/** Slots by name, in the order of the files of `wasm/`. */
function slots<const Names extends readonly string[]>(...names: Names): Record<Names[number], number> {
  return Object.fromEntries(names.map((name, slot) => [name, slot])) as Record<Names[number], number>;
}

/** Where a fresh object lies. */
export const GIVEN = 0;

export const STATS = slots(...STATS_FIELDS);
export const SEARCHED = slots("distances", "hops", "rounds", "row");
export const STAGE = slots("phase", "items", "done", "total", "requestCount", "requests", "parallel");
export const REQUEST = slots("kind", "ticket", "offset", "length", "buffer");
export const FAILURE = slots("status", "detail", "row", "page", "value");
export const FINDINGS = slots("count", "total", "first");
export const FINDING = slots("kind", "slot", "page");

/** `enum diskann_request_kind` */
export const REQUEST_READ = 1;
export const REQUEST_WRITE = 2;
