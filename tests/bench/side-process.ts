/** The process of one side: holds its index and does what it is told, one order at a time. */
import { join, sep } from "node:path";
import { pathToFileURL } from "node:url";
import type { Answer, Order, StartOrder } from "./messages.js";
import { loadSet } from "./sets.js";
import {
  makeDiskann,
  makeDiskannF16,
  makeDiskannI8,
  makeDiskannL48,
  makeDiskannU8,
  makeDiskannWasm,
} from "./sides/diskann.js";
import { makeEdgevec } from "./sides/edgevec.js";
import { makeHnswlibNode } from "./sides/hnswlib-node.js";
import { makeHnswlibWasm } from "./sides/hnswlib-wasm.js";
import type { MakeSide, Side, SideName } from "./sides/side.js";
import { makeUsearch, makeUsearchF16 } from "./sides/usearch.js";
import { makeZvec } from "./sides/zvec.js";

const MAKERS: Readonly<Record<SideName, MakeSide>> = {
  diskann: makeDiskann,
  "diskann-l48": makeDiskannL48,
  "diskann-u8": makeDiskannU8,
  "diskann-f16": makeDiskannF16,
  "diskann-i8": makeDiskannI8,
  "diskann-wasm": makeDiskannWasm,
  // What drives a browser is loaded by the side that needs it.
  "diskann-chromium": async (context) => (await import("./sides/chromium.js")).makeChromium(context),
  usearch: makeUsearch,
  "usearch-f16": makeUsearchF16,
  "hnswlib-node": makeHnswlibNode,
  zvec: makeZvec,
  "hnswlib-wasm": makeHnswlibWasm,
  edgevec: makeEdgevec,
};

/** Memory of the process once what is garbage is gone, and gone back to the system; main.ts starts us with --expose-gc. */
async function settledMemory(): Promise<number> {
  let last = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 30; i++) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 100));
    const now = process.memoryUsage.rss();
    if (i >= 4 && last - now < 2 ** 18) {
      return now;
    }
    last = now;
  }
  return last;
}

/** Time on the clock, and time of CPU of all threads, which what else the machine does changes less. */
async function timed<T>(
  work: () => T | Promise<T>,
): Promise<{ result: T; seconds: number; cpuSeconds: number }> {
  const cpu = process.cpuUsage();
  const start = performance.now();
  const result = await work();
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return { result, seconds, cpuSeconds: (user + system) / 1e6 };
}

class SideProcess {
  readonly #side: Side;
  readonly #queries: number;

  private constructor(side: Side, queries: number) {
    this.#side = side;
    this.#queries = queries;
  }

  static async start(start: StartOrder): Promise<SideProcess> {
    const data = loadSet(start.set);
    const importer = pathToFileURL(join(start.peers, "import.mjs")).href;
    const side = await MAKERS[start.side]({
      data,
      threads: start.threads,
      folder: start.folder,
      fixedList: start.fixedList,
      peer: async (name) =>
        ((await import(importer)) as { importPeer: (name: string) => unknown }).importPeer(name),
      peerFolder: (name) => join(start.peers, "node_modules", ...name.split("/")) + sep,
    });
    await side.prepare();
    return new SideProcess(side, data.queries.rows);
  }

  get traits(): NonNullable<Answer["started"]> {
    return { note: this.#side.note, fixed: this.#side.fixed ?? false };
  }

  async build(): Promise<Answer> {
    const before = await settledMemory();
    const { seconds, cpuSeconds } = await timed(() => this.#side.build());
    const memory = (await settledMemory()) - before;
    const file = await this.#side.save();
    const seen = this.#side.elsewhere
      ? { cpuSeconds: Number.NaN, memory: Number.NaN }
      : { cpuSeconds, memory };
    return { built: { seconds, ...seen, file } };
  }

  async pass(list: number, wantIds: boolean): Promise<Answer> {
    await this.#side.setList(list);
    globalThis.gc?.();
    const { result, ...outside } = await timed(() => this.#side.searchAll());
    const seconds = this.#side.seconds?.(result) ?? outside.seconds;
    const cpuSeconds = this.#side.elsewhere ? Number.NaN : outside.cpuSeconds;
    return { pass: { seconds, cpuSeconds, ids: wantIds ? this.#side.ids(result) : undefined } };
  }

  async latency(list: number): Promise<Answer> {
    await this.#side.setList(list);
    if (this.#side.latencies !== undefined) {
      return { latency: await this.#side.latencies() };
    }
    const latency = new Float64Array(this.#queries);
    for (let query = 0; query < this.#queries; query++) {
      const start = performance.now();
      const hits = this.#side.searchOne(query);
      if (hits instanceof Promise) {
        await hits;
      }
      latency[query] = (performance.now() - start) * 1e6;
    }
    return { latency };
  }

  async close(): Promise<void> {
    await this.#side.close?.();
  }
}

let side: SideProcess | undefined;

async function obey(order: Order): Promise<Answer> {
  if (order.order === "start") {
    side = await SideProcess.start(order.start);
    return { started: side.traits };
  }
  if (side === undefined) {
    throw new Error("not started");
  }
  switch (order.order) {
    case "build":
      return side.build();
    case "pass":
      return side.pass(order.list, order.ids);
    case "latency":
      return side.latency(order.list);
  }
}

process.on("message", (order: Order) => {
  obey(order).then(
    (answer) => process.send?.(answer),
    (error: unknown) =>
      process.send?.({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
});
process.on("disconnect", () => void (side?.close() ?? Promise.resolve()).finally(() => process.exit(0)));
