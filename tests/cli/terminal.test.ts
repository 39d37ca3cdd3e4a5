import { PassThrough } from "node:stream";
import { describe, expect, test } from "vitest";
import { latencyOf, median } from "../../ts/cli/commands/benchmark.js";
import { drawRecallPlot, roundStep } from "../../ts/cli/plot.js";
import { lineProgress, Rate } from "../../ts/cli/progress.js";
import { barLine, barProgress } from "../../ts/cli/progress-bar.js";
import {
  formatBytes,
  formatClock,
  formatDuration,
  formatNumber,
  formatTable,
  styleFor,
  wantsColor,
} from "../../ts/cli/terminal.js";

const plain = styleFor(false);

test("colour: NO_COLOR wins, then FORCE_COLOR, then the terminal", () => {
  const terminal = { isTTY: true, write: () => true };
  const pipe = { write: () => true };
  expect(wantsColor(terminal, {})).toBe(true);
  expect(wantsColor(pipe, {})).toBe(false);
  expect(wantsColor(terminal, { NO_COLOR: "1" })).toBe(false);
  expect(wantsColor(terminal, { NO_COLOR: "1", FORCE_COLOR: "1" })).toBe(false);
  expect(wantsColor(terminal, { NO_COLOR: "" })).toBe(true);
  expect(wantsColor(pipe, { FORCE_COLOR: "1" })).toBe(true);
  expect(wantsColor(terminal, { FORCE_COLOR: "0" })).toBe(false);
  expect(wantsColor(terminal, { TERM: "dumb" })).toBe(false);
  expect(styleFor(true).red("a")).toBe("\u001b[31ma\u001b[39m");
  expect(plain.red("a")).toBe("a");
});

test("numbers for people", () => {
  expect(formatNumber(1234567.891, 1)).toBe("1,234,567.9");
  expect([0, 1023, 1536, 200 * 1024, 5 * 2 ** 30].map(formatBytes)).toEqual([
    "0 bytes",
    "1,023 bytes",
    "1.5 KiB",
    "200 KiB",
    "5.0 GiB",
  ]);
  const durations = [0.35, 4.24, 250, 12_340, 59_960, 119_900, 185_000, 7_800_000];
  expect(durations.map(formatDuration)).toEqual([
    "350 us",
    "4.2 ms",
    "250 ms",
    "12.3 s",
    "1 min 00 s",
    "2 min 00 s",
    "3 min 05 s",
    "2 h 10 min",
  ]);
});

test("time left", () => {
  expect([0, 1, 1000, 4001, 750_000, 7_500_000].map(formatClock)).toEqual([
    "0:00",
    "0:01",
    "0:01",
    "0:05",
    "12:30",
    "2:05:00",
  ]);
});

test("tables align to the right and end their lines bare", () => {
  const table = formatTable(
    ["L", "recall"],
    [
      ["10", "0.9"],
      ["100", "1"],
    ],
    plain,
  );
  expect(table).toBe("  L  recall\n 10     0.9\n100       1\n");
});

test("median and percentiles", () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  const times = Array.from({ length: 200 }, (_, i) => 200 - i);
  expect(latencyOf(times)).toEqual({ mean: 100.5, p50: 100, p95: 190, p99: 198 });
  expect(latencyOf([7])).toEqual({ mean: 7, p50: 7, p95: 7, p99: 7 });
});

