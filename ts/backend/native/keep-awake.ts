/**
 * Keeps the event loop from sleeping while one search is under way. Waking a sleeping thread takes about as long as a
 * quick search, so for the first moments of a search the loop goes round instead: other events have their turn as ever.
 * With several searches under way it may sleep: the first answer wakes it for all that are there by then.
 */

/** Most searches are over by then; for longer ones the wake-up does not matter. */
const AWAKE_MILLISECONDS = 0.1;

export class KeepAwake {
  readonly #enabled: boolean;
  #searches = 0;
  #until = 0;
  #turning = false;

  /** On a single core the loop would only take time from the search. */
  constructor(cores: number) {
    this.#enabled = cores > 1;
  }

  /** A search has started. */
  begin(): void {
    if (++this.#searches !== 1 || !this.#enabled) return;
    this.#until = performance.now() + AWAKE_MILLISECONDS;
    if (this.#turning) return;
    this.#turning = true;
    setImmediate(this.#turn);
  }

  /** A search has ended. */
  end(): void {
    this.#searches--;
  }

  readonly #turn = (): void => {
    if (this.#searches === 1 && performance.now() < this.#until) setImmediate(this.#turn);
    else this.#turning = false;
  };
}
