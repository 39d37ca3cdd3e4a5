/**
 * Recall against speed as an SVG. The plot is two axes and a few lines, less than any plotting library needs of
 * set-up, let alone of bytes: so it is drawn here.
 */
import { formatNumber } from "./terminal.js";

export interface PlotPoint {
  readonly recall: number;
  readonly queriesPerSecond: number;
  readonly label?: string;
}

export interface PlotSeries {
  readonly name: string;
  readonly points: readonly PlotPoint[];
}

export interface RecallPlot {
  readonly title: string;
  readonly caption: string;
  readonly k: number;
  readonly series: readonly PlotSeries[];
}

const WIDTH = 760;
const HEIGHT = 480;
const LEFT = 78;
const RIGHT = 28;
const TOP = 74;
const BOTTOM = 62;
/** Colours that stay apart for the colour-blind (Okabe and Ito). */
const COLORS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"] as const;

interface Axis {
  readonly ticks: readonly number[];
  label(tick: number): string;
  at(value: number): number;
}

/** Round steps of 1, 2 or 5 times a power of ten, about `count` of them. */
export function roundStep(span: number, count: number): number {
  const rough = span / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 5, 10].find((candidate) => candidate * power >= rough) ?? 10;
  return factor * power;
}

/** From a round number below the lowest recall to 1, or to the highest one where that is far from 1. */
function recallAxis(recalls: readonly number[]): Axis {
  const lowest = Math.min(...recalls);
  const highest = Math.max(...recalls);
  const room = Math.max(0.005, (highest - lowest) * 0.06);
  const step = roundStep(Math.max(0.01, highest - lowest + 2 * room), 8);
  const min = Math.max(0, Math.floor((lowest - room) / step) * step);
  const max = Math.min(1, Math.ceil((highest + room) / step) * step);
  const ticks: number[] = [];
  for (let i = 0; min + i * step <= max + step / 1e6; i++) ticks.push(min + i * step);
  // A little air beyond 1 keeps the last mark whole.
  const end = max + (max - min) * 0.03;
  const digits = Math.max(1, Math.ceil(-Math.log10(step) - 1e-9));
  const label = (tick: number): string => tick.toFixed(digits);
  return { ticks, label, at: (value) => LEFT + ((value - min) / (end - min)) * (WIDTH - LEFT - RIGHT) };
}

/** Logarithmic; ticks at 1, 2 and 5 times powers of ten, at least two of them in view. */
function speedAxis(speeds: readonly number[]): Axis {
  const candidates: number[] = [];
  for (let power = -3; power <= 9; power++)
    for (const factor of [1, 2, 5]) candidates.push(factor * 10 ** power);
  const low = Math.min(...speeds) * 0.9;
  const high = Math.max(...speeds) * 1.1;
  const first = candidates.filter((value) => value <= low).length - 1;
  const last = candidates.findIndex((value) => value >= high);
  const ticks = candidates.slice(Math.max(0, first), last + 1);
  const min = Math.log(ticks[0] as number);
  const max = Math.log(ticks.at(-1) as number);
  return {
    ticks,
    label: (tick) => formatNumber(tick, tick < 1 ? 3 : 0),
    at: (value) => HEIGHT - BOTTOM - ((Math.log(value) - min) / (max - min)) * (HEIGHT - TOP - BOTTOM),
  };
}

function escapeText(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

type Attributes = Readonly<Record<string, string | number>>;

function element(name: string, attributes: Attributes, content?: string): string {
  const pairs = Object.entries(attributes).map(([key, value]) => {
    const text = typeof value === "number" ? String(Math.round(value * 100) / 100) : escapeText(value);
    return ` ${key}="${text}"`;
  });
  return content === undefined
    ? `<${name}${pairs.join("")}/>`
    : `<${name}${pairs.join("")}>${content}</${name}>`;
}

function text(x: number, y: number, content: string, attributes: Attributes = {}): string {
  return element("text", { x, y, ...attributes }, escapeText(content));
}

function drawAxes(recall: Axis, speed: Axis, k: number): string[] {
  const bottom = HEIGHT - BOTTOM;
  const parts: string[] = [];
  for (const tick of recall.ticks) {
    const x = recall.at(tick);
    parts.push(element("line", { x1: x, y1: TOP, x2: x, y2: bottom, class: "grid" }));
    parts.push(text(x, bottom + 18, recall.label(tick), { "text-anchor": "middle", class: "tick" }));
  }
  for (const tick of speed.ticks) {
    const y = speed.at(tick);
    parts.push(element("line", { x1: LEFT, y1: y, x2: WIDTH - RIGHT, y2: y, class: "grid" }));
    parts.push(text(LEFT - 8, y + 4, speed.label(tick), { "text-anchor": "end", class: "tick" }));
  }
  const middle = (TOP + bottom) / 2;
  parts.push(
    text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 18, `recall@${k}`, { "text-anchor": "middle", class: "axis" }),
  );
  parts.push(
    text(18, middle, "queries per second (log)", {
      "text-anchor": "middle",
      class: "axis",
      transform: `rotate(-90 18 ${middle})`,
    }),
  );
  return parts;
}

