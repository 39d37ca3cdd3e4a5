/**
 * How long the event loop of Node waits while calls of ours run: a process of its own that prints JSON. A timer of 1 ms
 * samples the delay; while nothing runs it shows what the machine does to it anyway.
 */
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { generate } from "../support/generate.js";

const ROWS = 30_000;
const DIMENSIONS = 128;
const PHASES = ["idle", "build", "add", "save"] as const;

export interface EventDelay {
  readonly phase: (typeof PHASES)[number];
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
  readonly samples: number;
}

interface Index {
  add(vectors: Float32Array): Promise<unknown>;
  save(path: string): Promise<void>;
  close(): Promise<void>;
}
interface Diskann {
  readonly VectorIndex: {
    create(options: object): Promise<Index>;
    build(vectors: Float32Array, options: object): Promise<Index>;
  };
}

const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

async function watch(phase: EventDelay["phase"], work: () => Promise<unknown>): Promise<EventDelay> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  globalThis.gc?.();
  await pause(50);
  delay.enable();
  await work();
  // A delay at the very end is seen one tick later.
  await pause(20);
  delay.disable();
  const at = (percentile: number) => delay.percentile(percentile) / 1e6;
  return { phase, p50: at(50), p99: at(99), p999: at(99.9), max: delay.max / 1e6, samples: delay.count };
}

async function main(): Promise<void> {
  const entry = "diskann/native";
  const { VectorIndex } = (await import(entry)) as Diskann;
  const values = generate({ shape: "image", dimensions: DIMENSIONS, rows: ROWS });
  const options = { dimensions: DIMENSIONS, threads: 1 };
  const path = join(tmpdir(), `diskann-event-delay-${process.pid}.index`);
  const warm = await VectorIndex.build(values.subarray(0, 100 * DIMENSIONS), options);
  await warm.close();

  const idle = await watch("idle", () => pause(3000));
  let built: Index | undefined;
  const build = await watch("build", async () => {
    built = await VectorIndex.build(values, options);
  });
  const empty = await VectorIndex.create(options);
  const add = await watch("add", () => empty.add(values));
  // A save is over in milliseconds: ten of them, so that there is something to sample.
  const save = await watch("save", async () => {
    for (let i = 0; i < 10; i++) {
      await built?.save(path);
    }
  });
  rmSync(path, { force: true });
  await built?.close();
  await empty.close();
  process.stdout.write(`${JSON.stringify([idle, build, add, save])}\n`);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
