/** An instance over shared memory, and the threads that work in it beside this one. */
import { Core } from "./core.js";
import { CREW, type CrewPort, type Duty, growing, type SpawnThread, type ThreadExports } from "./crew.js";
import type { Crew } from "./drive.js";
import type { Address, CoreExports } from "./exchange.js";
import { loadModule } from "./load.js";

const STACK_BYTES = 2 ** 19;
const PAGES_FIRST = 32;
const PAGES_MAX = 2 ** 16;
const READY_MS = 10_000;
const ITEMS_MAX = 16;

/** Threads cannot be had, or are lost. */
export class CrewFailure extends Error {}

/** An instance over memory that threads share. */
async function sharedCore(module: WebAssembly.Module): Promise<{ core: Core; memory: WebAssembly.Memory }> {
  const memory = new WebAssembly.Memory({ initial: PAGES_FIRST, maximum: PAGES_MAX, shared: true });
  const instance = await WebAssembly.instantiate(module, {
    env: { memory, emscripten_resize_heap: growing(memory) },
  });
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

  /** Whether they keep the process alive. */
  hold(held: boolean): void {
    for (const port of this.#ports) port.hold(held);
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

/** Memory and threads together. The instance is not cleaned up in the end: its memory goes as a whole. */
export interface Team {
  readonly module: WebAssembly.Module;
  readonly core: Core;
  readonly threads: Threads;
  /** The threads and this one: as many are to be workers of an operation. */
  readonly workers: number;
}

/** Where the module for threads lies, and what starts one. */
export interface TeamParts {
  readonly file: () => URL;
  readonly spawn: SpawnThread;
}

/** `workers`: with this thread, which is worker 0. Rejects where there can be no such team. */
export async function startTeam({ file, spawn }: TeamParts, workers: number): Promise<Team> {
  const module = await loadModule({}, file);
  const { core, memory } = await sharedCore(module);
  const { __tls_size: tlsSize } = core.exports as unknown as ThreadExports;
  const threads = await Threads.start(workers - 1, spawn, (worker, control) => {
    const stack = core.allocate(STACK_BYTES) + STACK_BYTES;
    const tls = core.allocate(Math.max(16, tlsSize.value));
    return { module, memory, control, worker, stack: stack - (stack % 16), tls };
  });
  return { module, core, threads, workers };
}
