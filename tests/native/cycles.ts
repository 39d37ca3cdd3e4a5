import { expect } from "vitest";
import { runProgram } from "./child.js";

/** What cannot be given back at once: pages of the allocator, V8's heap, which grows with the rate of garbage. */
const NOISE_BYTES = 12 * 2 ** 20;
/** A cycle has dozens of kilobytes on both sides, and its smallest object here a few hundred bytes. */
const NOISE_BYTES_PER_CYCLE = 300;

export async function expectFlat(way: string, count: number): Promise<void> {
  const { code, out } = await runProgram("cycles", [way, String(count)], { node: ["--expose-gc"] });
  expect(code, out).toBe(0);
  const { growth, rss, ms } = JSON.parse(out) as { growth: number; rss: number; ms: number };
  const perCycle = ((ms * 1000) / count).toFixed(0);
  console.log(`${way}: ${count} cycles, resident ${growth} bytes more, ${rss} in all, ${perCycle} us each`);
  expect(growth).toBeLessThan(NOISE_BYTES + count * NOISE_BYTES_PER_CYCLE);
}

export const WAYS = ["create", "open", "bytes", "dropped", "failed", "quantizer"];
