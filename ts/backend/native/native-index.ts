/** An index in the addon. Everything that may take long runs on the addon's threads; here arguments and answers cross. */
import { SLAB_BYTES } from "../../core/constants.js";
import { nextTask } from "../../core/task.js";
import type { AbortSignalLike, VerifyReport } from "../../core/types.js";
import type { TypedRows } from "../../core/vectors.js";
import { openSink, openSource } from "../../storage/select.js";
import type {
  BackendIndex,
  BackendInsert,
  Control,
  CoreConfig,
  CoreHits,
  CoreLayout,
  CoreSearch,
  CoreSource,
  CoreStats,
  CoreTarget,
} from "../backend.js";
import { allocate, CONFIG_FIELDS, emptyHits, STATS_FIELDS, searchFlags, throwIfAborted } from "../common.js";
import { STATUS_ERR_IO, statusError } from "../failure.js";
import { verifyReport } from "../findings.js";
import type { IndexHandle, JobHandle, Status } from "./binding.js";
import type { Calls } from "./calls.js";

const ERR_NOT_FOUND = -5;

/** All threads there are, as the addon counts them. */
const ALL = 0;

function threadsOf(control: Control): number {
  return control.threads ?? ALL;
}

function made(job: JobHandle | Status): JobHandle {
  if (typeof job === "number") throw statusError(job);
  return job;
}

export function coreStats(values: Float64Array): CoreStats {
  return Object.fromEntries(STATS_FIELDS.map((name, i) => [name, values[i]])) as unknown as CoreStats;
}

/** To a place that the addon does not write to. */
export async function saveBytes(bytes: Uint8Array, target: CoreTarget, control: Control): Promise<void> {
  const sink = await openSink(target, bytes.length);
  try {
    for (let at = 0; at < bytes.length; at += SLAB_BYTES) {
      throwIfAborted(control.signal);
      await sink.write(at, bytes.subarray(at, at + SLAB_BYTES));
    }
    await sink.sync();
  } catch (error) {
    await sink.abort(error);
    throw error;
  }
  await sink.commit();
}

class NativeInsert implements BackendInsert {
  readonly #calls: Calls;
  #job: JobHandle | undefined;

  constructor(calls: Calls, job: JobHandle) {
    this.#calls = calls;
    this.#job = job;
  }

  append(rows: TypedRows, ids: Float64Array | undefined): void {
    const status = this.#calls.functions.insertRows(this.#take(), rows, ids);
    if (status < 0) throw statusError(status);
  }

  links(lists: Uint32Array, rows: number): void {
    const bytes = new Uint8Array(lists.buffer, lists.byteOffset, lists.byteLength);
    const status = this.#calls.functions.insertLinks(this.#take(), bytes, rows);
    if (status < 0) throw statusError(status);
  }

  async run(control: Control): Promise<void> {
    const job = this.#take();
    this.#job = undefined;
    await this.#calls.run(job, control, { insertion: true });
  }

  /** Frees the rows where that holds nobody up: the operation is run to its end, cancelled. */
  async discard(): Promise<void> {
    const job = this.#job;
    this.#job = undefined;
    if (!job) return;
    this.#calls.functions.cancel(job);
    await this.#calls.run(job, {}).catch(() => {});
  }

  #take(): JobHandle {
    if (!this.#job) throw new TypeError("this insertion has ended");
    return this.#job;
  }
}

export class NativeIndex implements BackendIndex {
  readonly paged = false;
  readonly #calls: Calls;
  readonly #index: IndexHandle;
  readonly #dimensions: number;
  #closed: Promise<void> | undefined;

  constructor(calls: Calls, index: IndexHandle, dimensions: number) {
    this.#calls = calls;
    this.#index = index;
    this.#dimensions = dimensions;
  }

  get size(): number {
    return this.#calls.functions.size(this.#index);
  }

