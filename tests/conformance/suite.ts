/**
 * The conformance suite: what the API promises, of any backend. One set of tests, run against native and
 * WebAssembly builds in Node, in workers, in Deno, Bun, Chromium and Firefox.
 */
import { type Subject, subjectOf, type Test } from "./kit.js";
import { adding } from "./topics/adding.js";
import { budget } from "./topics/budget.js";
import { coding } from "./topics/coding.js";
import { control } from "./topics/control.js";
import { goldenBytes } from "./topics/golden.js";
import { importing } from "./topics/importing.js";
import { layouts } from "./topics/layouts.js";
import { making } from "./topics/making.js";
import { microsoft } from "./topics/microsoft.js";
import { order } from "./topics/order.js";
import { paging } from "./topics/paging.js";
import { places } from "./topics/places.js";
import { quantizing } from "./topics/quantizing.js";
import { scanning } from "./topics/scanning.js";
import { searching } from "./topics/searching.js";
import { stores } from "./topics/stores.js";
import { storing } from "./topics/storing.js";
import { types } from "./topics/types.js";

export type { Subject, Test } from "./kit.js";

export function conformance(test: Test, subject: Subject): void {
  making(test, subject);
  adding(test, subject);
  searching(test, subject);
  types(test, subject);
  coding(test, subject);
  storing(test, subject);
  places(test, subject);
  importing(test, subject);
  stores(test, subject);
  paging(test, subject);
  microsoft(test, subject);
  scanning(test, subject);
  layouts(test, subject);
  budget(test, subject);
  order(test, subject);
  control(test, subject);
  goldenBytes(test, subject);
  for (const dataType of ["f16", "i8", "u8"] as const) {
    const named: Test = (name, body) => test(`${dataType}: ${name}`, body);
    const typed = subjectOf(subject, dataType);
    adding(named, typed);
    searching(named, typed);
    storing(named, typed);
  }
  if (subject.ProductQuantizer) quantizing(test, subject.ProductQuantizer, subject);
}

/** How one test ended; `error` is undefined when it passed. */
export interface Outcome {
  readonly name: string;
  readonly error: string | undefined;
}

const TEST_MS = 60_000;

async function outcomeOf(name: string, body: () => Promise<void>): Promise<Outcome> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done after ${TEST_MS} ms`)), TEST_MS);
  });
  try {
    await Promise.race([body(), late]);
    return { name, error: undefined };
  } catch (error) {
    return { name, error: error instanceof Error ? `${error.message}\n${error.stack ?? ""}` : String(error) };
  } finally {
    clearTimeout(timer);
  }
}

/** Runs the suite without a test library, one test after the other. */
export async function runConformance(subject: Subject): Promise<Outcome[]> {
  const tests: { name: string; body: () => Promise<void> }[] = [];
  conformance((name, body) => tests.push({ name, body }), subject);
  const outcomes: Outcome[] = [];
  for (const { name, body } of tests) outcomes.push(await outcomeOf(name, body));
  return outcomes;
}
