/** An index that stays in its file: the addon keeps a cache of its pages, and reads what searches want on its threads. */
import { stat } from "node:fs/promises";
import { DiskAnnError } from "../../core/errors.js";
import type { AbortSignalLike } from "../../core/types.js";
import type {
  BackendIndex,
  Control,
  CoreHits,
  CoreSearch,
  CoreSource,
  CoreStats,
  MicrosoftParts,
  PagedOptions,
} from "../backend.js";
import { emptyHits, STATS_FIELDS, throwIfAborted } from "../common.js";
import { STATUS_ERR_CLOSED, statusError } from "../failure.js";
import { PagedIndex } from "../paged.js";
import type { PagedHandle } from "./binding.js";
import type { Calls } from "./calls.js";
import { coreStats, openIndex } from "./native-index.js";

/** All threads there are, as the addon counts them. */
const ALL = 0;

class NativePagedIndex extends PagedIndex {
  readonly size: number;
  readonly #calls: Calls;
  readonly #dimensions: number;
  #index: PagedHandle | undefined;
  #closed: Promise<void> | undefined;

  constructor(calls: Calls, index: PagedHandle, dimensions: number) {
    super();
    this.#calls = calls;
    this.#index = index;
    this.#dimensions = dimensions;
    this.size = this.stats().size;
  }

  async search(query: Float32Array, params: CoreSearch, signal?: AbortSignalLike): Promise<CoreHits> {
    throwIfAborted(signal);
    const index = this.#handle();
    return this.#calls.search(index, query, params, signal, () => this.#calls.functions.errorPaged(index));
  }

  async searchBatch(queries: Float32Array, params: CoreSearch, control: Control): Promise<CoreHits> {
    const { k, listSize, beamWidth, pageSearch } = params;
    throwIfAborted(control.signal);
    const index = this.#handle();
    const copy = queries.slice();
    const { ids, distances } = emptyHits(queries.length / this.#dimensions, k);
    const job = this.#calls.functions.batchPaged(
      index,
      copy,
      k,
      listSize,
      beamWidth,
      pageSearch ? 1 : 0,
      ids,
      distances,
      control.threads ?? ALL,
    );
    const work = await this.#calls.run(job, control, { lent: [copy, ids, distances] });
    const { distanceComputations, hops, rounds, reads, bytesRead } = work;
    return { ids, distances, distanceComputations, hops, rounds, reads, bytesRead };
  }

  stats(): CoreStats {
    const values = new Float64Array(STATS_FIELDS.length);
    const status = this.#calls.functions.statsPaged(this.#handle(), values);
    if (status < 0) throw statusError(status);
    return coreStats(values);
  }

  /** Reads of searches that were aborted may still be under way; the file is closed when they have ended. */
  close(): Promise<void> {
    this.#closed ??= this.#calls.run(this.#calls.functions.closePaged(this.#handle()), {}).then(() => {});
    this.#index = undefined;
    return this.#closed;
  }

  #handle(): PagedHandle {
    if (!this.#index) throw statusError(STATUS_ERR_CLOSED);
    return this.#index;
  }
}

/** Whether the cache would hold all of the file. A file that cannot be looked at is for `open` to complain about. */
async function fits(path: string, cacheBytes: number): Promise<boolean> {
  const info = await stat(path).catch(() => undefined);
  return info !== undefined && info.size <= cacheBytes;
}

/** A disk index of Microsoft's. Its quantiser is copied, so that it is wanted until then only. */
async function openMicrosoft(
  calls: Calls,
  path: string,
  control: Control,
  simd: number,
  { cacheBytes }: PagedOptions,
  { dataType, metric, pivots, codes, count }: MicrosoftParts,
): Promise<BackendIndex> {
  if (codes.kind !== "path") throw notInPlace();
  const { dimensions, chunks, centroids, offsets } = pivots;
  const { functions } = calls;
  const shape = Float64Array.of(dimensions, chunks, centroids, simd);
  const pq = functions.pqCreate(shape, Float64Array.from(offsets), pivots.pivots, pivots.centre);
  if (typeof pq === "number") throw statusError(pq);
  const job = functions.openMicrosoft(path, codes.path, pq, dataType, metric, count, simd, cacheBytes);
  const opened = await calls.run(job, control, { lent: [pq] });
  return new NativePagedIndex(calls, opened.paged as PagedHandle, opened.dimensions as number);
}

function notInPlace(): DiskAnnError {
  return new DiskAnnError(
    "ERR_UNSUPPORTED",
    'the addon leaves only files in their place, opened by path: give a path, use "diskann/wasm", or open it with mode "resident"',
  );
}

export async function openPaged(
  calls: Calls,
  source: CoreSource,
  control: Control,
  simd: number,
  paged: PagedOptions,
): Promise<BackendIndex> {
  const { cacheBytes, resident, microsoft } = paged;
  throwIfAborted(control.signal);
  const mayLoad = resident === "allowed";
  if (source.kind !== "path" && !mayLoad) {
    throw notInPlace();
  }
  if (source.kind === "path" && microsoft)
    return openMicrosoft(calls, source.path, control, simd, paged, microsoft);
  if (source.kind !== "path" || (mayLoad && (await fits(source.path, cacheBytes)))) {
    return openIndex(calls, source, control, simd);
  }
  try {
    const opened = await calls.run(calls.functions.openPaged(source.path, simd, cacheBytes), control);
    return new NativePagedIndex(calls, opened.paged as PagedHandle, opened.dimensions as number);
  } catch (error) {
    if (!(error instanceof DiskAnnError) || error.code !== "ERR_UNSUPPORTED") throw error;
    if (mayLoad) return openIndex(calls, source, control, simd);
    throw new DiskAnnError(
      "ERR_UNSUPPORTED",
      'this index cannot stay in its file, where its codes do not lead a search: build it with codes "1bit" or "pq", or open it with mode "resident"',
      { cause: error },
    );
  }
}
