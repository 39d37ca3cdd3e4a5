/** What goes to a terminal: colours where they are wanted, numbers for people, tables. */

const CODES = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
} as const;

type Paint = (text: string) => string;
export type Style = Readonly<Record<keyof typeof CODES, Paint>>;

/** The parts of a stream that matter here; `process.stdout` and `process.stderr` are such. */
export interface TerminalStream {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

/** `NO_COLOR` (set to anything) wins, then `FORCE_COLOR`, then whether the stream is a terminal that can. */
export function wantsColor(
  stream: TerminalStream,
  env: Readonly<Record<string, string | undefined>>,
): boolean {
  if (env.NO_COLOR !== undefined && env.NO_COLOR !== "") return false;
  if (env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== "") return env.FORCE_COLOR !== "0";
  return stream.isTTY === true && env.TERM !== "dumb";
}

export function styleFor(colored: boolean): Style {
  const entries = Object.entries(CODES).map(([name, [on, off]]): [string, Paint] => [
    name,
    (text) => (colored ? `\u001b[${on}m${text}\u001b[${off}m` : text),
  ]);
  return Object.fromEntries(entries) as Style;
}

/** `1,234,567`; with `digits` after the point. */
export function formatNumber(value: number, digits = 0): string {
  return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

export function formatBytes(bytes: number): string {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  let value = bytes;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${formatNumber(value, unit === 0 || value >= 100 ? 0 : 1)} ${units[unit]}`;
}

/** `350 us`, `4.2 ms`, `12.3 s`, `3 min 05 s`, `2 h 10 min`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < 1) return `${formatNumber(milliseconds * 1000)} us`;
  if (milliseconds < 1000) return `${formatNumber(milliseconds, milliseconds < 10 ? 1 : 0)} ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 59.95) return `${formatNumber(seconds, 1)} s`;
  const minutes = Math.floor(Math.round(seconds) / 60); // of whole seconds, or 119.9 s would be 1 min 60 s
  const pad = (part: number): string => String(part).padStart(2, "0");
  if (minutes < 60) return `${minutes} min ${pad(Math.round(seconds) % 60)} s`;
  return `${formatNumber(Math.floor(minutes / 60))} h ${pad(minutes % 60)} min`;
}

/** `0:05`, `12:30`, `2:05:00`: rounded up to whole seconds. */
export function formatClock(milliseconds: number): string {
  const seconds = Math.ceil(milliseconds / 1000);
  const pad = (part: number): string => String(part).padStart(2, "0");
  const minutes = Math.floor(seconds / 60);
  const tail = pad(seconds % 60);
  return minutes < 60 ? `${minutes}:${tail}` : `${Math.floor(minutes / 60)}:${pad(minutes % 60)}:${tail}`;
}

/** Columns aligned to the right, a heading above; no trailing blanks. */
export function formatTable(
  heading: readonly string[],
  rows: readonly (readonly string[])[],
  style: Style,
): string {
  const widths = heading.map((cell, i) => Math.max(cell.length, ...rows.map((row) => (row[i] ?? "").length)));
  const line = (cells: readonly string[]): string =>
    cells.map((cell, i) => cell.padStart(widths[i] ?? 0)).join("  ");
  return [style.bold(line(heading)), ...rows.map(line)].map((text) => `${text}\n`).join("");
}

/** Names on the left, what they are on the right. */
export function formatFields(fields: readonly (readonly [string, string])[], style: Style): string {
  const width = Math.max(...fields.map(([name]) => name.length));
  return fields.map(([name, value]) => `  ${style.dim(name.padEnd(width))}  ${value}\n`).join("");
}
