import { describe, expect, test } from "vitest";
import type { SetResult, SideResult } from "./compare.js";
import { cpuQpsAt, frontier, LADDER, listAt, type Point, qpsAt, quantile } from "./curve.js";
import { readOptions } from "./options.js";
import { plot } from "./plot.js";
import { number, table } from "./report.js";
import { FIXED_LIST } from "./sides/side.js";

const point = (list: number, recall: number, qps: number): Point => ({ list, recall, qps, cpuQps: qps / 2 });

const POINTS = [point(10, 0.8, 40_000), point(20, 0.9, 10_000), point(40, 0.98, 5000), point(60, 0.97, 4000)];

describe("a recall-speed curve", () => {
  test("keeps the points that none beats in both", () => {
    expect(frontier(POINTS).map((one) => one.list)).toEqual([10, 20, 40]);
  });

  test("is interpolated in the logarithm of the speed", () => {
    expect(qpsAt(0.9, POINTS)).toBeCloseTo(10_000);
    expect(qpsAt(0.85, POINTS)).toBeCloseTo(20_000);
    expect(cpuQpsAt(0.85, POINTS)).toBeCloseTo(10_000);
  });

  test("credits nobody with what was not shown", () => {
    expect(qpsAt(0.5, POINTS)).toBe(40_000);
    expect(qpsAt(0.99, POINTS)).toBeUndefined();
  });

  test("finds the smallest list that reaches a recall, else the largest", () => {
    expect(listAt(0.9, POINTS)).toBe(20);
    expect(listAt(0.999, POINTS)).toBe(60);
  });

  test("the ladder rises and holds the list size of those that fix it", () => {
    expect([...LADDER].sort((a, b) => a - b)).toEqual(LADDER);
    expect(LADDER).toContain(FIXED_LIST);
  });

  test("quantiles are by nearest rank", () => {
    const sorted = Array.from({ length: 100 }, (_, i) => i + 1);
    expect([quantile(sorted, 0.5), quantile(sorted, 0.99), quantile(sorted, 1), quantile([7], 0.5)]).toEqual([
      50, 99, 100, 7,
    ]);
  });
});

describe("the report", () => {
  test("has columns that line up", () => {
    expect(
      table(
        ["", "a"],
        [
          ["x", "10"],
          ["long", "7"],
        ],
      ),
    ).toBe(["|      |  a |", "| ---- | -: |", "| x    | 10 |", "| long |  7 |"].join("\n"));
  });

  test("shows what is missing as missing", () => {
    expect([number(undefined), number(Number.NaN), number(1234.56, 1)]).toEqual(["-", "-", "1,234.6"]);
  });

  test("plots every side once, inside the picture", () => {
    const side = (name: SideResult["side"], factor: number): SideResult => ({
      side: name,
      built: { seconds: 1, cpuSeconds: 1, memory: 1, file: undefined },
      points: POINTS.map((one) => ({ ...one, qps: one.qps * factor })),
      latency: { list: 10, p50: 1, p99: 1 },
      note: undefined,
    });
    const sides = [side("diskann", 1), side("usearch", 0.98)];
    const result: SetResult = {
      name: "image",
      title: "a < b",
      metric: "l2",
      real: false,
      queries: 1,
      sides,
      failed: [],
    };
    const svg = plot(result);
    expect(svg).toContain("a &#60; b");
    expect(svg.match(/class="name"/g)).toHaveLength(2);
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
    const places = [...svg.matchAll(/<circle cx="([\d.]+)" cy="([\d.]+)"/g)].map((hit) => [
      Number(hit[1]),
      Number(hit[2]),
    ]);
    expect(places).toHaveLength(6);
    for (const [x = -1, y = -1] of places) {
      expect(x >= 70 && x <= 670 && y >= 46 && y <= 424).toBe(true);
    }
  });
});

describe("the options", () => {
  test("have defaults and are checked", () => {
    expect(readOptions([])).toMatchObject({ threads: 1, rounds: 5, quick: false, extras: true });
    expect(readOptions(["--quick", "--only", "diskann, usearch", "--dataset", "text"])).toMatchObject({
      only: ["diskann", "usearch"],
      sets: ["text"],
      rounds: 3,
    });
    expect(() => readOptions(["--only", "faiss"])).toThrow('no "faiss"');
    expect(() => readOptions(["--threads", "0"])).toThrow("--threads");
  });
});
