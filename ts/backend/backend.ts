/**
 * What the API asks of a backend. Three exist: native (the addon), wasm, and worker (a proxy of one of those in
 * another thread). Arguments arrive checked (`ts/api` checks them); a backend trusts shapes but not file bytes.
 *
 * Order of calls is kept by `ts/api`: a backend never sees a write beside any other call on the same index.
 * Long calls never hold the calling thread for more than about 8 ms at a time.
 * Typed arrays may be reused by the caller as soon as a method has returned (its promise pending): what is needed of
 * them later is copied before. They may be views with a byte offset.
 * Errors are made with `failure.ts`; an aborted call may reject with anything, `ts/api` rejects with the reason.
 */
import type {
  AbortSignalLike,
  FileAccess,
  ImportReport,
  Progress,
  SearchCounters,
  Simd,
  VerifyReport,
} from "../core/types.js";
import type { TypedRows } from "../core/vectors.js";
import type { StorageSource, StorageTarget } from "../storage/select.js";
import type { PqParts } from "./pq.js";

/** Enumerations cross as the numbers of `diskann.h`. */
export interface CoreConfig {
  readonly dimensions: number;
  readonly metric: number;
  readonly dataType: number;
  readonly maxDegree: number;
  readonly buildListSize: number;
  readonly alpha: number;
  readonly seed: number;
  readonly codes: number;
  /** Codes `pq`; 0: as many as suit. */
  readonly codeBytes: number;
  /** 0: as suits. */
  readonly pageBytes: number;
}

/** How a file is laid out, where that is not how the index is. */
export type CoreLayout = Pick<CoreConfig, "codes" | "codeBytes" | "pageBytes">;

/** `diskann_stats`, one field each. */
export interface CoreStats extends CoreConfig {
  readonly simd: number;
  readonly size: number;
  readonly nextId: number;
  readonly edges: number;
  readonly degreeMax: number;
  readonly recordBytes: number;
  readonly recordsPerPage: number;
  readonly pages: number;
  readonly fileBytes: number;
  readonly memoryVectors: number;
  readonly memoryGraph: number;
  readonly memoryRecords: number;
  readonly memoryCodes: number;
  readonly memoryIds: number;
  readonly memoryTotal: number;
  /** Of a paged index; 0 elsewhere. */
  readonly cacheBytes: number;
  readonly cacheLimit: number;
  readonly cacheHits: number;
  readonly cacheMisses: number;
  readonly cacheReads: number;
  readonly cacheBytesRead: number;
  readonly relativeError: number;
}

export interface Control {
  readonly signal?: AbortSignalLike | undefined;
  readonly onProgress?: Progress | undefined;
  readonly threads?: number | undefined;
}

export interface CoreSearch {
  readonly k: number;
  readonly listSize: number;
  readonly beamWidth: number;
  readonly pageSearch: boolean;
  /** A small index in memory may be compared whole. */
  readonly scan?: boolean;
}

/** Rows of hits: `count` rows of `k`, padded with NaN and Infinity; and the work of all rows together. */
export interface CoreHits extends Partial<SearchCounters> {
  readonly ids: Float64Array;
  readonly distances: Float32Array;
  readonly distanceComputations: number;
  readonly hops: number;
}

/** Bytes of an index, wherever they come from or go to. */
export type CoreSource = StorageSource;
export type CoreTarget = StorageTarget;

/** Rows on their way into an index: append in slabs of at most a few MB, then run, or discard. */
export interface BackendInsert {
  /**
   * Copies `rows.length / dimensions` rows into records: floats, or bytes of the index's own type. `ids` has one per
   * row; all slabs have it or none. Floats that the index cannot store make `run` reject.
   */
  append(rows: TypedRows, ids: Float64Array | undefined): void | Promise<void>;
  /**
   * Of a build, after the rows: lists of the next `rows` rows, of a graph that is there (`diskann_op_links`): their degrees, then
   * their children, then all neighbours.
   */
  links(lists: Uint32Array, rows: number): void | Promise<void>;
  /** Validates all rows, then links them. After a failure `size` tells how many of them are in the index. */
  run(control: Control): Promise<void>;
  /** Ends it without changing the index; after `run` it does nothing. */
  discard(): void | Promise<void>;
}

