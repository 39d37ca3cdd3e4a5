/** Giving the event loop a turn: a macrotask, without the 4 ms that browsers add to nested timers. */

interface Timers {
  setImmediate?: (callback: () => void) => unknown;
}

let port: { post(): void } | undefined;
const waiting: (() => void)[] = [];

function openChannel(): { post(): void } {
  const channel = new MessageChannel();
  channel.port1.onmessage = () => {
    const next = waiting.shift();
    if (next) next();
  };
  return { post: () => channel.port2.postMessage(0) };
}

/** Resolves in a later macrotask: input, timers and I/O get their turn first. */
export function nextTask(): Promise<void> {
  const { setImmediate } = globalThis as Timers;
  if (setImmediate) return new Promise((resolve) => setImmediate(() => resolve()));
  // Some server runtimes have neither; their timers have no lower bound.
  if (typeof MessageChannel !== "function") return new Promise((resolve) => setTimeout(resolve, 0));
  return new Promise((resolve) => {
    port ??= openChannel();
    waiting.push(resolve);
    port.post();
  });
}
