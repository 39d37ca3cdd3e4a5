/** Slices stay short whatever the items cost: run on a clock that the test turns. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { Pace } from "../../ts/backend/wasm/drive.js";

const SLICE_MS_MAX = 8;

let now = 0;
afterEach(() => vi.restoreAllMocks());

/** Runs items of the given cost; returns the length of each slice in ms, and the number of looks at the clock. */
async function slices(costs: Iterable<number>): Promise<{ lengths: number[]; pieces: number }> {
  now = 0;
  vi.spyOn(performance, "now").mockImplementation(() => now);
  const pace = new Pace();
  const lengths: number[] = [];
  let begin = now;
  let left = pace.items;
  let pieces = 0;
  for (const cost of costs) {
    now += cost;
    if (--left > 0) continue;
    pieces++;
    const rest = pace.pieceEnded();
    if (rest) {
      lengths.push(now - begin);
      await rest;
      begin = now;
    }
    left = pace.items;
  }
  return { lengths, pieces };
}

function* repeat(count: number, cost: (i: number) => number): Iterable<number> {
  for (let i = 0; i < count; i++) yield cost(i);
}

describe("pace", () => {
  it.each([0.0005, 0.01, 0.1, 0.7, 1.5, 3])("keeps slices of items of %s ms short", async (cost) => {
    const { lengths } = await slices(repeat(Math.ceil(400 / cost), () => cost));
    expect(lengths.length).toBeGreaterThan(400 / SLICE_MS_MAX - 1);
    expect(Math.max(...lengths)).toBeLessThanOrEqual(SLICE_MS_MAX);
  });
  it("follows costs that rise slowly", async () => {
    const { lengths } = await slices(repeat(20_000, (i) => 0.001 + i / 20_000));
    expect(Math.max(...lengths)).toBeLessThanOrEqual(SLICE_MS_MAX);
  });
  it("looks at the clock seldom when items are cheap", async () => {
    const { pieces } = await slices(repeat(200_000, () => 0.001));
    expect(pieces).toBeLessThan(1000);
  });
  it("gives turns even where the clock stands still", async () => {
    const { lengths } = await slices(repeat(4096 * 1000, () => 0));
    expect(lengths.length).toBeGreaterThan(2);
  });
  it("starts carefully when the cost of what follows is not known", async () => {
    vi.spyOn(performance, "now").mockImplementation(() => 0);
    const pace = new Pace();
    for (let i = 0; i < 10; i++) pace.pieceEnded();
    expect(pace.items).toBeGreaterThan(100);
    pace.unknown();
    expect(pace.items).toBe(1);
  });
});
