/** When the event loop goes round for a search, and when it may sleep. Time and turns are the test's. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { KeepAwake } from "../../ts/backend/native/keep-awake.js";

let turns: (() => void)[];
let now: number;

/** Runs what asked for a turn; returns whether there was any. */
function turn(): boolean {
  const waiting = turns;
  turns = [];
  for (const one of waiting) one();
  return waiting.length > 0;
}

beforeEach(() => {
  turns = [];
  now = 1000;
  vi.stubGlobal("setImmediate", (one: () => void) => turns.push(one));
  vi.spyOn(performance, "now").mockImplementation(() => now);
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

test("the loop goes round until the search ends", () => {
  const awake = new KeepAwake(2);
  awake.begin();
  for (let i = 0; i < 10; i++) expect(turn()).toBe(true);
  awake.end();
  expect(turn()).toBe(true);
  expect(turn()).toBe(false);
});

test("searches one after another share one turn", () => {
  const awake = new KeepAwake(2);
  for (let i = 0; i < 10; i++) {
    awake.begin();
    expect(turns).toHaveLength(1);
    awake.end();
  }
});

test("a long search lets it sleep, and the next one keeps it awake again", () => {
  const awake = new KeepAwake(2);
  awake.begin();
  now += 1;
  expect(turn()).toBe(true);
  expect(turn()).toBe(false);
  awake.end();
  awake.begin();
  expect(turn()).toBe(true);
  expect(turn()).toBe(true);
});

test("with several searches it sleeps, and with one after them not", () => {
  const awake = new KeepAwake(2);
  for (let i = 0; i < 3; i++) awake.begin();
  expect(turn()).toBe(true);
  expect(turn()).toBe(false);
  for (let i = 0; i < 3; i++) awake.end();
  awake.begin();
  expect(turn()).toBe(true);
  expect(turn()).toBe(true);
});

test("on one core it always sleeps", () => {
  const awake = new KeepAwake(1);
  awake.begin();
  expect(turn()).toBe(false);
});