/** An index in memory, or one that stays in its file: that one rejects `insert` with `ERR_UNSUPPORTED`. */
export interface BackendIndex {
  readonly size: number;
  /** It stays in its file. */
  readonly paged: boolean;
  search(query: Float32Array, params: CoreSearch, signal?: AbortSignalLike): Promise<CoreHits>;
  /** `queries`: count x dimensions, row-major. */
  searchBatch(queries: Float32Array, params: CoreSearch, control: Control): Promise<CoreHits>;
  searchExact(query: Float32Array, k: number, control: Control): Promise<CoreHits>;
  get(id: number, control: Control): Promise<Float32Array | undefined>;
  has(id: number, control: Control): Promise<boolean>;
  insert(kind: "build" | "add", threads: number | undefined): BackendInsert | Promise<BackendInsert>;
  /** `layout`: for an index in memory only. */
  save(target: CoreTarget, control: Control, layout?: CoreLayout): Promise<void>;
  toBytes(control: Control, layout?: CoreLayout): Promise<Uint8Array>;
  verify(control: Control): Promise<VerifyReport>;
  stats(): CoreStats;
  /** Frees everything; no call is under way. Idempotent. */
  close(): void | Promise<void>;
}

/** A disk index of Microsoft's, beside the file itself: what the file does not tell, and what lies in others. */
export interface MicrosoftParts {
  readonly dataType: number;
  readonly metric: number;
  readonly pivots: PqParts;
  /** A file of codes, of `count` nodes. */
  readonly codes: CoreSource;
  readonly count: number;
}

/** How to open a file that is to stay where it is. */
export interface PagedOptions {
  /** What the page cache may take. */
  readonly cacheBytes: number;
  /**
   * What else may be done: "never" rejects with `ERR_UNSUPPORTED` where records hold no codes; "allowed" opens in memory then, and
   * when the file is not larger than the cache.
   */
  readonly resident: "never" | "allowed";
  /** How a file is read; more than `"pread"` for the addon only. */
  readonly access?: FileAccess;
  /** It is such an index; `resident` is "never". */
  readonly microsoft?: MicrosoftParts;
}

/** An index that is made as a file, of rows in another, under a memory budget: `diskann_budget`. */
export interface FileBuild {
  readonly config: CoreConfig;
  readonly rows: number;
  /** The number of their type in `DATA_TYPES`. */
  readonly rowType: number;
  readonly hasIds: boolean;
  /** What the core may take. */
  readonly memoryBytes: number;
}

export interface FileBuildNeeds {
  readonly memoryBytes: number;
  /** 0: `memoryBytes` of the build is too little. */
  readonly shards: number;
  /** Threads that have room. */
  readonly workers: number;
}

/** Where rows are read and the file is written. Called one at a time. */
export interface FileBuildPlaces {
  read(offset: number, into: Uint8Array): Promise<void>;
  write(offset: number, bytes: Uint8Array): Promise<void>;
  sync(): Promise<void>;
  ids(first: number, count: number): Float64Array;
}

export interface FileBuilder {
  needs(build: FileBuild): FileBuildNeeds;
  run(build: FileBuild, places: FileBuildPlaces, control: Control): Promise<void>;
  /** Idempotent. */
  close(): void;
}

export interface Backend {
  readonly name: "native" | "wasm";
  readonly simd: Simd;
  create(config: CoreConfig): Promise<BackendIndex>;
  /** `paged`: undefined opens it in memory. */
  open(source: CoreSource, control: Control, paged?: PagedOptions): Promise<BackendIndex>;
  /** `storage/import.ts`, in another thread; absent: on this one. */
  import?(source: CoreSource, target: CoreTarget, control: Control): Promise<ImportReport>;
  /** Where there is a file system. */
  fileBuilder?(): Promise<FileBuilder>;
}
