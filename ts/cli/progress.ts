/** Progress of long calls: rate, time left, and plain lines for logs and pipes. */
import type { ProgressEvent } from "../core/types.js";
import { formatClock, formatNumber, type TerminalStream } from "./terminal.js";

export interface ProgressView {
  /** What the points of this phase are called, e.g. `points`; shown with the rate. */
  update(event: ProgressEvent, unit?: string): void;
  /** Ends the display; afterwards other text may be written. */
  stop(): void;
}

export const silentProgress: ProgressView = { update: () => undefined, stop: () => undefined };

const PHASES: Readonly<Record<string, string>> = {
  validate: "checking vectors",
  link: "linking",
  order: "ordering",
  read: "reading",
  check: "checking",
  audit: "auditing",
  seal: "sealing",
  write: "writing",
  scan: "scanning",
  train: "training",
};

export function phaseTitle(phase: string): string {
  return PHASES[phase] ?? phase;
}

const WINDOW_MS = 8000;

/**
 * How fast a phase goes. The time left follows the last seconds rather than the mean, since points take longer
 * as a graph grows.
 */
export class Rate {
  readonly #samples: { at: number; done: number }[] = [];

  add(at: number, done: number): void {
    this.#samples.push({ at, done });
    while (this.#samples.length > 2 && at - (this.#samples[1] as { at: number }).at > WINDOW_MS)
      this.#samples.shift();
  }

  /** Points a second, or undefined while there is too little to tell. */
  get perSecond(): number | undefined {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined || last.at - first.at < 100) return undefined;
    return ((last.done - first.done) * 1000) / (last.at - first.at);
  }

  millisecondsLeft(total: number): number | undefined {
    const rate = this.perSecond;
    const done = this.#samples.at(-1)?.done ?? 0;
    return rate === undefined || rate === 0 ? undefined : ((total - done) * 1000) / rate;
  }
}

/** `12,000 points/s, ETA 0:03`, as far as known. */
export function formatRate(rate: Rate, total: number, unit: string): string {
  const perSecond = rate.perSecond || undefined; // a rate of 0 tells nothing
  const left = rate.millisecondsLeft(total);
  const parts = [
    perSecond === undefined ? undefined : `${formatNumber(perSecond)} ${unit}/s`,
    left === undefined ? undefined : `ETA ${formatClock(left)}`,
  ];
  return parts.filter((part) => part !== undefined).join(", ");
}

const LINE_INTERVAL_MS = 2000;

/**
 * A line now and then: at most one in two seconds, and fewer the longer a phase takes, so that hours fit in a log.
 * One more when a phase that was shown ends.
 */
export function lineProgress(
  stream: TerminalStream,
  now: () => number = () => performance.now(),
): ProgressView {
  let phase: string | undefined;
  let rate = new Rate();
  let began = 0;
  let lastLine = 0;
  let shown = false;
  return {
    update({ phase: name, done, total }, unit = "points") {
      const at = now();
      if (name !== phase) {
        phase = name;
        rate = new Rate();
        began = at;
        lastLine = at;
        shown = false;
      }
      rate.add(at, done);
      const finished = done >= total;
      if (finished ? !shown : at - lastLine < Math.max(LINE_INTERVAL_MS, (at - began) / 10)) return;
      lastLine = at;
      shown = !finished;
      const percent = total === 0 ? 100 : Math.floor((100 * done) / total);
      const speed = finished ? "" : formatRate(rate, total, unit);
      const tail = speed === "" ? "" : `, ${speed}`;
      stream.write(
        `${phaseTitle(name)}: ${formatNumber(done)} of ${formatNumber(total)} ${unit} (${percent} %)${tail}\n`,
      );
    },
    stop: () => undefined,
  };
}
