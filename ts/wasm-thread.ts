/** The script of one thread: an instance over the memory of the others, which runs items of their operations. */

import { CREW, type Duty, growing, type ThreadExports } from "./backend/wasm/crew.js";
import type { CoreExports } from "./backend/wasm/exchange.js";
import { nodeModule } from "./core/node.js";

interface Side {
  postMessage(message: unknown): void;
}

/** Ends when the crew is told to quit. */
function work(side: Side, { module, memory, control, worker, stack, tls }: Duty): void {
  const imports = { env: { memory, emscripten_resize_heap: growing(memory) } };
  const exports = new WebAssembly.Instance(module, imports).exports as unknown as CoreExports & ThreadExports;
  exports.__stack_pointer.value = stack;
  exports.__wasm_init_tls(tls);
  const cells = new Int32Array(control);
  side.postMessage("ready");
  for (let turn = 0; ; ) {
    Atomics.wait(cells, CREW.turn, turn);
    turn = Atomics.load(cells, CREW.turn);
    const op = Atomics.load(cells, CREW.op);
    if (op === 0) return;
    const items = Atomics.load(cells, CREW.items);
    const count = Atomics.load(cells, CREW.count);
    for (;;) {
      const begin = Atomics.add(cells, CREW.next, count);
      if (begin >= items) break;
      exports.op_run(op, worker, begin, Math.min(items, begin + count));
    }
    const isLast = Atomics.sub(cells, CREW.busy, 1) === 1;
    if (isLast && Atomics.exchange(cells, CREW.awaited, 0) === 1) side.postMessage("idle");
  }
}

async function start(): Promise<void> {
  const { process } = globalThis as { process?: { versions?: { node?: string } } };
  if (process?.versions?.node === undefined) {
    const side = globalThis as unknown as Side & { onmessage: unknown };
    side.onmessage = ({ data }: { data: Duty }) => work(side, data);
    return;
  }
  const { parentPort } = await nodeModule("node:worker_threads");
  parentPort?.once("message", (duty: Duty) => work(parentPort, duty));
}

void start();
