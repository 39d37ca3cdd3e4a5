/**
 * A build on several threads: in an instance of its own, over shared memory, whose index then moves into the one that has
 * none. Searches, and all who cannot or need not share memory, stay as they are; the shared memory is gone after the build.
 * Rows are kept until it has succeeded: whatever befalls the threads, the build is made again on this one.
 */
import { nextTask } from "../../core/task.js";
import type { TypedRows } from "../../core/vectors.js";
import type { BackendInsert, Control } from "../backend.js";
import { Core } from "./core.js";
import { CREW, type CrewPort, type Duty, type SpawnThread, type ThreadExports } from "./crew.js";
import { type Crew, drive } from "./drive.js";
import type { Address, CoreExports } from "./exchange.js";
import { loadModule } from "./load.js";
import { newIndex, type ThreadedBuild, WasmIndex, WasmInsert } from "./wasm-index.js";

/** Elements of a build that is worth the start of threads: a few tenths of a second. */
const ELEMENTS_MIN = 2 ** 20;
const STACK_BYTES = 2 ** 19;
const PAGE_BYTES = 2 ** 16;
const PAGES_FIRST = 32;
const PAGES_MAX = 2 ** 16;
const READY_MS = 10_000;
const ITEMS_MAX = 16;

/** Threads cannot be had, or are lost. */
class CrewFailure extends Error {}

/** An instance over memory that threads share. The module leaves growing it to its host. */
async function sharedCore(module: WebAssembly.Module): Promise<{ core: Core; memory: WebAssembly.Memory }> {
  const memory = new WebAssembly.Memory({ initial: PAGES_FIRST, maximum: PAGES_MAX, shared: true });
  const grow = (bytes: number): number => {
    const missing = Math.ceil(((bytes >>> 0) - memory.buffer.byteLength) / PAGE_BYTES);
    try {
      if (missing > 0) memory.grow(missing);
      return 1;
    } catch {
      return 0;
    }
  };
  const instance = await WebAssembly.instantiate(module, { env: { memory, emscripten_resize_heap: grow } });
  const { exports } = instance as { exports: unknown } as { exports: CoreExports & ThreadExports };
  const whole = { ...exports, memory, _initialize: () => exports.__wasm_call_ctors() };
  return { core: new Core({ exports: whole } as unknown as WebAssembly.Instance), memory };
}

class Threads implements Crew {
  readonly #cells: Int32Array;
  readonly #ports: CrewPort[] = [];
  #lost: CrewFailure | undefined;
  #heard: () => void = () => {};
  #ended = false;

  private constructor(control: SharedArrayBuffer) {
    this.#cells = new Int32Array(control);
  }

