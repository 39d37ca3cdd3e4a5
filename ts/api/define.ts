/** How an entry makes its `VectorIndex`: the class of `vector-index.ts` bound to a backend. */
import type { Backend, BackendIndex, CoreConfig, CoreSource } from "../backend/backend.js";
import {
  type CheckedIndexOptions,
  type CheckedSearch,
  checkIndexOptions,
  checkOpen,
  invalid,
  SEARCH_DEFAULTS,
} from "../core/checks.js";
import { CODES, DATA_TYPES, METRICS, SQ8 } from "../core/constants.js";
import { DiskAnnError } from "../core/errors.js";
import type {
  BuildControl,
  GraphLists,
  IndexOptions,
  IndexSource,
  OpenOptions,
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
}

/** Beam widths by kind of place, where rounds are slow or quick: 4 elsewhere. */
const PAGED_WIDTHS: Partial<Record<CoreSource["kind"], number>> = { http: 32, idb: 8, opfs: 2 };

const NOT_PAGED = "paged is not possible here: leave mode out";
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
): VectorIndex {
  const stats = core.stats();
  const Entry = entry as Constructor;
  return new Entry(sealMade({ core, backend: backend.name, config: stats, threads, defaults, stats }));
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
          const { cacheBytes, defaults } = checkOpen({});
          const paged = { cacheBytes: Math.min(cacheBytes, memoryBytes), resident: "allowed" } as const;
          const core = keep(await backend.open({ kind: "path", path }, { signal: call.signal }, paged));
          return assemble(classOf(this), backend, core, threads, defaults(core.paged, 4));
        }
        const backend = await load(options);
        const core = keep(await create(backend, checked));
        await insertRows(core, dimensions, { kind: "build", rows, ids, threads, graph: options.graph }, call);
        return assemble(classOf(this), backend, core, threads);
      });
    },

    async open(this: unknown, source: IndexSource, options?: OpenOptions & Extra): Promise<VectorIndex> {
      const call = beginLongCall(options);
      const { mode, cacheBytes, defaults } = checkOpen(options ?? {});
      const resident = mode === "paged" ? "never" : "allowed";
      return allOrNothing(call, async (keep) => {
        // Apart from the entry: not every page opens or saves.
        const { checkSource } = await import("./location.js");
        const find = checkSource(source);
        const backend = await load(options ?? ({} as Extra));
        const { signal, onProgress } = call;
        const control = { signal, onProgress, threads: undefined };
        const place = await find();
        const how = options?.microsoft;
        const disk =
          how === undefined
            ? undefined
            : await (await import("./microsoft-disk.js")).readDisk(how, place, mode, control);
        const paged = mode === "resident" ? undefined : ({ cacheBytes, resident, ...disk?.paged } as const);
        const opened = keep(await backend.open(place, control, paged));
        const core = disk ? keep(disk.finish(opened)) : opened;
        if (mode === "paged" && !core.paged) throw new DiskAnnError("ERR_UNSUPPORTED", NOT_PAGED);
        const width = PAGED_WIDTHS[place.kind] ?? 4;
        return assemble(classOf(this), backend, core, undefined, defaults(core.paged, width));
      });
    },
  };
  return Object.assign(Entry, statics) as unknown as VectorIndexEntry<Extra>;
}
