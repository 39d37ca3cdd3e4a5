/** What calls that take long have in common: a signal, a progress callback that may throw, and which error wins. */
import { checkCallback, checkOptions, checkSignal } from "../core/checks.js";
import type { AbortSignalLike, CallOptions, Progress, ProgressEvent } from "../core/types.js";

export interface LongCall {
  readonly signal: AbortSignalLike | undefined;
  readonly onProgress: Progress | undefined;
  /** What the call rejects with if `error` ended it: the callback's error, the signal's reason, or `error`. */
  errorOf(error: unknown): unknown;
  /** Throws if the progress callback did. */
  finish(): void;
}

interface Failure {
  readonly error: unknown;
}

/** Checks `options`; the signal of the result also fires when the callback throws. */
export function beginLongCall(options: CallOptions | undefined): LongCall {
  checkOptions("options", options);
  const outer = checkSignal(options?.signal);
  const callback = checkCallback("onProgress", options?.onProgress);
  if (!callback) {
    return {
      signal: outer,
      onProgress: undefined,
      errorOf: (error) => (outer?.aborted ? outer.reason : error),
      finish: () => {},
    };
  }
  return withCallback(outer, callback);
}

function withCallback(outer: AbortSignalLike | undefined, callback: Progress): LongCall {
  const controller = new AbortController();
  let failure: Failure | undefined;
  const stop = (error: unknown): void => {
    failure ??= { error };
    controller.abort(error);
  };
  const onAbort = (): void => controller.abort(outer?.reason);
  if (outer?.aborted) onAbort();
  else outer?.addEventListener("abort", onAbort);
  const end = (): void => outer?.removeEventListener("abort", onAbort);
  return {
    signal: controller.signal,
    onProgress: (event: ProgressEvent): void => {
      if (controller.signal.aborted) return;
      try {
        // An async callback is a mistake the types allow: its rejection must not end the process.
        const result = callback(event) as unknown;
        if (result instanceof Promise) result.catch(stop);
      } catch (error) {
        stop(error);
      }
    },
    errorOf: (error) => {
      end();
      if (failure) return failure.error;
      return controller.signal.aborted ? controller.signal.reason : error;
    },
    finish: () => {
      end();
      if (failure) throw failure.error;
    },
  };
}
