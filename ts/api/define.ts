/** How an entry makes its `VectorIndex`: the class of `vector-index.ts` bound to a backend. */
import type { Backend, BackendIndex, CoreConfig } from "../backend/backend.js";
import {
  type CheckedIndexOptions,
  type CheckedSearch,
  checkIndexOptions,
  invalid,
  SEARCH_DEFAULTS,
} from "../core/checks.js";
import { CODES, DATA_TYPES, METRICS, SQ8 } from "../core/constants.js";
import { DiskAnnError } from "../core/errors.js";
import type {
  BuildControl,
  CallOptions,
  GraphLists,
  ImportReport,
  IndexOptions,
  IndexSource,
  OpenOptions,
  SaveTarget,
  StorageStats,
  VectorSource,
} from "../core/types.js";
import { insertRows } from "./insertion.js";
import { beginLongCall, type LongCall } from "./long-call.js";
import { readIds, readRows } from "./rows.js";
import { type Made, sealMade, VectorIndex } from "./vector-index.js";

/** Loads the backend of an entry; called for every index, so it remembers what it has loaded. */
export type BackendLoader<Extra> = (options: Extra) => Promise<Backend>;

/** The static side of an entry's `VectorIndex`; `Extra`: the entry's own options. */
export interface VectorIndexEntry<Extra> {
  /** @internal Not for use: call `create`, `build` or `open`. */
  new (parts: never): VectorIndex;
  readonly prototype: VectorIndex;
  /** An empty index, to be filled with `add`. */
  create(options: IndexOptions & Extra): Promise<VectorIndex>;
  /**
   * An index of many vectors at once: the best graph, the fastest way. All or nothing. Equal input gives equal bytes,
   * on every platform, with any number of threads. With `graph` that graph is taken as it is, and only put into order.
   *
   * With `path` and `memoryBytes` the index is made as a file, of rows that may be larger than memory, and then opened as `open` does.
   */
  build(
    vectors: VectorSource,
    options: IndexOptions & BuildControl & { graph?: GraphLists | undefined } & Extra,
  ): Promise<VectorIndex>;
  /**
   * Opens what `save` or `toBytes` made: a path or `file:` URL, an `http(s):`, `opfs:` or `idb:` address, bytes, a `Blob`, a
   * `FileSystemFileHandle`. In memory, or where it is: see `OpenOptions`.
   */
  open(source: IndexSource, options?: OpenOptions & Extra): Promise<VectorIndex>;
  /**
   * Brings the file of an index to a place, to be opened there: a URL or a `File` to `"opfs:/name"`, for instance. All or nothing: length
   * and checksums are checked before it replaces what is there (`ERR_CORRUPT`). From a server that tells versions apart (`ETag` or
   * `Last-Modified`) to OPFS or IndexedDB, a download that broke off goes on where it stopped: a few times by itself, and when
   * it is asked for again, in another tab or after a crash too. Progress: `"read"` while it is downloaded, then `"check"`.
   */
  import(source: IndexSource, target: SaveTarget, options?: CallOptions & Extra): Promise<ImportReport>;
}

const PQ_IS_BUILT = 'codes "pq" are trained on vectors: begin with VectorIndex.build';

type Constructor = new (parts: Made) => VectorIndex;

function configOf(options: CheckedIndexOptions): CoreConfig {
  const { dimensions, maxDegree, buildListSize, alpha, seed, codeBytes, pageBytes } = options;
  const metric = METRICS.indexOf(options.metric);
  const dataType = options.quantize === "i8" ? SQ8 : DATA_TYPES.indexOf(options.dataType);
  const codes = CODES.indexOf(options.codes);
  return {
    ...{ dimensions, metric, dataType, maxDegree, buildListSize, alpha, seed },
    ...{ codes, codeBytes, pageBytes },
  };
}

function assemble(
  entry: unknown,
  backend: Backend,
  core: BackendIndex,
  threads: number | undefined,
  defaults: CheckedSearch = SEARCH_DEFAULTS,
  storage?: StorageStats,
): VectorIndex {
  const stats = core.stats();
  const Entry = entry as Constructor;
  return new Entry(
    sealMade({ core, backend: backend.name, config: stats, threads, defaults, stats, storage }),
  );
}

