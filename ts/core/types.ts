/** Public types shared by every entry. Names and shapes are a contract: change them only with a major version. */

/** Distances; smaller is nearer. `l2` = squared Euclidean, `cosine` = 1 - cos, `ip` = -<q,x>, `l1` = Manhattan. */
export type Metric = "l2" | "cosine" | "ip" | "l1";

/**
 * How the index stores vectors. `"f16"`: rounded to the nearest half, magnitudes up to 65504. `"i8"`, `"u8"`: integers from
 * -128 to 127 or from 0 to 255, exactly; rows and queries may come in any `Vector`, but must hold such numbers. Distances
 * are of what is stored.
 */
export type DataType = "f32" | "f16" | "i8" | "u8";

/**
 * `"i8"`: rows come as floats and are kept as one byte an element and 16 bytes beside, 256 steps between the least and the
 * greatest element of each vector; nothing is trained. From then on that is the vector: `get` returns it, distances are of it,
 * queries stay floats. `stats().quantization` tells what was lost. `"none"`: vectors are kept as they come.
 */
export type Quantize = "none" | "i8";

/** One vector of `dimensions` finite numbers. Typed-array views are honoured with their byte offset. */
export type Vector = Float32Array | Int8Array | Uint8Array | readonly number[];

/** An id of yours, or one assigned in order of insertion: an integer in 0 .. 2^53 - 1. */
export type Id = number;

/** Many vectors: a row-major typed array of n x `dimensions`, or a (possibly asynchronous) sequence of vectors. */
export type VectorSource =
  | Float32Array
  | Int8Array
  | Uint8Array
  | readonly Vector[]
  | Iterable<Vector>
  | AsyncIterable<Vector>;

/** Kernel families; all give the same bits. */
export type Simd = "portable" | "avx2" | "avx512" | "neon" | "wasm128";

/**
 * What a search reads to find its way, instead of the vectors; distances of hits are exact with all of them.
 *
 * - `"8bit"`: a code of each vector, one byte an element, for floats under all metrics but `"l1"`. They cost dimensions + 32
 *   bytes of memory for each vector and nothing in the file. A search that they would mislead is made again without them.
 * - `"1bit"`: in each record the codes of its neighbours, one bit an element, for all types and metrics but `"l1"`. For an index
 *   that will be read from a slow place, record by record: it takes about half as many of them. Records are 2 to 5 times as
 *   large, in memory and in the file, and searches in memory are faster with `"8bit"`.
 * - `"pq"`: a code of each vector by product quantisation, `codeBytes` long, for all types and metrics, in memory and in the file. For an
 *   index that will be read from a slow place while its codes are in memory: it takes fewer records than with `"1bit"`, and they stay
 *   small. `build` trains them on its vectors, so such an index begins with `build`; `add` codes what comes later in the same way.
 * - `"none"`.
 * - `"auto"`: `"8bit"` for floats from 64 dimensions on, but not with `quantize`; a build that they mislead too often drops them.
 */
export type Codes = "auto" | "none" | "8bit" | "1bit" | "pq";

