/* What the set-up says: one line a step with its time, notes indented below. Colour on a terminal only. */

const started = performance.now();
const colour = process.stdout.isTTY && !process.env.NO_COLOR;
const paint = (code, text) => (colour ? `\x1b[${code}m${text}\x1b[0m` : text);

/** 0.4 s, 12 s, 3 min 05 s. */
export function duration(ms) {
  const seconds = ms / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 100) return `${Math.round(seconds)} s`;
  return `${Math.floor(seconds / 60)} min ${String(Math.round(seconds) % 60).padStart(2, "0")} s`;
}

/** Milliseconds since this process began to speak. */
export const elapsed = () => performance.now() - started;

const line = (mark, name, text) => console.log(`${mark} ${name.padEnd(14)} ${text}`);

export const say = {
  title: (text) => console.log(paint(1, text)),
  begin: (name, text) => line(paint(36, ">"), name, text),
  done: (name, text, ms) => line(paint(32, "+"), name, ms === undefined ? text : `${text} (${duration(ms)})`),
  absent: (name, text) => line(paint(33, "!"), name, text),
  failed: (name, text) => line(paint(31, "x"), name, text),
  note: (text) => console.log(text.replace(/^/gm, "    ")),
};
