/** A recall-speed plot as SVG: recall on a scale that opens up near 1, queries a second on a logarithmic one. */

import type { SetResult } from "./compare.js";
import { frontier } from "./curve.js";

const WIDTH = 860;
const HEIGHT = 480;
const LEFT = 70;
const RIGHT = 190;
const TOP = 46;
const BOTTOM = 56;
/* Okabe and Ito's colours, told apart by colour-blind readers too. */
const COLOURS = ["#0072b2", "#56b4e9", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#666666"];
const TICKS = [0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999];

/** Opens up towards 1: -log10(1 - recall). */
const stretch = (recall: number): number => -Math.log10(1.0005 - recall);

function escapeText(text: string): string {
  return text.replace(/[&<>]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

interface Scale {
  readonly x: (recall: number) => number;
  readonly y: (qps: number) => number;
  readonly qps: readonly [number, number];
  readonly recall: readonly [number, number];
}

function scaleOf(result: SetResult): Scale {
  const points = result.sides.flatMap((side) => frontier(side.points));
  const speeds = points.map((point) => point.qps);
  const recalls = points.map((point) => point.recall);
  const low = 10 ** Math.floor(Math.log10(Math.min(...speeds)));
  const high = Math.max(...speeds) * 1.15;
  const from = Math.max(0, Math.min(0.9, ...recalls) - 0.02);
  const to = Math.min(1, Math.max(0.99, ...recalls));
  const span = stretch(to) - stretch(from);
  return {
    recall: [from, to],
    qps: [low, high],
    x: (recall) => LEFT + ((stretch(recall) - stretch(from)) / span) * (WIDTH - LEFT - RIGHT),
    y: (qps) => HEIGHT - BOTTOM - (Math.log(qps / low) / Math.log(high / low)) * (HEIGHT - TOP - BOTTOM),
  };
}

function grid(scale: Scale): string[] {
  const lines: string[] = [];
  for (const recall of TICKS.filter((tick) => tick >= scale.recall[0] && tick <= scale.recall[1])) {
    const x = scale.x(recall).toFixed(1);
    lines.push(`<path class="grid" d="M${x} ${TOP}V${HEIGHT - BOTTOM}"/>`);
    lines.push(`<text x="${x}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${recall}</text>`);
  }
  for (let decade = scale.qps[0]; decade < scale.qps[1]; decade *= 10) {
    for (const factor of [1, 2, 5]) {
      const qps = decade * factor;
      if (qps <= scale.qps[1]) {
        const y = scale.y(qps).toFixed(1);
        lines.push(`<path class="grid" d="M${LEFT} ${y}H${WIDTH - RIGHT}"/>`);
        lines.push(
          `<text x="${LEFT - 8}" y="${y}" dy="4" text-anchor="end">${qps.toLocaleString("en")}</text>`,
        );
      }
    }
  }
  return lines;
}

/** Labels at the right, pushed apart where lines end side by side. */
function labelPositions(wanted: readonly number[]): number[] {
  const order = wanted.map((_, i) => i).sort((a, b) => (wanted[a] ?? 0) - (wanted[b] ?? 0));
  const out = [...wanted];
  let last = TOP - 18;
  for (const i of order) {
    last = Math.max(last + 18, out[i] ?? 0);
    out[i] = last;
  }
  return out;
}

export function plot(result: SetResult): string {
  const scale = scaleOf(result);
  const lines = result.sides.map((side) => frontier(side.points));
  const ends = lines.map((line) => scale.y(line.at(-1)?.qps ?? scale.qps[0]));
  const labels = labelPositions(ends);
  const curves = result.sides.map((side, i) => {
    const colour = COLOURS[i % COLOURS.length] ?? "#000";
    const line = lines[i] ?? [];
    const at = line.map((point) => `${scale.x(point.recall).toFixed(1)} ${scale.y(point.qps).toFixed(1)}`);
    const dots = at.map((place) => {
      const [x, y] = place.split(" ");
      return `<circle cx="${x}" cy="${y}" r="3" fill="${colour}"/>`;
    });
    const width = side.side.startsWith("diskann") ? 2.6 : 1.6;
    const y = labels[i] ?? 0;
    return [
      `<path d="M${at.join("L")}" fill="none" stroke="${colour}" stroke-width="${width}"/>`,
      ...dots,
      `<path d="M${WIDTH - RIGHT + 12} ${y}h18" stroke="${colour}" stroke-width="${width}"/>`,
      `<text class="name" x="${WIDTH - RIGHT + 36}" y="${y}" dy="4">${escapeText(side.side)}</text>`,
    ].join("\n");
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}">
<style>text{font:12px system-ui,sans-serif;fill:#444}.title{font-size:15px;font-weight:600;fill:#111}.name{font-size:13px;fill:#111}
.grid{stroke:#e3e3e3;stroke-width:1}</style>
<rect width="100%" height="100%" fill="#fff"/>
<text class="title" x="${LEFT}" y="26">${escapeText(`${result.title}, ${result.metric}: queries a second by recall@10`)}</text>
${grid(scale).join("\n")}
<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 14}" text-anchor="middle">recall@10</text>
<text transform="translate(16 ${HEIGHT / 2}) rotate(-90)" text-anchor="middle">queries a second</text>
${curves.join("\n")}
</svg>
`;
}
