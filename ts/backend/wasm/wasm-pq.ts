/** A product quantiser in an instance of its own. Training, encoding and searching are operations, driven in slices. */
import type { Control, CoreHits } from "../backend.js";
import { emptyHits, throwIfAborted } from "../common.js";
import { failureError, NOWHERE, statusError } from "../failure.js";
import type { BackendPq, BackendPqTraining, PqBackend, PqParts, PqShape, PqTraining } from "../pq.js";
import { acquireCore, type Core, releaseCore } from "./core.js";
import { drive, operate } from "./drive.js";
import { type Address, FAILURE } from "./exchange.js";
import { loadModule, type WasmOptions } from "./load.js";
import { createPq } from "./pq-parts.js";

const FLOAT_BYTES = 4;
const ID_BYTES = 8;

/** Memory for one call, aligned to 8. */
async function withArea<Result>(
  core: Core,
  bytes: number,
  use: (area: Address) => Promise<Result>,
): Promise<Result> {
  const area = core.allocate(Math.max(8, bytes));
  try {
    return await use(area);
  } finally {
    core.release(area);
  }
}

/** Up to a multiple of 8. */
function aligned(bytes: number): number {
  return Math.ceil(bytes / 8) * 8;
}

class WasmPq implements BackendPq {
  readonly shape: PqShape;
  readonly #module: WebAssembly.Module;
  readonly #core: Core;
  #pq: Address;

  constructor(module: WebAssembly.Module, core: Core, pq: Address, shape: PqShape) {
    this.#module = module;
    this.#core = core;
    this.#pq = pq;
    this.shape = shape;
  }