/** Labels sit below left of their marks, since lines fall to the right; those that would touch an earlier one go. */
function drawSeries(series: PlotSeries, color: string, recall: Axis, speed: Axis): string[] {
  const places = series.points.map((point) => ({
    x: recall.at(point.recall),
    y: speed.at(point.queriesPerSecond),
    label: point.label ?? "",
  }));
  const parts = [
    element("polyline", {
      points: places.map(({ x, y }) => `${x.toFixed(2)},${y.toFixed(2)}`).join(" "),
      stroke: color,
      class: "line",
    }),
  ];
  const labelled: { x: number; y: number }[] = [];
  for (const { x, y, label } of places) {
    parts.push(element("circle", { cx: x, cy: y, r: 4, fill: color }));
    const crowded = labelled.some((other) => Math.abs(other.x - x) < 44 && Math.abs(other.y - y) < 14);
    if (label === "" || crowded) continue;
    labelled.push({ x, y });
    const left = x - LEFT > 50;
    const anchor = left ? "end" : "start";
    parts.push(
      text(left ? x - 8 : x + 8, y + (left ? 14 : -8), label, { "text-anchor": anchor, class: "label" }),
    );
  }
  return parts;
}

function drawLegend(series: readonly PlotSeries[]): string[] {
  if (series.length < 2) return [];
  return series.flatMap(({ name }, i) => {
    const y = TOP + 18 + i * 18;
    const x = WIDTH - RIGHT - 150;
    const color = COLORS[i % COLORS.length] as string;
    return [
      element("circle", { cx: x, cy: y - 4, r: 4, fill: color }),
      text(x + 10, y, name, { class: "label" }),
    ];
  });
}

const STYLES = [
  "text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;fill:#24292f}",
  ".title{font-size:18px;font-weight:600}",
  ".caption{font-size:12px;fill:#57606a}",
  ".tick{font-size:12px;fill:#57606a}",
  ".axis{font-size:13px}",
  ".label{font-size:11px;fill:#57606a}",
  ".grid{stroke:#d8dee4;stroke-width:1}",
  ".line{fill:none;stroke-width:2;stroke-linejoin:round}",
].join("");

/** A document of its own; points that are no numbers, or have no speed, are left out. */
export function drawRecallPlot(plot: RecallPlot): string {
  const series = plot.series.map(({ name, points }) => ({
    name,
    points: points.filter((point) => Number.isFinite(point.recall) && point.queriesPerSecond > 0),
  }));
  const all = series.flatMap(({ points }) => points);
  const recall = recallAxis(all.length > 0 ? all.map((point) => point.recall) : [0, 1]);
  const speed = speedAxis(all.length > 0 ? all.map((point) => point.queriesPerSecond) : [1, 10]);
  const parts = [
    element("style", {}, STYLES),
    element("rect", { width: WIDTH, height: HEIGHT, fill: "#ffffff" }),
    text(LEFT, 32, plot.title, { class: "title" }),
    text(LEFT, 54, plot.caption, { class: "caption" }),
    ...drawAxes(recall, speed, plot.k),
    ...series.flatMap((one, i) => drawSeries(one, COLORS[i % COLORS.length] as string, recall, speed)),
    ...drawLegend(series),
  ];
  const attributes = {
    xmlns: "http://www.w3.org/2000/svg",
    width: WIDTH,
    height: HEIGHT,
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    role: "img",
    "aria-label": plot.title,
  };
  return `${element("svg", attributes, `\n${parts.join("\n")}\n`)}\n`;
}
