/** How an entry makes its `ProductQuantizer`: the class of `product-quantizer.ts` bound to a backend. */
import type { BackendPq, PqBackend, PqParts } from "../backend/pq.js";
import { DiskAnnError } from "../core/errors.js";
import type { Codes, TrainOptions } from "../core/pq-types.js";
import { nextTask } from "../core/task.js";
import type { CallOptions, IndexSource, VectorSource } from "../core/types.js";
import { checkSource } from "./location.js";
import { beginLongCall, type LongCall } from "./long-call.js";
import { type CheckedTraining, checkTraining } from "./pq-options.js";
import { readCodes, readParts } from "./pq-reading.js";
import { type MadePq, ProductQuantizer, sealPq } from "./product-quantizer.js";
import { type RowReader, readFloats } from "./rows.js";

/** The static side of an entry's `ProductQuantizer`; `Extra`: the entry's own options. */
export interface ProductQuantizerEntry<Extra> {
  /** @internal Not for use: call `train` or `open`. */
  new (parts: never): ProductQuantizer;
  readonly prototype: ProductQuantizer;
  /**
   * Finds the centroids of vectors, or of a sample of them, by k-means. Equal input gives an equal quantiser, on every platform, with
   * any number of threads.
   */
  train(vectors: VectorSource, options: TrainOptions & Extra): Promise<ProductQuantizer>;
  /** Opens what `toBytes` made, or Microsoft's tools (`*_pq_pivots.bin`): a path or `file:` URL, bytes, a `Blob`, a file handle. */
  open(source: IndexSource, options?: CallOptions & Extra): Promise<ProductQuantizer>;
  /** Reads a file of codes (`*_pq_compressed.bin`). */
  readCodes(source: IndexSource, options?: CallOptions): Promise<Codes>;
}

type Constructor = new (parts: MadePq) => ProductQuantizer;

async function trainOn(
  backend: PqBackend,
  rows: RowReader<Float32Array>,
  { training, threads }: CheckedTraining,
  call: LongCall,
): Promise<BackendPq> {
  const trainer = await backend.train(training, threads);
  try {
    for (let count = 0; ; ) {
      if (call.signal?.aborted) throw call.signal.reason;
      const slab = await rows.next();
      if (slab.length === 0) {
        if (count === 0) throw new DiskAnnError("ERR_INVALID_ARGUMENT", "there are no vectors to train on");
        break;
      }
      trainer.append(slab);
      count += slab.length / training.dimensions;
      if (count !== rows.total) await nextTask();
    }
    return await trainer.run({ signal: call.signal, onProgress: call.onProgress, threads });
  } finally {
    rows.close();
    await trainer.discard();
  }
}

/** Pivots of a file: that they are finite is checked, that their squares are is not. */
async function create(backend: PqBackend, parts: PqParts): Promise<BackendPq> {
  try {
    return await backend.create(parts);
  } catch (error) {
    if (!(error instanceof DiskAnnError) || error.code !== "ERR_NOT_FINITE") throw error;
    const text = "the pivots are so long that their squared norms overflow";
    throw new DiskAnnError("ERR_CORRUPT", text, { cause: error });
  }
}

/** The body of a call that makes something. */
async function finished<T>(call: LongCall, body: () => Promise<T>): Promise<T> {
  try {
    if (call.signal?.aborted) throw call.signal.reason;
    const result = await body();
    call.finish();
    return result;
  } catch (error) {
    throw call.errorOf(error);
  }
}

/** A base for `export class ProductQuantizer extends definePq<Extra>(load) {}`. */
export function definePq<Extra extends object>(
  load: (options: Extra) => Promise<PqBackend>,
): ProductQuantizerEntry<Extra> {
  class Entry extends ProductQuantizer {}
  /** The class the call was made on, if it was made on one: an entry's own subclass. */
  const assemble = (receiver: unknown, core: BackendPq, backend: PqBackend, threads?: number) => {
    const derived = typeof receiver === "function" && receiver.prototype instanceof Entry;
    const Made = (derived ? receiver : Entry) as Constructor;
    return new Made(sealPq({ core, backend: backend.name, threads }));
  };

  const statics = {
    async train(
      this: unknown,
      vectors: VectorSource,
      options: TrainOptions & Extra,
    ): Promise<ProductQuantizer> {
      const checked = checkTraining(options);
      const call = beginLongCall(options);
      const rows = readFloats(vectors, checked.training.dimensions, call.signal);
      return finished(call, async () => {
        const backend = await load(options);
        return assemble(this, await trainOn(backend, rows, checked, call), backend, checked.threads);
      });
    },

    async open(this: unknown, source: IndexSource, options?: CallOptions & Extra): Promise<ProductQuantizer> {
      const call = beginLongCall(options);
      const find = checkSource(source);
      return finished(call, async () => {
        const backend = await load(options ?? ({} as Extra));
        const parts = await readParts(await find(), call);
        return assemble(this, await create(backend, parts), backend);
      });
    },

    async readCodes(source: IndexSource, options?: CallOptions): Promise<Codes> {
      const call = beginLongCall(options);
      const find = checkSource(source);
      return finished(call, async () => readCodes(await find(), call));
    },
  };
  return Object.assign(Entry, statics) as unknown as ProductQuantizerEntry<Extra>;
}
