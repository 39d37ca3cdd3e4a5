/** The order of calls, without an index. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { CallQueue } from "../../ts/core/call-queue.js";

/** A call that takes its turn and reports it. */
class Caller {
  state: "waiting" | "running" | "ended" | "failed" = "waiting";
  error: unknown;
  readonly #queue: CallQueue;

  constructor(queue: CallQueue, write: boolean, signal?: AbortSignal) {
    this.#queue = queue;
    queue.enter(write, signal).then(
      () => {
        this.state = "running";
      },
      (error: unknown) => {
        this.state = "failed";
        this.error = error;
      },
    );
  }

  end(): void {
    this.state = "ended";
    this.#queue.leave();
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const states = (callers: readonly Caller[]): string => callers.map((caller) => caller.state[0]).join("");

test("reads run side by side, a write waits for them and holds what follows", async () => {
  const queue = new CallQueue();
  const calls = [false, false, true, false, true, false, false].map((write) => new Caller(queue, write));
  await turn();
  expect(states(calls)).toBe("rrwwwww");
  expect(queue.tryRead()).toBe(false);
  calls[1]?.end();
  await turn();
  expect(states(calls)).toBe("rewwwww");
  calls[0]?.end();
  await turn();
  expect(states(calls)).toBe("eerwwww");
  expect(queue.writing).toBe(true);
  calls[2]?.end();
  await turn();
  expect(states(calls)).toBe("eeerwww");
  calls[3]?.end();
  await turn();
  calls[4]?.end();
  await turn();
  expect(states(calls)).toBe("eeeeerr");
  expect(queue.tryRead()).toBe(true);
});

test("a waiting call that is aborted is passed over, also when it was all that held the others", async () => {
  const queue = new CallQueue();
  const controller = new AbortController();
  const calls = [
    new Caller(queue, false),
    new Caller(queue, true, controller.signal),
    new Caller(queue, false),
    new Caller(queue, false),
  ];
  await turn();
  expect(states(calls)).toBe("rwww");
  controller.abort("enough");
  await turn();
  expect(states(calls)).toBe("rfrr");
  expect(calls[1]?.error).toBe("enough");
});

test("close rejects what waits, resolves when the rest has ended, and is one promise", async () => {
  const queue = new CallQueue();
  const calls = [new Caller(queue, true), new Caller(queue, false), new Caller(queue, true)];
  await turn();
  let closed = false;
  const closing = queue.close().then(() => {
    closed = true;
  });
  expect(queue.close()).toBe(queue.close());
  await turn();
  expect([states(calls), closed]).toEqual(["rff", false]);
  expect(calls[1]?.error).toMatchObject({ code: "ERR_CLOSED" });
  calls[0]?.end();
  await closing;
  await expect(queue.enter(false, undefined)).rejects.toMatchObject({ code: "ERR_CLOSED" });
  expect(queue.tryRead()).toBe(false);
});

test("100,000 waiting calls take their turns in linear time", async () => {
  const queue = new CallQueue();
  const first = new Caller(queue, true);
  const order: number[] = [];
  const waiting = Array.from({ length: 100_000 }, (_, i) =>
    queue.enter(true, undefined).then(() => {
      order.push(i);
      queue.leave();
    }),
  );
  await turn();
  first.end();
  await Promise.all(waiting);
  expect(order.every((value, i) => value === i)).toBe(true);
});

test("whatever happens: one write or any reads at a time, in order of the calls", async () => {
  const event = fc.oneof(
    fc.record({ kind: fc.constant("call" as const), write: fc.boolean() }),
    fc.record({ kind: fc.constant("end" as const), which: fc.nat() }),
    fc.record({ kind: fc.constant("abort" as const), which: fc.nat() }),
  );
  const property = fc.asyncProperty(fc.array(event, { maxLength: 60 }), async (events) => {
    const queue = new CallQueue();
    const calls: { write: boolean; caller: Caller; controller: AbortController }[] = [];
    for (const one of events) {
      if (one.kind === "call") {
        const controller = new AbortController();
        calls.push({ write: one.write, controller, caller: new Caller(queue, one.write, controller.signal) });
      } else if (one.kind === "end") {
        const running = calls.filter(({ caller }) => caller.state === "running");
        running[one.which % Math.max(1, running.length)]?.caller.end();
      } else {
        calls[one.which % Math.max(1, calls.length)]?.controller.abort("enough");
      }
      await turn();
      const running = calls.filter(({ caller }) => caller.state === "running");
      if (running.some(({ write }) => write)) expect(running.length).toBe(1);
      // Nothing waits that could run: the first that waits is held by what runs.
      const firstWaiting = calls.findIndex(({ caller }) => caller.state === "waiting");
      if (firstWaiting < 0) continue;
      const held = running.length > 0 && (calls[firstWaiting]?.write || running[0]?.write);
      expect(held).toBe(true);
      // Nothing overtakes it.
      expect(running.every((call) => calls.indexOf(call) < firstWaiting)).toBe(true);
    }
  });
  await fc.assert(property, { numRuns: 300, seed: 23 });
});
