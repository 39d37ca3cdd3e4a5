/** A progress bar for terminals. */
import cliProgress from "cli-progress";
import { formatRate, type ProgressView, phaseTitle, Rate } from "./progress.js";
import { formatNumber, type Style, type TerminalStream } from "./terminal.js";

const BAR_MAX = 32;
const BAR_MIN = 6;
/** Of `123,456 points/s, ETA 12:30`; a longer one is cut where it would not fit. */
const SPEED_WIDTH = 27;

/** One line for one state; `width` is that of the terminal. */
export function barLine(
  state: { title: string; done: number; total: number; speed: string; unit: string },
  width: number,
  style: Style,
): string {
  const share = state.total === 0 ? 1 : Math.min(1, state.done / state.total);
  const title = state.title.padEnd(10);
  const percent = `${Math.floor(share * 100)} %`.padStart(5);
  const total = formatNumber(state.total);
  const count = `${formatNumber(state.done).padStart(total.length)}/${total}`;
  const details = [count, state.speed].filter((part) => part !== "").join("  ");
  // The room follows from what does not change while the bar grows, or the bar would jump. A line that wraps cannot
  // be redrawn: where there is no room, the details go.
  const frame = title.length + percent.length + 3;
  const room = width - frame - 2 * total.length - SPEED_WIDTH - 5;
  const shown = room >= BAR_MIN;
  const cells = Math.max(BAR_MIN, Math.min(BAR_MAX, shown ? room : width - frame));
  const full = Math.round(share * cells);
  const bar = style.cyan("█".repeat(full)) + style.dim("░".repeat(cells - full));
  const line = `${title} ${bar} ${percent}`;
  return shown ? `${line}  ${style.dim(details.slice(0, width - frame - cells - 2))}` : line;
}

/** A bar on a terminal; it vanishes when it is stopped. */
export function barProgress(style: Style, stream: TerminalStream): ProgressView {
  let phase: string | undefined;
  let rate = new Rate();
  let unit = "points";
  const bar = new cliProgress.SingleBar({
    stream: stream as NodeJS.WritableStream,
    clearOnComplete: true,
    hideCursor: true,
    fps: 12,
    linewrap: false,
    gracefulExit: false,
    format: (_options, params) =>
      barLine(
        {
          title: phaseTitle(phase ?? ""),
          done: params.value,
          total: params.total,
          speed: formatRate(rate, params.total, unit),
          unit,
        },
        stream.columns ?? 80,
        style,
      ),
  });
  // A process that ends half way must not leave a terminal without cursor.
  const stop = (): void => {
    process.off("exit", stop);
    if (phase !== undefined) bar.stop();
    phase = undefined;
  };
  process.on("exit", stop);
  return {
    update({ phase: name, done, total }, unitNow = "points") {
      unit = unitNow;
      if (name !== phase) {
        const first = phase === undefined;
        phase = name;
        rate = new Rate();
        if (first) bar.start(total, done);
        else bar.setTotal(total);
      }
      rate.add(performance.now(), done);
      bar.update(done);
    },
    stop,
  };
}