export interface IndexOptions {
  /** Length of every vector, 1 .. 65535. */
  dimensions: number;
  /** Default `"l2"`. */
  metric?: Metric | undefined;
  /** Default `"f32"`. `"f16"` takes half the memory of the vectors, `"i8"` and `"u8"` a quarter. */
  dataType?: DataType | undefined;
  /** Default `"none"`. `"i8"` takes floats and about a quarter of their memory; for `dataType` `"f32"` only. */
  quantize?: Quantize | undefined;
  /** R: most edges a node keeps, 4 .. 512, default 32. More: better recall, larger file, slower build. */
  maxDegree?: number | undefined;
  /** L at build: candidates considered per insertion, 1 .. 65535, default 100. More: better graph, slower build. */
  buildListSize?: number | undefined;
  /** Pruning slack, 1 .. 2, default 1.2. Larger keeps more long edges. */
  alpha?: number | undefined;
  /**
   * Threads of build, add and batch search, 1 .. 256; default: all cores. WASM: of build and batch, where memory can be shared. Never
   * changes the result.
   */
  threads?: number | undefined;
  /** Order of insertion of a build; an integer in 0 .. 2^53 - 1, default 0. */
  seed?: number | undefined;
  /** Default `"auto"`. */
  codes?: Codes | undefined;
  /** With codes `"pq"`: bytes of a code, 1 .. dimensions; default: one for four dimensions, rounded up. */
  codeBytes?: number | undefined;
  /**
   * Bytes of a page of the file, what a paged index reads at once: 4096, 8192, 16384, 32768 or 65536, with room for a record. Default:
   * the smallest that records fill to 92 %. Larger ones are fewer reads where each read is slow, and more bytes.
   */
  pageBytes?: number | undefined;
}

/** How a file is laid out, where it is not to be as the index is: same vectors, ids and graph. */
export interface SaveOptions extends CallOptions {
  /** Default: those of the index. Codes of another kind are made as a build makes them; while that lasts, memory holds both. */
  codes?: Codes | undefined;
  /** As in `IndexOptions`. */
  codeBytes?: number | undefined;
  /** As in `IndexOptions`; default: where anything of the layout is given, what suits, else as it is. */
  pageBytes?: number | undefined;
}

export interface ProgressEvent {
  /** `"validate" | "link" | "order" | "read" | "check" | "audit" | "seal" | "write" | "scan"`, of codes `"train" | "encode" | "decode"` */
  readonly phase: string;
  readonly done: number;
  readonly total: number;
}
export type Progress = (progress: ProgressEvent) => void;

/** What is used of an `AbortSignal`: a structural stand-in, so that the declarations compile without lib DOM. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: "abort", listener: () => void): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

/** What is used of a `URL`. */
export interface UrlLike {
  readonly href: string;
  readonly protocol: string;
}

/**
 * A graph that is there already, for `VectorIndex.build`, which then makes none: the neighbours of each row of the input, numbers of
 * rows, one list behind the other. The first so many of a list are tree edges; all of them form a tree over all rows, whose
 * root becomes the entry of searches. `importIndex` of `diskann/microsoft` makes such lists of any.
 */
export interface GraphLists {
  /** Neighbours of each row, at most `maxDegree`. */
  readonly degrees: Uint32Array;
  /** Tree edges of each row, at most half of `maxDegree`. */
  readonly children: Uint32Array;
  readonly neighbours: Uint32Array;
}

export interface CallOptions {
  /** Aborting rejects the call with `signal.reason`. */
  signal?: AbortSignalLike | undefined;
  onProgress?: Progress | undefined;
}

export interface BuildControl extends CallOptions {
  /** One id per row; default: the next free ones, 0, 1, 2, ... */
  ids?: ArrayLike<number> | undefined;
  /**
   * Node, Deno, Bun: where the index is to lie as a file, which is replaced when the new one is whole. Goes with `memoryBytes`. While
   * it is built the rows lie in a second file beside it.
   */
  path?: string | UrlLike | undefined;
  /**
   * What the build may take beside the process at rest: graph, codes, buffers. `ERR_NO_MEMORY` says what is needed at least, as
   * soon as the number of rows is known. The bytes of the file depend on it. The opened index is paged where
   * its codes are in the file (`"1bit"`, `"pq"`) and it is larger than `memoryBytes` or 64 MiB; else it is in memory.
   */
  memoryBytes?: number | undefined;
}

/**
 * What a disk index of Microsoft's DiskANN does not tell of itself, and the files beside it. Those that are left out are looked for
 * beside the index by their usual names, where that is `<prefix>_disk.index`.
 */
