/** Outcomes of a suite that ran elsewhere, as tests of vitest. */
import { describe, expect, test } from "vitest";
import type { Outcome } from "../conformance/suite.js";

/** Fewer tests than this are not the suite. */
const TESTS_MIN = 200;

export function reportOutcomes(name: string, outcomes: readonly Outcome[]): void {
  describe(name, () => {
    test("the whole suite ran", () => expect(outcomes.length).toBeGreaterThan(TESTS_MIN));
    for (const outcome of outcomes) test(outcome.name, () => expect(outcome.error).toBeUndefined());
  });
}

/** Runs it while tests are collected; what stops it altogether is a failed test too. */
export async function reportRun(name: string, run: () => Promise<readonly Outcome[]>): Promise<void> {
  let outcomes: readonly Outcome[];
  try {
    outcomes = await run();
  } catch (error) {
    describe(name, () => {
      test("the suite starts", () => {
        throw error;
      });
    });
    return;
  }
  reportOutcomes(name, outcomes);
}

/** Several, at the same time: a suite waits for clocks and servers for a third of its time. Told one after the other. */
export async function reportRuns(runs: Record<string, () => Promise<readonly Outcome[]>>): Promise<void> {
  const ends = Object.entries(runs).map(async ([name, run]) => {
    const [end] = await Promise.allSettled([run()]);
    return { name, end };
  });
  for (const { name, end } of await Promise.all(ends)) {
    await reportRun(name, async () => {
      if (end.status === "rejected") throw end.reason;
      return end.value;
    });
  }
}
