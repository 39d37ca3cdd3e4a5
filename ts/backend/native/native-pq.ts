/** A product quantiser in the addon: training, encoding and searching run on its threads. */
import type { Control, CoreHits } from "../backend.js";
import { emptyHits, throwIfAborted } from "../common.js";
import { failureError, NOWHERE, statusError } from "../failure.js";
import type { BackendPq, BackendPqTraining, PqBackend, PqParts, PqShape, PqTraining } from "../pq.js";
import type { JobHandle, PqHandle } from "./binding.js";
import type { Calls } from "./calls.js";
import { type Connection, connectNative } from "./index.js";
import type { NativeOptions } from "./load.js";

/** All threads there are, as the addon counts them. */
const ALL = 0;

class NativePq implements BackendPq {
  readonly shape: PqShape;
  readonly #calls: Calls;
  #pq: PqHandle | undefined;

  constructor(calls: Calls, pq: PqHandle, shape: PqShape) {
    this.#calls = calls;
    this.#pq = pq;
    this.shape = shape;
  }

  parts(): PqParts {
    const { dimensions, chunks, centroids } = this.shape;
    const offsets = new Float64Array(chunks + 1);
    const pivots = new Float32Array(centroids * dimensions);
    const centre = new Float32Array(dimensions);
    const status = this.#calls.functions.pqExport(this.#handle(), offsets, pivots, centre);
    if (status < 0) throw statusError(status);
    return { ...this.shape, offsets: Uint32Array.from(offsets), pivots, centre };
  }

  async encode(rows: Float32Array, control: Control): Promise<Uint8Array> {
    throwIfAborted(control.signal);
    const pq = this.#handle();
    const copy = rows.slice();
    const codes = new Uint8Array((rows.length / this.shape.dimensions) * this.shape.chunks);
    const job = this.#calls.functions.pqEncode(pq, copy, codes, control.threads ?? ALL);
    await this.#calls.run(job, control, { lent: [pq, copy, codes] });
    return codes;
  }

  decode(codes: Uint8Array): Float32Array {
    const out = new Float32Array((codes.length / this.shape.chunks) * this.shape.dimensions);
    const status = this.#calls.functions.pqDecode(this.#handle(), codes, out);
    if (status < 0) throw statusError(status);
    return out;
  }

  async search(
    codes: Uint8Array,
    query: Float32Array,
    metric: number,
    k: number,
    control: Control,
  ): Promise<CoreHits> {
    throwIfAborted(control.signal);
    const pq = this.#handle();
    const copy = codes.slice();
    const { ids, distances } = emptyHits(1, k);
    const { functions } = this.#calls;
    const job = functions.pqSearch(pq, copy, query, metric, k, ids, distances, control.threads ?? ALL);
    await this.#calls.run(job, control, { lent: [pq, copy, ids, distances] });
    return { ids, distances, distanceComputations: codes.length / this.shape.chunks, hops: 0 };
  }

  close(): void {
    const pq = this.#pq;
    this.#pq = undefined;
    if (pq) this.#calls.functions.pqClose(pq);
  }

  #handle(): PqHandle {
    if (!this.#pq) throw new TypeError("this quantiser is closed");
    return this.#pq;
  }
}

class NativePqTraining implements BackendPqTraining {
  readonly #calls: Calls;
  readonly #shape: PqShape;
  #job: JobHandle | undefined;

  constructor(calls: Calls, job: JobHandle, shape: PqShape) {
    this.#calls = calls;
    this.#job = job;
    this.#shape = shape;
  }

  append(rows: Float32Array): void {
    const status = this.#calls.functions.pqRows(this.#take(), rows);
    if (status >= 0) return;
    const row = this.#calls.functions.pqBadRow(this.#take());
    throw failureError({ status, detail: 0, row, page: NOWHERE, value: 0 });
  }

  async run(control: Control): Promise<BackendPq> {
    const job = this.#take();
    this.#job = undefined;
    const { pq } = await this.#calls.run(job, control);
    return new NativePq(this.#calls, pq as PqHandle, this.#shape);
  }

  /** Frees the sample where that holds nobody up: the operation is run to its end, cancelled. */
  async discard(): Promise<void> {
    const job = this.#job;
    this.#job = undefined;
    if (!job) return;
    this.#calls.functions.cancel(job);
    await this.#calls.run(job, {}).catch(() => {});
  }

  #take(): JobHandle {
    if (!this.#job) throw new TypeError("this training has ended");
    return this.#job;
  }
}

function train(connection: Connection, training: PqTraining, threads: number): BackendPqTraining {
  const { dimensions, chunks, centroids, iterations, sampleRows, isCentred, seed } = training;
  const { calls, simd } = connection;
  const centred = isCentred ? 1 : 0;
  const fields = [dimensions, chunks, centroids, iterations, sampleRows, centred, seed, simd];
  const job = calls.functions.pqTrain(Float64Array.from(fields), threads);
  if (typeof job === "number") throw statusError(job);
  return new NativePqTraining(calls, job, { dimensions, chunks, centroids });
}

function create(connection: Connection, parts: PqParts): BackendPq {
  const { dimensions, chunks, centroids, offsets, pivots, centre } = parts;
  const { calls, simd } = connection;
  const shape = Float64Array.of(dimensions, chunks, centroids, simd);
  const pq = calls.functions.pqCreate(shape, Float64Array.from(offsets), pivots, centre);
  if (typeof pq === "number") throw statusError(pq);
  return new NativePq(calls, pq, { dimensions, chunks, centroids });
}

/** Throws `ERR_UNSUPPORTED` where there is no addon for this machine. */
export async function nativePqBackend(options: NativeOptions): Promise<PqBackend> {
  const connection = connectNative(options);
  return {
    name: "native",
    simd: connection.family,
    train: async (training, threads) => train(connection, training, threads ?? ALL),
    create: async (parts) => create(connection, parts),
  };
}
