/**
 * An index that stays where it is: the addon keeps a cache of its pages. Those of a file it reads on its threads, those of other
 * places are read here (`page-server.ts`).
 */
import { stat } from "node:fs/promises";
import { DiskAnnError } from "../../core/errors.js";
import { FILE_ACCESS } from "../../core/file-access.js";
import type { AbortSignalLike, VerifyReport } from "../../core/types.js";
import type { PageStore } from "../../storage/page-store.js";
import { openStore } from "../../storage/select.js";
import type {
  BackendIndex,
  Control,
  CoreHits,
  CoreSearch,
  CoreSource,
  CoreStats,
  CoreTarget,
  MicrosoftParts,
  PagedOptions,
} from "../backend.js";
import { allocate, emptyHits, STATS_FIELDS, throwIfAborted } from "../common.js";
import { STATUS_ERR_CLOSED, statusError } from "../failure.js";
import { verifyReport } from "../findings.js";
import { PagedIndex, pagesOffsetOf, withoutCodes } from "../paged.js";
import type { JobHandle, PagedHandle, Status } from "./binding.js";
import { type Calls, type CauseOf, type Ended, fileFailure, type JobOptions } from "./calls.js";
import { coreStats, openIndex, saveBytes, serveReads } from "./native-index.js";
import { PageServer } from "./page-server.js";

const accessOf = ({ access = "pread" }: PagedOptions): number => FILE_ACCESS.indexOf(access);

/** All threads there are, as the addon counts them. */
const ALL = 0;

/** Who reads the pages, where the addon does not. */
interface Served {
  readonly server: PageServer;
  readonly ticket: number;
}

/** Serves the reads of a job. */
function readerOf(
  calls: Calls,
  { store }: PageServer,
  signal: AbortSignalLike | undefined,
): NonNullable<JobOptions["read"]> {
  return (job) =>
    serveReads(calls, job, async (offset, length) => {
      const into = new Uint8Array(length);
      await store.read([{ offset, into }], signal);
      return into;
    });
}

class NativePagedIndex extends PagedIndex {
  readonly size: number;
  readonly #calls: Calls;
  readonly #dimensions: number;
  readonly #served: Served | undefined;
  readonly #cause: CauseOf;
  #index: PagedHandle | undefined;
  #closed: Promise<void> | undefined;

  constructor(calls: Calls, index: PagedHandle, dimensions: number, served?: Served) {
    super();
    this.#calls = calls;
    this.#index = index;
    this.#dimensions = dimensions;
    this.#served = served;
    this.#cause = (page) => {
      if (!served) return fileFailure(calls.functions.errorPaged(index));
      const cause = served.server.causeOf(page);
      if (cause === undefined) return {};
      return { message: `${cause instanceof Error ? cause.message : String(cause)} (page ${page})`, cause };
    };
    const stats = this.stats();
    served?.server.begin(index, served.ticket, pagesOffsetOf(stats));
    this.size = stats.size;
  }

  async search(query: Float32Array, params: CoreSearch, signal?: AbortSignalLike): Promise<CoreHits> {
    throwIfAborted(signal);
    return this.#calls.search(this.#handle(), query, params, signal, this.#cause);
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
    const cause = this.#served && this.#cause;
    const work = await this.#calls.run(job, control, { lent: [copy, ids, distances], cause });
    const { distanceComputations, hops, rounds, reads, bytesRead } = work;
    return { ids, distances, distanceComputations, hops, rounds, reads, bytesRead };
  }

  async searchExact(query: Float32Array, k: number, control: Control): Promise<CoreHits> {
    const { ids, distances } = emptyHits(1, k);
    const { distanceComputations } = await this.#scan(control, [ids, distances], (index) =>
      this.#calls.functions.exactPaged(index, query, k, ids, distances, control.threads ?? ALL),
    );
    return { ids, distances, distanceComputations, hops: 0 };
  }

  async get(id: number, control: Control): Promise<Float32Array | undefined> {
    const out = new Float32Array(this.#dimensions);
    const { found } = await this.#scan(control, [out], (index) =>
      this.#calls.functions.findPaged(index, id, out),
    );
    return found ? out : undefined;
  }

  async has(id: number, control: Control): Promise<boolean> {
    return (await this.get(id, control)) !== undefined;
  }

  async save(target: CoreTarget, control: Control): Promise<void> {
    if (target.kind !== "path") return saveBytes(await this.toBytes(control), target, control);
    await this.#scan(control, [], (index) =>
      this.#calls.functions.copyPaged(index, target.path, control.threads ?? ALL),
    );
  }

  async toBytes(control: Control): Promise<Uint8Array> {
    const { fileBytes } = this.stats();
    const bytes = allocate(fileBytes, () => new Uint8Array(fileBytes));
    await this.#scan(control, [bytes], (index) =>
      this.#calls.functions.copyPagedBytes(index, bytes, control.threads ?? ALL),
    );
    return bytes;
  }

  async verify(control: Control): Promise<VerifyReport> {
    const { kinds, slots, pages, total } = await this.#scan(control, [], (index) =>
      this.#calls.functions.verifyPaged(index, control.threads ?? ALL),
    );
    return verifyReport(kinds ?? [], slots ?? [], pages ?? [], total ?? 0);
  }

  /** A job that reads all pages in order. */
  async #scan(
    control: Control,
    lent: readonly unknown[],
    make: (index: PagedHandle) => JobHandle | Status,
  ): Promise<Ended> {
    throwIfAborted(control.signal);
    const calls = this.#calls;
    const read = this.#served && readerOf(calls, this.#served.server, control.signal);
    return calls.run(make(this.#handle()), control, { lent: [...lent, this.#index], ...(read && { read }) });
  }

  stats(): CoreStats {
    const values = new Float64Array(STATS_FIELDS.length);
    const status = this.#calls.functions.statsPaged(this.#handle(), values);
    if (status < 0) throw statusError(status);
    return coreStats(values);
  }

  /** Reads of searches that were aborted may still be under way; the index is closed when they have ended. */
  close(): Promise<void> {
    this.#closed ??= this.#close(this.#handle());
    return this.#closed;
  }

  async #close(index: PagedHandle): Promise<void> {
    const served = this.#served;
    try {
      await served?.server.close();
    } finally {
      this.#index = undefined;
      await this.#calls.run(this.#calls.functions.closePaged(index), {});
      if (served) this.#calls.serveNoMore(served.ticket);
    }
  }

  #handle(): PagedHandle {
    if (!this.#index) throw statusError(STATUS_ERR_CLOSED);
    return this.#index;
  }
}

