/** What threads share beside the memory of the module. */

/**
 * Cells of the control block. A crew at rest waits for `turn` to change; `op` 0 sends it home. The last of the `busy` says so
 * in a message where `awaited` is 1.
 */
export const CREW = { turn: 0, next: 1, items: 2, op: 3, count: 4, busy: 5, awaited: 6, CELLS: 7 } as const;

/** What is used of a thread. */
export interface CrewPort {
  post(message: unknown, transfer: ArrayBuffer[]): void;
  hold(held: boolean): void;
  end(): void;
}

export interface CrewEvents {
  message(data: unknown): void;
  death(why: string): void;
}

export type SpawnThread = (events: CrewEvents) => Promise<CrewPort>;

/** What a thread is told when it starts. */
export interface Duty {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly control: SharedArrayBuffer;
  /** Its number; the thread that drives the operation is worker 0. */
  readonly worker: number;
  /** Top of its stack, and its thread-local data: both in the memory. */
  readonly stack: number;
  readonly tls: number;
}

/** What the module with threads exports for them. */
export interface ThreadExports {
  readonly __stack_pointer: WebAssembly.Global;
  readonly __tls_size: WebAssembly.Global;
  __wasm_init_tls(tls: number): void;
  __wasm_call_ctors(): void;
}

const PAGE_BYTES = 2 ** 16;

/** The module leaves growing shared memory to its host, on every thread. */
export function growing(memory: WebAssembly.Memory): (bytes: number) => number {
  return (bytes) => {
    const missing = Math.ceil(((bytes >>> 0) - memory.buffer.byteLength) / PAGE_BYTES);
    try {
      if (missing > 0) memory.grow(missing);
      return 1;
    } catch {
      return 0;
    }
  };
}