export interface MicrosoftDisk {
  /** How it stores vectors, default `"f32"`. */
  dataType?: DataType | undefined;
  /**
   * Default `"l2"`. With `"ip"` the file has one dimension more than vectors and queries, and its vectors are scaled by
   * `maxBaseNorm`; distances are those of the vectors as they were.
   */
  metric?: "l2" | "cosine" | "ip" | undefined;
  /** The pivots: `<prefix>_pq_pivots.bin`. */
  pivots?: IndexSource | undefined;
  /** The codes, which go into memory: `<prefix>_pq_compressed.bin`. */
  codes?: IndexSource | undefined;
  /** With `"ip"`, the length of the longest vector; default: what `<prefix>_disk.index_max_base_norm.bin` says. */
  maxBaseNorm?: number | undefined;
}

/** How the file of a paged index is read, see `OpenOptions`. */
export type FileAccess = "pread" | "mmap" | "direct";

export interface OpenOptions extends CallOptions {
  /**
   * Where the index is while it is open. `"resident"`: all of it in memory, for everything. `"paged"`: in its place, which searches
   * read a page at a time; memory holds a cache of pages. `add` rejects with `ERR_UNSUPPORTED`, as `open` does where the file has no
   * codes that lead a search (see `codes: "1bit"`, `"pq"`); exact searches, audits and copies read the file from end to end, `get` and
   * `has` up to the id. Paged bytes, blobs and files must stay as they are until `close`.
   * `"auto"`, the default: resident when the file fits into `cacheBytes` or its records hold no codes, else paged. With equal search
   * options the answers are the same, to the bit.
   */
  mode?: "resident" | "paged" | "auto" | undefined;
  /**
   * Paged: bytes that the page cache may take, 0 .. 2^40, default 64 MiB; a cache that is too small for one round of a search grows
   * to it. 0 keeps nothing between searches.
   */
  cacheBytes?: number | undefined;
  /**
   * Paged, by path, with the addon: how the file is read; default `"pread"`. To the same answers, so that this is for who has measured it.
   *
   * - `"pread"`: by calls of the system, through its cache of files.
   * - `"mmap"`: copied out of a mapping. Only for files that nobody shortens while they are open: that is looked for before each copy
   *   and is `ERR_IO`, but a file that is cut in that very moment ends the process (Linux, macOS), as a disk that fails may. A file
   *   that is replaced, as `save` does, is safe.
   * - `"direct"`: past the system's cache (`O_DIRECT` and its like): memory is what `cacheBytes` says, and each read is the disk's.
   *
   * `ERR_UNSUPPORTED` where the file system does not offer it, and for `"mmap"` and `"direct"` in WebAssembly.
   */
  fileAccess?: FileAccess | undefined;
  /**
   * Paged, behind HTTP, in browsers: bytes of the file that may be kept in IndexedDB for the next visit, 0 .. 2^40; default 0, none. What
   * opening reads is kept, and pages that searches have read, until they are so many or the browser has no more room;
   * `indexedDB.deleteDatabase("diskann pages " + url)` frees them. The next `open` asks the server once whether the file is the same,
   * by `ETag` (or `Last-Modified`) and size, and drops what is of another; with no answer from it, what was kept is searched as it
   * is. A kept page that is damaged is fetched again. Where the server names no versions nothing is kept, nor of an index of
   * Microsoft's. `ERR_UNSUPPORTED` in Node, Deno and Bun.
   */
  keepBytes?: number | undefined;
  /** What searches take that say no other, 1 .. 64. Default: 1; paged behind HTTP 32, in IndexedDB 8, in OPFS 2, elsewhere 4. */
  beamWidth?: number | undefined;
  /** What searches take that say no other. Default: paged only. */
  pageSearch?: boolean | undefined;
  /**
   * The file is a disk index of Microsoft's DiskANN (`<prefix>_disk.index`), to be searched where it is; ids are numbers of vectors.
   * It is never changed, and cannot be opened in memory: `importIndex` of `diskann/microsoft` makes an index of it.
   */
  microsoft?: MicrosoftDisk | undefined;
}