/** Undefined: the file has no codes that lead a search, and it may be opened in memory. */
async function runOpen(
  calls: Calls,
  job: JobHandle | Status,
  control: Control,
  { resident }: PagedOptions,
  options: JobOptions = {},
): Promise<Ended | undefined> {
  try {
    return await calls.run(job, control, options);
  } catch (error) {
    // One with a cause is of the file itself.
    if (!(error instanceof DiskAnnError) || error.code !== "ERR_UNSUPPORTED" || error.cause) throw error;
    if (resident === "allowed") return undefined;
    throw withoutCodes(error);
  }
}

async function openFile(
  calls: Calls,
  path: string,
  control: Control,
  simd: number,
  paged: PagedOptions,
): Promise<BackendIndex | undefined> {
  const job = calls.functions.openPaged(path, simd, paged.cacheBytes, accessOf(paged));
  const opened = await runOpen(calls, job, control, paged);
  return opened && new NativePagedIndex(calls, opened.paged as PagedHandle, opened.dimensions as number);
}

async function openServed(
  calls: Calls,
  store: PageStore,
  control: Control,
  simd: number,
  paged: PagedOptions,
): Promise<BackendIndex | undefined> {
  const server = new PageServer(calls.functions, store);
  const ticket = calls.serve(server);
  let index: BackendIndex | undefined;
  try {
    const job = calls.functions.openPagedHost(store.size, ticket, simd, paged.cacheBytes);
    const read = readerOf(calls, server, control.signal);
    const opened = await runOpen(calls, job, control, paged, { read });
    if (opened) {
      const { paged: handle, dimensions } = opened;
      index = new NativePagedIndex(calls, handle as PagedHandle, dimensions as number, { server, ticket });
    }
    return index;
  } finally {
    if (!index) {
      calls.serveNoMore(ticket);
      await store.close();
    }
  }
}

/** Whether the cache would hold all of the file. A file that cannot be looked at is for `open` to complain about. */
async function fits(path: string, cacheBytes: number): Promise<boolean> {
  const info = await stat(path).catch(() => undefined);
  return info !== undefined && info.size <= cacheBytes;
}

/** Undefined: it is to be opened in memory. */
async function openWhereItIs(
  calls: Calls,
  source: CoreSource,
  control: Control,
  simd: number,
  paged: PagedOptions,
): Promise<BackendIndex | undefined> {
  const { cacheBytes, resident } = paged;
  const mayLoad = resident === "allowed";
  if (source.kind === "path")
    return mayLoad && (await fits(source.path, cacheBytes))
      ? undefined
      : openFile(calls, source.path, control, simd, paged);
  const store = await openStore(source, control.signal).catch((error: unknown) => {
    // What cannot be read in parts may still be read as a whole; what can be neither says so then.
    if (!mayLoad) throw error;
  });
  if (store && !(mayLoad && store.size <= cacheBytes)) return openServed(calls, store, control, simd, paged);
  await store?.close();
  return undefined;
}

/** A disk index of Microsoft's. Its quantiser is copied, so that it is wanted until then only. */
async function openMicrosoft(
  calls: Calls,
  path: string,
  control: Control,
  simd: number,
  paged: PagedOptions,
  { dataType, metric, pivots, codes, count }: MicrosoftParts,
): Promise<BackendIndex> {
  if (codes.kind !== "path") throw notInPlace();
  const { dimensions, chunks, centroids, offsets } = pivots;
  const { functions } = calls;
  const shape = Float64Array.of(dimensions, chunks, centroids, simd);
  const pq = functions.pqCreate(shape, Float64Array.from(offsets), pivots.pivots, pivots.centre);
  if (typeof pq === "number") throw statusError(pq);
  const job = functions.openMicrosoft(
    ...([path, codes.path, pq, dataType, metric, count, simd] as const),
    ...([paged.cacheBytes, accessOf(paged)] as const),
  );
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
  throwIfAborted(control.signal);
  const { microsoft } = paged;
  if (microsoft) {
    if (source.kind !== "path") throw notInPlace();
    return openMicrosoft(calls, source.path, control, simd, paged, microsoft);
  }
  const index = await openWhereItIs(calls, source, control, simd, paged);
  return index ?? openIndex(calls, source, control, simd);
}
