/**
 * The conformance suite: what the API promises, of any backend. One set of tests, run against native and
 * WebAssembly builds in Node, in workers, in Deno, Bun, Chromium and Firefox.
 */
import type { Subject, Test } from "./kit.js";
import { adding } from "./topics/adding.js";
import { control } from "./topics/control.js";
import { goldenBytes } from "./topics/golden.js";
import { making } from "./topics/making.js";
import { order } from "./topics/order.js";
import { searching } from "./topics/searching.js";
import { storing } from "./topics/storing.js";

export type { Subject, Test } from "./kit.js";

export function conformance(test: Test, subject: Subject): void {
  making(test, subject);
  adding(test, subject);
  searching(test, subject);
  storing(test, subject);
  order(test, subject);
  control(test, subject);
  goldenBytes(test, subject);
}

export interface Outcome {
  readonly passed: number;
  readonly failed: readonly { readonly name: string; readonly message: string }[];
}

/** Runs the suite without a test library, one test after the other. */
export async function runConformance(subject: Subject, filter: RegExp = /./): Promise<Outcome> {
  const tests: { name: string; body: () => Promise<void> }[] = [];
  conformance((name, body) => tests.push({ name, body }), subject);
  const failed: { name: string; message: string }[] = [];
  let passed = 0;
  for (const { name, body } of tests) {
    if (!filter.test(name)) continue;
    try {
      await body();
      passed++;
    } catch (error) {
      failed.push({ name, message: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  }
  return { passed, failed };
}
