/** Listening to a signal that many calls share: one listener of ours, however many calls (Node warns above ten). */
import type { AbortSignalLike } from "./types.js";

interface Listening {
  readonly callbacks: Set<() => void>;
  readonly listener: () => void;
}

const signals = new WeakMap<AbortSignalLike, Listening>();

function listen(signal: AbortSignalLike): Listening {
  const callbacks = new Set<() => void>();
  const listener = (): void => {
    signals.delete(signal);
    for (const callback of callbacks) callback();
  };
  signal.addEventListener("abort", listener);
  const listening = { callbacks, listener };
  signals.set(signal, listening);
  return listening;
}

/** Calls `callback` once when the signal is aborted. Returns the function that ends the listening. */
export function onAbort(signal: AbortSignalLike, callback: () => void): () => void {
  const listening = signals.get(signal) ?? listen(signal);
  // Of its own: the same function may be given twice.
  const own = (): void => callback();
  listening.callbacks.add(own);
  return () => {
    listening.callbacks.delete(own);
    if (listening.callbacks.size === 0 && signals.get(signal) === listening) {
      signals.delete(signal);
      signal.removeEventListener("abort", listening.listener);
    }
  };
}
