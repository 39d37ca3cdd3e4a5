/** What the last searches took and read, as bars, and how full the cache is. */

const QUERIES = 40;
const HEIGHT = 56;
const LABEL = 14;
const SVG = "http://www.w3.org/2000/svg";

interface Cache {
  readonly bytes: number;
  readonly limit: number;
  readonly hits: number;
  readonly misses: number;
}

const latencies: number[] = [];
const readings: number[] = [];

function shape(name: string, attributes: Record<string, string | number>, text = ""): SVGElement {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  made.textContent = text;
  return made;
}

/** A bar for each value, the newest on the right; above it what the highest is. */
function drawBars(selector: string, values: readonly number[], label: (most: number) => string): void {
  const svg = document.querySelector<SVGElement>(selector);
  if (!svg) return;
  const width = svg.clientWidth;
  const most = Math.max(...values, 0.001);
  const pitch = width / QUERIES;
  const base = LABEL + HEIGHT;
  const bars = values.map((value, i) => {
    const height = Math.max(1, (value / most) * HEIGHT);
    const x = width - (values.length - i) * pitch;
    return shape("rect", { x, y: base - height, width: 0.7 * pitch, height, rx: 1 });
  });
  const line = shape("line", { x1: 0, x2: width, y1: base + 0.5, y2: base + 0.5 });
  svg.setAttribute("viewBox", `0 0 ${width} ${base + 1}`);
  svg.replaceChildren(line, ...bars, shape("text", { x: 0, y: 10 }, label(most)));
}

function show(selector: string, text: string): void {
  const element = document.querySelector(selector);
  if (element) element.textContent = text;
}

/** Adds a search. */
export function showWork(ms: number, reads: number, cache: Cache | undefined): void {
  for (const [list, value] of [
    [latencies, ms],
    [readings, reads],
  ] as const) {
    list.push(value);
    if (list.length > QUERIES) list.shift();
  }
  show("#latency", `${ms.toFixed(1)} ms`);
  show("#reads", String(reads));
  drawBars("#latencies", latencies, (most) => `ms a query, up to ${most.toFixed(1)}`);
  drawBars("#readings", readings, (most) => `reads a query, up to ${most.toFixed(0)}`);
  if (!cache) return;
  show("#cache", `${(cache.bytes / 1000).toFixed(0)} KB`);
  show("#rate", `${((100 * cache.hits) / Math.max(1, cache.hits + cache.misses)).toFixed(0)} %`);
  const meter = document.querySelector<HTMLMeterElement>("#filled");
  if (meter) meter.value = cache.bytes / cache.limit;
}