/** All else has been checked: what the core refuses is a page without room for a record. */
function create(backend: Backend, options: CheckedIndexOptions): Promise<BackendIndex> {
  const { pageBytes } = options;
  return backend.create(configOf(options)).catch((error: unknown) => {
    if (pageBytes === 0 || (error as DiskAnnError).code !== "ERR_INVALID_ARGUMENT") throw error;
    throw invalid(`pageBytes ${pageBytes} is too small for a record of this index`);
  });
}

/** Gives up what was made so far; the error that led here matters more than one of this. */
async function discard(core: BackendIndex | undefined): Promise<void> {
  try {
    await core?.close();
  } catch {}
}

/** Runs `make`; whatever goes wrong, nothing is left behind. */
async function allOrNothing(
  call: LongCall,
  make: (keep: (core: BackendIndex) => BackendIndex) => Promise<VectorIndex>,
): Promise<VectorIndex> {
  let core: BackendIndex | undefined;
  try {
    if (call.signal?.aborted) throw call.signal.reason;
    const index = await make((made) => {
      core = made;
      return made;
    });
    call.finish();
    return index;
  } catch (error) {
    await discard(core);
    throw call.errorOf(error);
  }
}

/**
 * A base for `export class VectorIndex extends defineVectorIndex<Extra>(load) {}`. `load` gets the options of the call
 * as they are: those of the entry beside those of the index.
 */
export function defineVectorIndex<Extra extends object>(load: BackendLoader<Extra>): VectorIndexEntry<Extra> {
  class Entry extends VectorIndex {}
  /** The class the call was made on, if it was made on one: an entry's own subclass. */
  const classOf = (receiver: unknown): unknown =>
    typeof receiver === "function" && receiver.prototype instanceof Entry ? receiver : Entry;

  const statics = {
    async create(this: unknown, options: IndexOptions & Extra): Promise<VectorIndex> {
      const checked = checkIndexOptions(options);
      if (checked.codes === "pq") throw new DiskAnnError("ERR_UNSUPPORTED", PQ_IS_BUILT);
      const backend = await load(options);
      const core = await create(backend, checked);
      return assemble(classOf(this), backend, core, checked.threads);
    },

    async build(
      this: unknown,
      vectors: VectorSource,
      options: IndexOptions & BuildControl & { graph?: GraphLists | undefined } & Extra,
    ): Promise<VectorIndex> {
      const checked = checkIndexOptions(options);
      const call = beginLongCall(options);
      const { dimensions, dataType, threads } = checked;
      const rows = readRows(vectors, dimensions, dataType, call.signal);
      const ids = readIds(options.ids, rows.total);
      return allOrNothing(call, async (keep) => {
        if (options.path !== undefined || options.memoryBytes !== undefined) {
          const { buildFile } = await import("./file-build.js");
          const parts = { config: configOf(checked), rows, ids, threads, load: () => load(options) };
          const { backend, path, memoryBytes } = await buildFile(parts, options, call);
          const { openBuilt } = await import("./open.js");
          const { core, defaults, storage } = await openBuilt(backend, path, memoryBytes, call, keep);
          return assemble(classOf(this), backend, core, threads, defaults, storage);
        }
        const backend = await load(options);
        const core = keep(await create(backend, checked));
        await insertRows(core, dimensions, { kind: "build", rows, ids, threads, graph: options.graph }, call);
        return assemble(classOf(this), backend, core, threads);
      });
    },

    async open(this: unknown, source: IndexSource, options?: OpenOptions & Extra): Promise<VectorIndex> {
      const call = beginLongCall(options);
      return allOrNothing(call, async (keep) => {
        // Apart from the entry: not every page opens.
        const { openCore } = await import("./open.js");
        const { backend, core, defaults, storage } = await openCore(load, source, options, call, keep);
        return assemble(classOf(this), backend, core, undefined, defaults, storage);
      });
    },

    async import(
      source: IndexSource,
      target: SaveTarget,
      options?: CallOptions & Extra,
    ): Promise<ImportReport> {
      const call = beginLongCall(options);
      const { importIndex } = await import("./open.js");
      return importIndex(load, source, target, options, call);
    },
  };
  return Object.assign(Entry, statics) as unknown as VectorIndexEntry<Extra>;
}