/** What an import did. */
export interface ImportReport {
  /** Length of the file. */
  readonly bytes: number;
  /** How many of them an earlier import had left that was cut off. */
  readonly resumed: number;
}

export interface SearchOptions {
  /** Hits wanted, 1 .. 65535, default 10. */
  k?: number | undefined;
  /** L: candidates kept while searching, 1 .. 65535, default max(64, 1.5 k), raised to k. The recall/speed knob. */
  searchListSize?: number | undefined;
  /**
   * W: candidates expanded per round, 1 .. 64; default: the one of the index, see `OpenOptions`. Paged, a round reads its pages at
   * once: more take fewer rounds and more reads.
   */
  beamWidth?: number | undefined;
  /** Score every record of a page when the page is first used; default: as the index was opened. */
  pageSearch?: boolean | undefined;
  /**
   * Default true: an index in memory of at most 16 `searchListSize` vectors is compared whole, which is faster there and finds all.
   * Not with codes in the file (`"1bit"`, `"pq"`).
   */
  scan?: boolean | undefined;
  /** `search` only: the hits tell the work in their `counters`; default false. */
  counters?: boolean | undefined;
  signal?: AbortSignalLike | undefined;
  /** `searchBatch` only: 1 .. 256; default: what the index was made or built with, else all cores. */
  threads?: number | undefined;
}

export interface SearchHit {
  readonly id: Id;
  readonly distance: number;
}

/** Hits, nearest first. */
export interface SearchHits extends Array<SearchHit> {
  /** When they were asked for; not enumerable. */
  readonly counters?: SearchCounters;
}

export interface SearchBatch {
  /** Number of queries. */
  readonly count: number;
  readonly k: number;
  /** `[count * k]`, row-major; `NaN` pads a row that has fewer than k hits. */
  readonly ids: Float64Array;
  /** `[count * k]`; `Infinity` pads. */
  readonly distances: Float32Array;
  /** Work of all queries together. */
  readonly counters?: SearchCounters;
  /** Hits of one query. */
  hits(row: number): SearchHit[];
}

/** Work a search or a batch of searches did. */
export interface SearchCounters {
  readonly distanceComputations: number;
  /** Records expanded. */
  readonly hops: number;
  /** Steps of up to `beamWidth` records. */
  readonly rounds: number;
  /** Pages that it had read; 0 in memory, and where they were in the cache. */
  readonly reads: number;
  readonly bytesRead: number;
}

export interface VerifyReport {
  readonly ok: boolean;
  readonly errors: readonly { readonly code: ErrorCode; readonly message: string; readonly page?: number }[];
}

export interface CacheStats {
  /** Bytes it takes now. */
  readonly bytes: number;
  /** Bytes it takes at the most. */
  readonly limit: number;
  /** Pages wanted that were there, or on their way. */
  readonly hits: number;
  readonly misses: number;
  /** Reads that have ended. */
  readonly reads: number;
  readonly bytesRead: number;
}

/** A place, as it was when the index was opened from it or saved to it. */
export interface StorageStats {
  readonly kind: "memory" | "file" | "handle" | "blob" | "opfs" | "idb" | "http";
  /** Whether the browser keeps it when the disk is full; undefined where it does not say, or it is no place of the browser's. */
  readonly persisted: boolean | undefined;
  /** Bytes that the pages of this origin may store and have stored, as far as the browser tells. */
  readonly quota: number | undefined;
  readonly usage: number | undefined;
  /** Of a file that stays where it is: how it is read. */
  readonly fileAccess?: FileAccess;
}