  parts(): PqParts {
    const core = this.#core;
    const { dimensions, chunks, centroids } = this.shape;
    const pivotBytes = centroids * dimensions * FLOAT_BYTES;
    const centreBytes = dimensions * FLOAT_BYTES;
    const pivots = core.allocate(pivotBytes + centreBytes + (chunks + 1) * FLOAT_BYTES);
    try {
      const centre = pivots + pivotBytes;
      const offsets = centre + centreBytes;
      core.run((exports) => exports.pq_export(this.#pq, offsets, pivots, centre));
      const words = core.u8.slice(offsets, offsets + (chunks + 1) * 4);
      return {
        ...this.shape,
        offsets: new Uint32Array(words.buffer),
        pivots: core.f32.slice(pivots / 4, pivots / 4 + centroids * dimensions),
        centre: core.f32.slice(centre / 4, centre / 4 + dimensions),
      };
    } finally {
      core.release(pivots);
    }
  }

  async encode(rows: Float32Array, control: Control): Promise<Uint8Array> {
    const core = this.#core;
    const count = rows.length / this.shape.dimensions;
    const bytes = count * this.shape.chunks;
    throwIfAborted(control.signal);
    return withArea(core, rows.byteLength + bytes, (area) => {
      const codes = area + rows.byteLength;
      core.f32.set(rows, area / 4);
      const op = core.create((exports) => exports.pq_encode_begin(this.#pq, area, count, codes));
      return operate(core, op, control, {}, () => core.u8.slice(codes, codes + bytes));
    });
  }

  decode(codes: Uint8Array): Float32Array {
    const core = this.#core;
    const count = codes.length / this.shape.chunks;
    const floats = count * this.shape.dimensions;
    const out = core.allocate(Math.max(8, floats * FLOAT_BYTES + codes.length));
    try {
      const from = out + floats * FLOAT_BYTES;
      core.u8.set(codes, from);
      const status = core.run((exports) => exports.pq_decode(this.#pq, from, count, out));
      if (status < 0) throw statusError(status);
      return core.f32.slice(out / 4, out / 4 + floats);
    } finally {
      core.release(out);
    }
  }

  async search(
    codes: Uint8Array,
    query: Float32Array,
    metric: number,
    k: number,
    control: Control,
  ): Promise<CoreHits> {
    const core = this.#core;
    const count = codes.length / this.shape.chunks;
    const hits = emptyHits(1, k);
    const hitBytes = k * (ID_BYTES + FLOAT_BYTES);
    throwIfAborted(control.signal);
    return withArea(core, aligned(hitBytes) + query.byteLength + codes.length, (ids) => {
      const distances = ids + k * ID_BYTES;
      const vector = ids + aligned(hitBytes);
      const from = vector + query.byteLength;
      core.f32.set(query, vector / 4);
      core.u8.set(codes, from);
      const op = core.create((exports) => exports.pq_search_begin(this.#pq, vector, metric, from, count, k));
      return operate(core, op, control, {}, () => {
        core.run((exports) => exports.pq_search_take(op, k, ids, distances));
        hits.ids.set(core.f64.subarray(ids / 8, ids / 8 + k));
        hits.distances.set(core.f32.subarray(distances / 4, distances / 4 + k));
        return { ...hits, distanceComputations: count, hops: 0 };
      });
    });
  }

  close(): void {
    if (this.#pq !== 0 && this.#core.whole) {
      this.#core.run((exports) => exports.pq_destroy(this.#pq));
      releaseCore(this.#module, this.#core);
    }
    this.#pq = 0;
  }
}

class WasmPqTraining implements BackendPqTraining {
  readonly #module: WebAssembly.Module;
  readonly #core: Core;
  readonly #shape: PqShape;
  #op: Address;

  constructor(module: WebAssembly.Module, core: Core, op: Address, shape: PqShape) {
    this.#module = module;
    this.#core = core;
    this.#op = op;
    this.#shape = shape;
  }

  append(rows: Float32Array): void {
    const core = this.#core;
    const count = rows.length / this.#shape.dimensions;
    const area = core.allocate(rows.byteLength);
    try {
      core.f32.set(rows, area / 4);
      const status = core.run((exports) => exports.pq_rows(this.#op, area, count));
      if (status < 0) throw this.#error(status);
    } finally {
      core.release(area);
    }
  }

  async run(control: Control): Promise<BackendPq> {
    await drive(this.#core, this.#op, control);
    const pq = this.#core.run((exports) => exports.pq_train_take(this.#op)) >>> 0;
    this.#end();
    return new WasmPq(this.#module, this.#core, pq, this.#shape);
  }

  /** The operation and its instance, unless the quantiser lives there now. */
  discard(): void {
    if (this.#op === 0) return;
    this.#end();
    releaseCore(this.#module, this.#core);
  }

  #end(): void {
    const op = this.#op;
    this.#op = 0;
    if (this.#core.whole) this.#core.run((exports) => exports.op_end(op));
  }

  #error(status: number): Error {
    const core = this.#core;
    core.run((exports) => exports.op_failure(this.#op));
    const row = core.slot(FAILURE.status) === status ? core.slot(FAILURE.row) : NOWHERE;
    return failureError({ status, detail: 0, row, page: NOWHERE, value: 0 });
  }
}

/** A fresh object in a fresh instance. */
async function begin<Result>(module: WebAssembly.Module, make: (core: Core) => Result): Promise<Result> {
  const core = await acquireCore(module);
  try {
    return make(core);
  } catch (error) {
    releaseCore(module, core);
    throw error;
  }
}

/** `beside`: where `diskann.wasm` lies when the options do not say. */
export async function wasmPqBackend(options: WasmOptions, beside: () => URL): Promise<PqBackend> {
  const module = await loadModule(options, beside);
  return {
    name: "wasm",
    simd: "wasm128",
    train: (training: PqTraining) =>
      begin(module, (core) => {
        const { dimensions, chunks, centroids, iterations, sampleRows, isCentred, seed } = training;
        const centred = isCentred ? 1 : 0;
        const op = core.create((exports) =>
          exports.pq_train_begin(dimensions, chunks, centroids, iterations, sampleRows, centred, seed),
        );
        return new WasmPqTraining(module, core, op, { dimensions, chunks, centroids });
      }),
    create: (parts) =>
      begin(module, (core) => {
        const { dimensions, chunks, centroids } = parts;
        return new WasmPq(module, core, createPq(core, parts), { dimensions, chunks, centroids });
      }),
  };
}
