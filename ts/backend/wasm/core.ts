/**
 * One instance of the module with its memory: typed views that follow its growth, allocation that fails with a code,
 * and a fence around traps. An index owns one instance; small ones go back to a pool when it closes.
 */
import { DiskAnnError } from "../../core/errors.js";
import { STATUS_ERR_NO_MEMORY, statusError } from "../failure.js";
import { type Address, type CoreExports, GIVEN } from "./exchange.js";

/** What 32-bit addresses reach. */
export const MEMORY_BYTES_MAX = 2 ** 32 - 1;

export class Core {
  readonly exports: CoreExports;
  /** Views of the whole memory; take them from here after every call that may have let it grow. */
  u8!: Uint8Array;
  f32!: Float32Array;
  f64!: Float64Array;
  readonly #exchange: number;
  #trap: { readonly cause: unknown } | undefined;

  constructor(instance: WebAssembly.Instance) {
    this.exports = instance.exports as unknown as CoreExports;
    this.exports._initialize();
    this.#exchange = (this.exports.exchange() >>> 0) / 8;
    this.refresh();
  }

  /** Growth detaches the old buffer; this notices and takes new views. */
  refresh(): void {
    const { buffer } = this.exports.memory;
    if (this.u8?.buffer === buffer) return;
    this.u8 = new Uint8Array(buffer);
    this.f32 = new Float32Array(buffer);
    this.f64 = new Float64Array(buffer);
  }

  get memoryBytes(): number {
    return this.exports.memory.buffer.byteLength;
  }

  /** False once a call has trapped: its memory may be in any state. */
  get whole(): boolean {
    return this.#trap === undefined;
  }

  /** What the last call left in a slot of the exchange. */
  slot(slot: number): number {
    return this.f64[this.#exchange + slot] as number;
  }

  /** All that it left there, by the names of the slots. */
  take<Name extends string>(slots: Readonly<Record<Name, number>>): Record<Name, number> {
    const values = Object.entries<number>(slots).map(([name, slot]) => [name, this.slot(slot)]);
    return Object.fromEntries(values) as Record<Name, number>;
  }

  /** For the next call to find there. */
  put(slot: number, value: number): void {
    this.f64[this.#exchange + slot] = value;
  }

  /**
   * Runs calls into the module. A trap (which would be a defect of ours) ends the life of the instance: this call and
   * all later ones throw, and its memory is never used again.
   */
  run<Result>(work: (exports: CoreExports) => Result): Result {
    if (this.#trap) throw this.#trapError();
    try {
      const result = work(this.exports);
      this.refresh();
      return result;
    } catch (error) {
      if (!(error instanceof DiskAnnError)) {
        this.#trap = { cause: error };
        throw this.#trapError();
      }
      this.refresh();
      throw error;
    }
  }

  #trapError(): DiskAnnError {
    const message = "the WebAssembly core failed inside; this index cannot be used any more, open it again";
    return new DiskAnnError("ERR_CORRUPT", message, { cause: this.#trap?.cause });
  }

  /** Runs a call that puts a fresh object into the exchange, and returns its address. */
  create(begin: (exports: CoreExports) => number): Address {
    const status = this.run(begin);
    if (status < 0) throw statusError(status);
    return this.slot(GIVEN);
  }

  allocate(bytes: number): Address {
    const address = bytes <= MEMORY_BYTES_MAX ? this.run((exports) => exports.malloc(bytes)) >>> 0 : 0;
    if (address === 0) throw statusError(STATUS_ERR_NO_MEMORY, undefined, bytes);
    return address;
  }

  release(address: Address): void {
    if (address !== 0 && this.whole) this.run((exports) => exports.free(address));
  }
}

/** Scratch memory that grows to the largest size asked for, and is kept. */
export class Scratch {
  #address: Address = 0;
  #bytes = 0;
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  /** At least `bytes` bytes, aligned to 8; what lay there is lost. */
  take(bytes: number): Address {
    if (bytes > this.#bytes) {
      this.release();
      this.#address = this.#core.allocate(bytes);
      this.#bytes = bytes;
    }
    return this.#address;
  }

  release(): void {
    this.#core.release(this.#address);
    this.#address = 0;
    this.#bytes = 0;
  }
}

/** Memory never shrinks, so only instances that stayed small are worth keeping. */
const POOLED_BYTES_MAX = 16 * 2 ** 20;
const POOLED_COUNT_MAX = 4;

const pools = new WeakMap<WebAssembly.Module, Core[]>();

const imports = { env: { emscripten_notify_memory_growth: (): void => {} } };

/** An instance that nothing else uses. */
export async function acquireCore(module: WebAssembly.Module): Promise<Core> {
  const pooled = pools.get(module)?.pop();
  if (pooled) return pooled;
  try {
    return new Core(await WebAssembly.instantiate(module, imports));
  } catch (cause) {
    if (cause instanceof RangeError) {
      throw new DiskAnnError("ERR_NO_MEMORY", "no memory for another WebAssembly instance", { cause });
    }
    throw new DiskAnnError("ERR_UNSUPPORTED", "this is not the module of this version of diskann", { cause });
  }
}

/** Gives an instance back, all of whose allocations are freed. */
export function releaseCore(module: WebAssembly.Module, core: Core): void {
  if (!core.whole || core.memoryBytes > POOLED_BYTES_MAX) return;
  const pool = pools.get(module) ?? [];
  pools.set(module, pool);
  if (pool.length < POOLED_COUNT_MAX) pool.push(core);
}