export interface IndexStats {
  readonly size: number;
  readonly dimensions: number;
  readonly metric: Metric;
  readonly dataType: DataType;
  readonly maxDegree: number;
  readonly buildListSize: number;
  readonly alpha: number;
  readonly seed: number;
  readonly codes: "none" | "8bit" | "1bit" | "pq";
  /** Bytes of a code with `"pq"`, else 0. */
  readonly codeBytes: number;
  /**
   * What was made of floats; undefined where they are kept. `relativeError`: how far a vector is from the one that was given, by
   * its length, the mean over all.
   */
  readonly quantization: { readonly kind: "i8"; readonly relativeError: number } | undefined;
  /** Whether it is in memory or stays in its file. */
  readonly mode: "resident" | "paged";
  /** Degrees in use; paged: 0, for they are not known. */
  readonly degree: { readonly average: number; readonly max: number };
  /** Bytes held, by part; `total` is all of it, a page cache too. */
  readonly memory: {
    /** The vectors alone: size x dimensions x element size; quantised: size x (dimensions + 16). */
    readonly vectors: number;
    /** The neighbour lists alone: size x maxDegree x 4. */
    readonly graph: number;
    /** What is allocated for records: vectors, neighbour lists, ids, 1-bit codes, page headers, padding. */
    readonly records: number;
    /** 8-bit codes, or those of `"pq"` and what they were trained to. */
    readonly codes: number;
    /** The map from id to record. */
    readonly ids: number;
    readonly total: number;
  };
  /** The paged form that is both the memory image and the file. `waste` is the share of a page no record uses. */
  readonly layout: {
    readonly recordBytes: number;
    readonly pageBytes: number;
    readonly recordsPerPage: number;
    readonly pages: number;
    readonly fileBytes: number;
    readonly waste: number;
  };
  /** The page cache; undefined in memory. Counters are of all searches since it was opened. */
  readonly cache: CacheStats | undefined;
  /** Where it was opened from or saved to, whichever came last; undefined if neither was. */
  readonly storage: StorageStats | undefined;
  /** Defaults of the search options here. */
  readonly search: { readonly beamWidth: number; readonly pageSearch: boolean };
  readonly backend: "native" | "wasm";
  readonly simd: Simd;
}

export type ErrorCode =
  | "ERR_INVALID_ARGUMENT"
  | "ERR_DIMENSION_MISMATCH"
  | "ERR_NOT_FINITE"
  | "ERR_DUPLICATE_ID"
  | "ERR_NOT_FOUND"
  | "ERR_CLOSED"
  | "ERR_BUSY"
  | "ERR_LOCKED"
  | "ERR_CORRUPT"
  | "ERR_VERSION"
  | "ERR_IO"
  | "ERR_NO_MEMORY"
  | "ERR_UNSUPPORTED"
  | "ERR_FULL";

/** Structural stand-ins for browser types, so that the declarations compile without lib DOM. */
export interface BlobLike {
  readonly size: number;
  slice(start?: number, end?: number): BlobLike;
  arrayBuffer(): Promise<ArrayBuffer>;
}
export interface FileHandleLike {
  readonly kind: "file";
  getFile(): Promise<BlobLike>;
  createWritable(options?: { keepExistingData?: boolean }): Promise<{
    write(data: { type: "write"; position: number; data: ArrayBuffer }): Promise<void>;
    close(): Promise<void>;
    abort?(reason?: unknown): Promise<void>;
  }>;
}

/**
 * Anywhere: bytes, or an `http:` or `https:` address. Node, Deno, Bun: a path or `file:` URL. Browsers: `"opfs:/folder/name"` (the private
 * file system), `"idb:name"` (IndexedDB), `"browser:name"` (the first of the two that the browser has; where it has none, memory, until the
 * page is left: `stats().storage` tells which), a `Blob`, `File` or `FileSystemFileHandle`.
 */
export type IndexSource = string | UrlLike | ArrayBuffer | Uint8Array | BlobLike | FileHandleLike;
/** Node, Deno, Bun: a path or `file:` URL. Browsers: `"opfs:/folder/name"`, `"idb:name"`, `"browser:name"`, a `FileSystemFileHandle`. */
export type SaveTarget = string | UrlLike | FileHandleLike;