  search(query: Float32Array, params: CoreSearch, signal?: AbortSignalLike): Promise<CoreHits> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    return this.#calls.search(this.#index, query, params, signal);
  }

  async searchBatch(queries: Float32Array, params: CoreSearch, control: Control): Promise<CoreHits> {
    const { k, listSize, beamWidth } = params;
    throwIfAborted(control.signal);
    const copy = queries.slice();
    const { ids, distances } = emptyHits(queries.length / this.#dimensions, k);
    const job = this.#calls.functions.batch(
      this.#index,
      copy,
      k,
      listSize,
      beamWidth,
      searchFlags(params),
      ids,
      distances,
      threadsOf(control),
    );
    const work = await this.#calls.run(job, control, { lent: [copy, ids, distances] });
    const { distanceComputations, hops, rounds, reads, bytesRead } = work;
    return { ids, distances, distanceComputations, hops, rounds, reads, bytesRead };
  }

  async searchExact(query: Float32Array, k: number, control: Control): Promise<CoreHits> {
    throwIfAborted(control.signal);
    const { ids, distances } = emptyHits(1, k);
    const job = this.#calls.functions.exact(this.#index, query, k, ids, distances, threadsOf(control));
    const { distanceComputations } = await this.#calls.run(job, control, { lent: [ids, distances] });
    return { ids, distances, distanceComputations, hops: 0 };
  }

  async get(id: number): Promise<Float32Array | undefined> {
    const out = new Float32Array(this.#dimensions);
    const status = this.#calls.functions.get(this.#index, id, out);
    if (status === ERR_NOT_FOUND) return undefined;
    if (status < 0) throw statusError(status);
    return out;
  }

  async has(id: number): Promise<boolean> {
    return this.#calls.functions.has(this.#index, id);
  }

  insert(kind: "build" | "add", threads: number | undefined): BackendInsert {
    const job = this.#calls.functions.insert(this.#index, kind === "build", threads ?? ALL);
    return new NativeInsert(this.#calls, made(job));
  }

  async save(target: CoreTarget, control: Control, layout?: CoreLayout): Promise<void> {
    throwIfAborted(control.signal);
    if (layout) return this.#withConverted(layout, control, (index) => index.save(target, control));
    if (target.kind === "path") {
      await this.#calls.run(
        this.#calls.functions.save(this.#index, target.path, threadsOf(control)),
        control,
      );
      return;
    }
    await saveBytes(await this.toBytes(control), target, control);
  }

  async toBytes(control: Control, layout?: CoreLayout): Promise<Uint8Array> {
    throwIfAborted(control.signal);
    if (layout) return this.#withConverted(layout, control, (index) => index.toBytes(control));
    const { fileBytes } = await this.#calls.run(this.#calls.functions.measure(this.#index), {});
    throwIfAborted(control.signal);
    const bytes = allocate(fileBytes, () => new Uint8Array(fileBytes));
    const job = this.#calls.functions.saveBytes(this.#index, bytes, threadsOf(control));
    await this.#calls.run(job, control, { lent: [bytes] });
    return bytes;
  }

  /** The index as it is to be laid out, for a while. */
  async #withConverted<Result>(
    { codes, codeBytes, pageBytes }: CoreLayout,
    control: Control,
    use: (index: NativeIndex) => Promise<Result>,
  ): Promise<Result> {
    const { convert } = this.#calls.functions;
    const job = convert(this.#index, codes, codeBytes, pageBytes, threadsOf(control));
    const { index } = await this.#calls.run(job, control);
    const converted = new NativeIndex(this.#calls, index as IndexHandle, this.#dimensions);
    try {
      return await use(converted);
    } finally {
      await converted.close();
    }
  }

  async verify(control: Control): Promise<VerifyReport> {
    throwIfAborted(control.signal);
    const job = this.#calls.functions.verify(this.#index, threadsOf(control));
    const { kinds, slots, pages, total } = await this.#calls.run(job, control);
    return verifyReport(kinds ?? [], slots ?? [], pages ?? [], total ?? 0);
  }

  stats(): CoreStats {
    const values = new Float64Array(STATS_FIELDS.length);
    const status = this.#calls.functions.stats(this.#index, values);
    if (status < 0) throw statusError(status);
    return coreStats(values);
  }

  close(): Promise<void> {
    this.#closed ??= this.#calls.run(this.#calls.functions.close(this.#index), {}).then(() => {});
    return this.#closed;
  }

  /** The answer of the C call alone, on this thread: for measurements. Returns the number of hits. */
  searchSync(query: Float32Array, params: CoreSearch, ids: Float64Array, distances: Float32Array): number {
    const { k, listSize, beamWidth } = params;
    const flags = searchFlags(params);
    return this.#calls.functions.searchSync(
      this.#index,
      query,
      k,
      listSize,
      beamWidth,
      flags,
      ids,
      distances,
    );
  }
}