describe("progress", () => {
  test("the rate is that of the last seconds", () => {
    const rate = new Rate();
    rate.add(0, 0);
    expect(rate.perSecond).toBeUndefined();
    expect(rate.millisecondsLeft(100)).toBeUndefined();
    for (let second = 1; second <= 20; second++) rate.add(second * 1000, second * 100);
    for (let second = 21; second <= 40; second++) rate.add(second * 1000, 2000 + (second - 20) * 10);
    expect(rate.perSecond).toBe(10);
    expect(rate.millisecondsLeft(2300)).toBe(10_000);
  });

  test("lines elsewhere: not more than one in two seconds, and the end of what was shown", () => {
    const lines: string[] = [];
    let clock = 0;
    const progress = lineProgress({ write: (text: string) => lines.push(text) }, () => clock);
    progress.update({ phase: "validate", done: 100, total: 100 });
    for (let done = 0; done <= 1000; done += 100) {
      progress.update({ phase: "link", done, total: 1000 });
      clock += 500;
    }
    expect(lines).toEqual([
      "linking: 400 of 1,000 points (40 %), 200 points/s, ETA 0:03\n",
      "linking: 800 of 1,000 points (80 %), 200 points/s, ETA 0:01\n",
      "linking: 1,000 of 1,000 points (100 %)\n",
    ]);
  });

  test("lines of a long phase become rare", () => {
    const lines: string[] = [];
    let clock = 0;
    const progress = lineProgress({ write: (text: string) => lines.push(text) }, () => clock);
    for (; clock <= 3_600_000; clock += 250)
      progress.update({ phase: "link", done: clock, total: 4_000_000 });
    expect(lines.length).toBeGreaterThan(20);
    expect(lines.length).toBeLessThan(100);
  });

  test("a bar fits its terminal at any width", () => {
    const state = {
      title: "linking",
      done: 62_000,
      total: 100_000,
      speed: "41,250 points/s, ETA 0:01",
      unit: "points",
    };
    for (const width of [30, 50, 60, 80, 120, 200]) {
      const line = barLine(state, width, plain);
      expect(line.length).toBeLessThan(Math.max(width, 30));
      expect(line).toContain("62 %");
    }
    expect(barLine(state, 100, plain)).toBe(
      `linking    ${"█".repeat(20)}${"░".repeat(12)}  62 %   62,000/100,000  41,250 points/s, ETA 0:01`,
    );
    expect(barLine({ ...state, done: 0, total: 0 }, 80, plain)).toContain("100 %");
  });

  test("a bar redraws one line and is gone when stopped, the cursor back", () => {
    const stream = Object.assign(new PassThrough(), { isTTY: true, columns: 90 });
    const written: string[] = [];
    stream.on("data", (bytes: Buffer) => written.push(bytes.toString()));
    const listeners = process.listenerCount("exit");
    const progress = barProgress(plain, stream);
    progress.update({ phase: "link", done: 0, total: 10 });
    progress.update({ phase: "link", done: 10, total: 10 });
    progress.update({ phase: "order", done: 1, total: 4 });
    progress.stop();
    progress.stop();
    const text = written.join("");
    expect(text).toContain("linking");
    expect(text).not.toContain("\n");
    expect(text.lastIndexOf("\u001b[?25h")).toBeGreaterThan(text.lastIndexOf("\u001b[?25l"));
    expect(text.lastIndexOf("\u001b[?7h")).toBeGreaterThan(text.lastIndexOf("\u001b[?7l"));
    expect(process.listenerCount("exit")).toBe(listeners);
  });
});

describe("plot", () => {
  const points = [
    { recall: 0.9, queriesPerSecond: 5000, label: "L 10" },
    { recall: 0.99, queriesPerSecond: 1500, label: "L 50" },
    { recall: 1, queriesPerSecond: 300, label: "L 200" },
  ];
  const base = { title: "a < b", caption: '"c" & d', k: 10 };

  /** Numbers of an attribute, in order. */
  const numbers = (svg: string, pattern: RegExp): number[] =>
    Array.from(svg.matchAll(pattern), (match) => Number(match[1]));

  test("marks lie inside, further right for recall and higher for speed", () => {
    const svg = drawRecallPlot({ ...base, series: [{ name: "one", points }] });
    const xs = numbers(svg, /cx="([\d.]+)"/g);
    const ys = numbers(svg, /cy="([\d.]+)"/g);
    expect(xs).toHaveLength(3);
    expect(xs).toEqual([...xs].sort((a, b) => a - b));
    expect(ys).toEqual([...ys].sort((a, b) => a - b));
    for (const x of xs) expect(x >= 78 && x <= 732).toBe(true);
    for (const y of ys) expect(y >= 74 && y <= 418).toBe(true);
    expect(svg).toContain("a &lt; b");
    expect(svg).toContain("&quot;c&quot; &amp; d");
    for (const label of ["L 10", "L 50", "L 200", "recall@10"]) expect(svg).toContain(`>${label}<`);
  });

  test("two series have a legend and two colours; no points still make a picture", () => {
    const svg = drawRecallPlot({
      ...base,
      series: [
        { name: "one", points },
        { name: "two", points: points.map((point) => ({ ...point, queriesPerSecond: 20 })) },
      ],
    });
    expect(svg).toContain(">one<");
    expect(svg).toContain(">two<");
    expect(new Set(Array.from(svg.matchAll(/stroke="(#\w+)"/g), (match) => match[1])).size).toBe(2);
    for (const empty of [[], [{ recall: Number.NaN, queriesPerSecond: 0 }]]) {
      const picture = drawRecallPlot({ ...base, series: [{ name: "one", points: empty }] });
      expect(picture).not.toMatch(/NaN|Infinity|undefined/);
    }
  });

  test("one point, equal points and extreme speeds give finite places", () => {
    for (const queriesPerSecond of [0.002, 1, 3e8])
      for (const recall of [0, 0.5, 1]) {
        const svg = drawRecallPlot({
          ...base,
          series: [{ name: "one", points: [{ recall, queriesPerSecond }] }],
        });
        expect(svg).not.toMatch(/NaN|Infinity|undefined/);
        const [x] = numbers(svg, /cx="([\d.]+)"/g);
        expect((x as number) >= 78 && (x as number) <= 732).toBe(true);
      }
  });

  test("steps are 1, 2 or 5 times a power of ten", () => {
    expect([0.1, 0.9, 1, 7, 13].map((span) => Number(roundStep(span, 6).toPrecision(3)))).toEqual([
      0.02, 0.2, 0.2, 2, 5,
    ]);
  });
});
