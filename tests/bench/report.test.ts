import { describe, expect, test } from "vitest";
import { generate } from "../support/generate.js";
import { exactTruth } from "../support/truth.js";
import { makeChecks } from "./checks.js";
import type { SetResult, SideResult } from "./compare.js";
import { cpuQpsAt, frontier, LADDER, listAt, type Point, qpsAt, quantile } from "./curve.js";
import { readOptions } from "./options.js";
import { plot } from "./plot.js";
import { number, table } from "./report.js";
import { SET_NAMES, SETS, usualSets } from "./sets.js";
import { FIXED_LIST } from "./sides/side.js";
import { kernelTruth } from "./truth.js";

const point = (list: number, recall: number, qps: number): Point => ({ list, recall, qps, cpuQps: qps / 2 });

const POINTS = [point(10, 0.8, 40_000), point(20, 0.9, 10_000), point(40, 0.98, 5000), point(60, 0.97, 4000)];

/** A side with these points, so many times as fast. */
const side = (name: SideResult["side"], factor: number, points: readonly Point[] = POINTS): SideResult => ({
  side: name,
  built: { seconds: 1, cpuSeconds: 1 / factor, memory: 1, file: undefined },
  points: points.map((one) => ({ ...one, qps: one.qps * factor })),
  latency: { list: 10, p50: 1, p99: 1 },
  note: undefined,
});

const setOf = (name: SetResult["name"], metric: string, sides: readonly SideResult[]): SetResult => ({
  ...{ name, title: "a < b", metric, real: false, queries: 1, sides, failed: [] },
});

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
    const svg = plot(setOf("image", "l2", [side("diskann", 1), side("usearch", 0.98)]));
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

describe("the numbers to meet", () => {
  const TO_99 = [...POINTS, point(100, 0.995, 1000)];
  const sides = [side("diskann", 4, TO_99), side("usearch", 1, TO_99), side("diskann-chromium", 1, TO_99)];
  const checks = makeChecks([setOf("text", "cosine", sides)], undefined);
  const about = (words: string) => checks.find(({ what }) => what.includes(words));

  test("have a bound and, where it is more, an aim", () => {
    const shown = { measured: "4.00 x", met: true };
    expect(about("QPS at .95, best type of usearch")).toMatchObject({
      ...shown,
      wanted: ">= 2.00 x, aim 3.00 x",
      aimed: true,
    });
    expect(about("QPS at .99, best type of usearch")).toMatchObject({ ...shown, aimed: false });
    expect(about("CPU time of a build, of usearch")).toMatchObject({ measured: "0.25 x", aimed: true });
    expect(about("WASM in Chromium of native")).toMatchObject({ measured: "0.25 x", met: false });
  });

  test("are of sides that the set has, and open where one was not measured", () => {
    expect(about("of hnswlib-wasm")).toMatchObject({ measured: "-", met: undefined });
    expect(about("of edgevec")).toBeUndefined();
    const names = makeChecks([setOf("image-small", "l2", [])], undefined).map(({ what }) => what);
    expect(names).toEqual(["a < b: QPS at .95, WASM of hnswlib-wasm", "a < b: QPS at .95, WASM of edgevec"]);
  });
});

describe("the sets", () => {
  test("are all measured, but large ones only slowly", () => {
    expect(usualSets(false)).toEqual(SET_NAMES);
    expect(usualSets(true)).toEqual(["image", "text", "image-small"]);
    expect(SETS["text-100k"].sides).toContain("hnswlib-node");
  });

  test("have the same truth by kernels as by plain JavaScript", async () => {
    const sample = (rows: number, stream: number) => {
      const dimensions = 48;
      return { rows, dimensions, values: generate({ shape: "text", dimensions, rows, stream }) };
    };
    const [base, queries] = [sample(600, 0), sample(10, 1)];
    const { ids, k } = await kernelTruth(base, queries, "cosine");
    expect({ ids, k }).toEqual({ ids: exactTruth(base, queries, "cosine", 100).ids, k: 100 });
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
