import { expect } from "vitest";
import { runProgram } from "./child.js";

/** What cannot be given back at once (pages of the allocator, of V8's heap); far below what any leak would come to. */
const NOISE_BYTES = 12 * 2 ** 20;

/** Each way leaves at least a kilobyte if anything leaks: a cycle has dozens of kilobytes on both sides. */
export async function expectFlat(way: string, count: number): Promise<void> {
  const { code, out } = await runProgram("cycles", [way, String(count)], { node: ["--expose-gc"] });
  expect(code, out).toBe(0);
  const { growth, rss, ms } = JSON.parse(out) as { growth: number; rss: number; ms: number };
  const perCycle = ((ms * 1000) / count).toFixed(0);
  console.log(`${way}: ${count} cycles, resident ${growth} bytes more, ${rss} in all, ${perCycle} us each`);
  expect(growth).toBeLessThan(NOISE_BYTES);
}

export const WAYS = ["create", "open", "bytes", "dropped", "failed"];
