/** In a page: how long its thread is held by each long call. Bundled and run by page.ts. */
import { generate } from "../support/generate.js";
import { quantile } from "./curve.js";
import type { EventDelay } from "./extras.js";

const ROWS = 30_000;
const ADDED = 5_000;
const DIMENSIONS = 128;
const IDLE_MS = 2000;

/** The times between the turns that a message to oneself gets: what a click would have waited. */
class Turns {
  readonly #channel = new MessageChannel();
  readonly #gaps: number[] = [];
  #last = performance.now();
  #watching = true;

  constructor() {
    this.#channel.port1.onmessage = () => {
      const now = performance.now();
      this.#gaps.push(now - this.#last);
      this.#last = now;
      if (this.#watching) this.#channel.port2.postMessage(null);
      else this.#channel.port1.close();
    };
    this.#channel.port2.postMessage(null);
  }

  async end(): Promise<Float64Array> {
    await new Promise((resolve) => setTimeout(resolve, 20));
    this.#watching = false;
    return Float64Array.from(this.#gaps).sort();
  }
}

async function measure<T>(lines: EventDelay[], name: string, work: () => Promise<T>): Promise<T> {
  const turns = new Turns();
  const began = performance.now();
  const result = await work();
  const ms = performance.now() - began;
  const gaps = await turns.end();
  const at = (p: number): number => quantile(gaps, p);
  lines.push({ name, ms, p50: at(0.5), p99: at(0.99), p999: at(0.999), max: at(1) });
  return result;
}

async function measureCalls(entry: string): Promise<EventDelay[]> {
  const { VectorIndex } = (await import(entry)) as typeof import("../../ts/wasm.js");
  const values = generate({ shape: "image", dimensions: DIMENSIONS, rows: ROWS + ADDED });
  const built = values.subarray(0, ROWS * DIMENSIONS);
  const lines: EventDelay[] = [];
  await measure(lines, "idle", () => new Promise((resolve) => setTimeout(resolve, IDLE_MS)));
  const index = await measure(lines, "build", () => VectorIndex.build(built, { dimensions: DIMENSIONS }));
  await measure(lines, "add", () => index.add(values.subarray(ROWS * DIMENSIONS)));
  const bytes = await measure(lines, "toBytes", () => index.toBytes());
  const opened = await measure(lines, "open", () => VectorIndex.open(bytes));
  await measure(lines, "verify", () => opened.verify());
  await measure(lines, "searchExact", () => opened.searchExact(values.subarray(0, DIMENSIONS)));
  for (const one of [index, opened]) await one.close();
  return lines;
}

Object.assign(globalThis, { measureCalls });