export function createIndex(calls: Calls, config: CoreConfig, simd: number): NativeIndex {
  const fields = Float64Array.from([...CONFIG_FIELDS.map((name) => config[name]), simd]);
  const index = calls.functions.create(fields);
  if (typeof index === "number") throw statusError(index);
  return new NativeIndex(calls, index, config.dimensions);
}

/** Bytes of an index in slices, each good until the next one is asked for. */
interface Slices {
  readonly size: number;
  readonly read: (offset: number, length: number) => Uint8Array | Promise<Uint8Array>;
  readonly close: () => Promise<void>;
}

/** Bytes in memory: not copied here, so each slice looks whether they are still there. */
function slicesOfBytes(bytes: Uint8Array): Slices {
  const size = bytes.byteLength;
  return {
    size,
    read: (offset, length) => {
      if (bytes.byteLength !== size)
        throw statusError(STATUS_ERR_IO, "the bytes were transferred or resized while the index was opened");
      return bytes.subarray(offset, offset + length);
    },
    close: async () => {},
  };
}

async function openSlices(source: CoreSource, control: Control): Promise<Slices> {
  if (source.kind === "bytes") return slicesOfBytes(source.bytes);
  const opened = await openSource(source, control.signal);
  return {
    size: opened.size,
    read: async (offset, length) => {
      const slice = new Uint8Array(length);
      await opened.read(offset, slice);
      return slice;
    },
    close: () => opened.close(),
  };
}

/** Copies what the addon asks for, in slices of at most a slab, so that the event loop gets its turns; says where it is. */
export async function serveReads(
  calls: Calls,
  job: JobHandle,
  read: Slices["read"],
  progress: (done: number) => void = () => {},
): Promise<void> {
  const requests = calls.functions.requests(job);
  for (let i = 0; i < requests.length / 3; i++) {
    const offset = requests[3 * i + 1] as number;
    const length = requests[3 * i + 2] as number;
    for (let at = 0; at < length; at += SLAB_BYTES) {
      const slice = await read(offset + at, Math.min(SLAB_BYTES, length - at));
      const status = calls.functions.fill(job, i, at, slice);
      if (status < 0) throw statusError(status);
      progress(offset + at + slice.length);
      await nextTask();
    }
  }
}

export async function openIndex(
  calls: Calls,
  source: CoreSource,
  control: Control,
  simd: number,
): Promise<NativeIndex> {
  throwIfAborted(control.signal);
  const threads = threadsOf(control);
  if (source.kind === "path") {
    const opened = await calls.run(calls.functions.open(source.path, simd, threads), control);
    return new NativeIndex(calls, opened.index as IndexHandle, opened.dimensions as number);
  }
  const { size, read, close } = await openSlices(source, control);
  try {
    const job = calls.functions.openBytes(size, simd, threads);
    const opened = await calls.run(job, control, {
      read: (opening, report) => serveReads(calls, opening, read, (done) => report("read", done, size)),
    });
    return new NativeIndex(calls, opened.index as IndexHandle, opened.dimensions as number);
  } finally {
    await close();
  }
}