  /** All of them, or none. */
  static async start(
    count: number,
    spawn: SpawnThread,
    duty: (worker: number, control: SharedArrayBuffer) => Duty,
  ): Promise<Threads> {
    const control = new SharedArrayBuffer(CREW.CELLS * Int32Array.BYTES_PER_ELEMENT);
    const crew = new Threads(control);
    try {
      const duties = Array.from({ length: count }, (_, i) => duty(i + 1, control));
      await Promise.all(duties.map(async (own) => crew.#join(spawn, own)));
      return crew;
    } catch (error) {
      crew.end();
      throw error;
    }
  }

  #join(spawn: SpawnThread, duty: Duty): Promise<void> {
    return new Promise((resolve, reject) => {
      const lose = (why: string): void => {
        clearTimeout(timer);
        this.#lost ??= new CrewFailure(why);
        this.#heard();
        reject(this.#lost);
      };
      const message = (): void => {
        clearTimeout(timer);
        this.#heard();
        resolve();
      };
      const timer = setTimeout(() => lose("a thread did not start"), READY_MS);
      spawn({ message, death: lose }).then((port) => {
        if (this.#ended) return port.end();
        this.#ports.push(port);
        port.post(duty, []);
      }, lose);
    });
  }

  begin(op: Address, items: number): void {
    const cells = this.#cells;
    const share = Math.ceil(items / (4 * (this.#ports.length + 1)));
    Atomics.store(cells, CREW.next, 0);
    Atomics.store(cells, CREW.items, items);
    Atomics.store(cells, CREW.op, op);
    Atomics.store(cells, CREW.count, Math.min(share, ITEMS_MAX));
    Atomics.store(cells, CREW.busy, this.#ports.length);
    this.#turn();
  }

  take(count: number): number {
    return Atomics.add(this.#cells, CREW.next, count);
  }

  async settled(): Promise<void> {
    while (Atomics.load(this.#cells, CREW.busy) > 0) {
      if (this.#lost) throw this.#lost;
      await new Promise<void>((resolve) => {
        this.#heard = resolve;
        Atomics.store(this.#cells, CREW.awaited, 1);
        // the last one may have been done before it could see that
        if (Atomics.load(this.#cells, CREW.busy) === 0) resolve();
      });
    }
  }

  end(): void {
    this.#ended = true;
    Atomics.store(this.#cells, CREW.op, 0);
    this.#turn();
    for (const port of this.#ports) port.end();
  }

  #turn(): void {
    Atomics.add(this.#cells, CREW.turn, 1);
    Atomics.notify(this.#cells, CREW.turn);
  }
}

interface Slab {
  readonly rows: TypedRows;
  readonly ids: Float64Array | undefined;
}

/** Appends all, with a turn for others in between. */
async function appendAll(insert: WasmInsert, slabs: readonly Slab[]): Promise<void> {
  for (const { rows, ids } of slabs) {
    insert.append(rows, ids);
    await nextTask();
  }
}

/** Of a graph that is there. */
interface Lists {
  readonly lists: Uint32Array;
  readonly rows: number;
}

class InThreads implements BackendInsert {
  readonly #build: ThreadedBuild;
  readonly #file: () => URL;
  readonly #spawn: SpawnThread;
  #slabs: Slab[] = [];
  #lists: Lists[] = [];
  #elements = 0;

  constructor(build: ThreadedBuild, file: () => URL, spawn: SpawnThread) {
    this.#build = build;
    this.#file = file;
    this.#spawn = spawn;
  }

  append(rows: TypedRows, ids: Float64Array | undefined): void {
    this.#slabs.push({ rows: rows.slice(), ids: ids?.slice() });
    this.#elements += rows.length;
  }

  links(lists: Uint32Array, rows: number): void {
    this.#lists.push({ lists: lists.slice(), rows });
  }

  async run(control: Control): Promise<void> {
    const slabs = this.#slabs;
    this.#slabs = [];
    const bytes = this.#elements < ELEMENTS_MIN ? undefined : await this.#try(slabs, control);
    if (bytes) return this.#build.take(bytes, { signal: control.signal });
    const insert = this.#build.onOne();
    try {
      await this.#append(insert, slabs);
      await insert.run(control);
    } finally {
      insert.discard();
    }
  }

  discard(): void {
    this.#slabs = [];
    this.#lists = [];
  }

  async #append(insert: WasmInsert, slabs: readonly Slab[]): Promise<void> {
    await appendAll(insert, slabs);
    for (const { lists, rows } of this.#lists) insert.links(lists, rows);
  }

  /** The bytes of the index; undefined where the threads failed. */
  async #try(slabs: readonly Slab[], control: Control): Promise<Uint8Array | undefined> {
    let shared: Awaited<ReturnType<typeof sharedCore>>;
    let module: WebAssembly.Module;
    let threads: Threads;
    try {
      module = await loadModule({}, this.#file);
      shared = await sharedCore(module);
      threads = await this.#start(module, shared);
    } catch {
      return undefined;
    }
    try {
      return await this.#run(module, shared.core, threads, slabs, control);
    } catch (error) {
      if (error instanceof CrewFailure) return undefined;
      throw error;
    } finally {
      threads.end();
    }
  }

  #start(
    module: WebAssembly.Module,
    { core, memory }: { core: Core; memory: WebAssembly.Memory },
  ): Promise<Threads> {
    const { __tls_size: tlsSize } = core.exports as unknown as ThreadExports;
    return Threads.start(this.#build.threads - 1, this.#spawn, (worker, control) => {
      const stack = core.allocate(STACK_BYTES) + STACK_BYTES;
      const tls = core.allocate(Math.max(16, tlsSize.value));
      return { module, memory, control, worker, stack: stack - (stack % 16), tls };
    });
  }

  /** The instance is not cleaned up: its memory goes as a whole. */
  async #run(
    module: WebAssembly.Module,
    core: Core,
    threads: Threads,
    slabs: readonly Slab[],
    control: Control,
  ): Promise<Uint8Array> {
    const { config, threads: workers } = this.#build;
    const index = newIndex(core, config);
    const op = core.create((exports) => exports.build_begin(index, workers));
    await this.#append(new WasmInsert(core, op, config.dimensions), slabs);
    await drive(core, op, control, { crew: threads });
    core.run((exports) => exports.op_end(op));
    return new WasmIndex(module, core, index).toBytes({ signal: control.signal });
  }
}

export function buildInThreads(build: ThreadedBuild, file: () => URL, spawn: SpawnThread): BackendInsert {
  return new InThreads(build, file, spawn);
}
