/** AbortSignal and onProgress: at the start, half way, too late, and callbacks that misbehave. */
import { equal, type Index, ok, rejects, type Subject, settle, type Test, withIndex } from "../kit.js";
import { sample } from "../model.js";

const D = 16;
const ROWS = 3000;
const CHEAP = { dimensions: D, maxDegree: 8, buildListSize: 12 } as const;

interface Event {
  readonly phase: string;
  readonly done: number;
  readonly total: number;
}

type Long = readonly [
  string,
  (index: Index, options: { signal?: AbortSignal; onProgress?: (event: Event) => void }) => Promise<unknown>,
];

/** Calls that take a signal, on an index of some rows. */
const ABORTABLE: readonly Long[] = [
  ["add", (index, options) => index.add(sample(10, D, 1), options)],
  ["search", (index, { signal }) => index.search(sample(1, D, 1), { signal })],
  ["searchBatch", (index, { signal }) => index.searchBatch(sample(10, D, 1), { signal })],
  ["searchExact", (index, { signal }) => index.searchExact(sample(1, D, 1), { signal })],
  ["toBytes", (index, options) => index.toBytes(options)],
  ["verify", (index, options) => index.verify(options)],
  ["save", (index, options) => index.save(sink(), options)],
];

/** Of those, the ones that report progress. */
const REPORTING = ABORTABLE.filter(([name]) => !name.startsWith("search"));

function sink() {
  const stream = { write: async () => {}, close: async () => {}, abort: async () => {} };
  return { kind: "file" as const, getFile: async () => new Blob([]), createWritable: async () => stream };
}

async function reasonOf(call: () => Promise<unknown>): Promise<unknown> {
  return call().then(
    () => "resolved",
    (error: unknown) => error,
  );
}

export function control(test: Test, subject: Subject): void {
  const { VectorIndex } = subject;
  const rows = sample(ROWS, D);

  for (const reason of [new Error("mine"), "text", undefined, 0, null]) {
    const name = reason instanceof Error ? "an Error" : JSON.stringify(reason);
    test(`an aborted signal: every call rejects with its reason, ${name}`, async () => {
      const signal = reason === undefined ? AbortSignal.abort() : AbortSignal.abort(reason);
      await withIndex(subject, { ...CHEAP, rows: rows.subarray(0, 100 * D) }, async (index) => {
        const before = await index.toBytes();
        for (const [method, call] of ABORTABLE) {
          ok(
            Object.is(await reasonOf(() => call(index, { signal })), signal.reason),
            `${method}: the reason`,
          );
        }
        equal(await index.toBytes(), before, "bytes");
        const bytes = before;
        ok(
          Object.is(await reasonOf(() => VectorIndex.open(bytes, { signal })), signal.reason),
          "open: the reason",
        );
        const build = () => VectorIndex.build(rows, { ...CHEAP, signal });
        ok(Object.is(await reasonOf(build), signal.reason), "build: the reason");
      });
    });
  }

  test("build: progress goes up in known phases, and an abort half way rejects with the reason", async () => {
    const events: Event[] = [];
    const index = await VectorIndex.build(rows, { ...CHEAP, onProgress: (event) => events.push(event) });
    await index.close();
    ok(events.length > 0, "it reports");
    for (const { phase, done, total } of events) {
      ok(["read", "validate", "link", "order"].includes(phase), `phase ${phase}`);
      ok(done >= 0 && done <= total, `${phase}: ${done} of ${total}`);
    }
    for (const phase of new Set(events.map((event) => event.phase))) {
      const done = events.filter((event) => event.phase === phase).map((event) => event.done);
      equal(
        done,
        [...done].sort((a, b) => a - b),
        `${phase} goes up`,
      );
    }
    let aborted = false;
    for (let attempt = 0; attempt < 20 && !aborted; attempt++) aborted = await abortBuild();
    ok(aborted, "not one build was aborted");
  });

  /* True if the abort, sent at the first progress, came in time; a thread beside this one may be done before it arrives. */
  async function abortBuild(): Promise<boolean> {
    const controller = new AbortController();
    const reason = new Error("enough");
    let after = 0;
    const onProgress = (): void => {
      if (controller.signal.aborted) after++;
      controller.abort(reason);
    };
    const result = await VectorIndex.build(rows, { ...CHEAP, signal: controller.signal, onProgress }).catch(
      (error: unknown) => error,
    );
    equal(after, 0, "no progress after the abort");
    if (result === reason) return true;
    ok(!(result instanceof Error), `the reason, not ${String(result)}`);
    await (result as Index).close();
    return false;
  }

  /* As abortBuild. */
  async function abortAdd(index: Index): Promise<boolean> {
    const controller = new AbortController();
    const reason = new Error("enough");
    const onProgress = ({ phase, done }: Event): void => {
      if (phase === "link" && done > 0) controller.abort(reason);
    };
    const result = await index
      .add(rows.subarray(500 * D), { signal: controller.signal, onProgress })
      .catch((error: unknown) => error);
    if (Array.isArray(result)) {
      equal([result.length, index.size], [2500, ROWS], "all rows");
      return false;
    }
    ok(result === reason, `the reason, not ${String(result)}`);
    const { added } = reason as Error & { added?: number };
    ok(Number.isInteger(added) && (added as number) >= 0 && (added as number) < 2500, `added ${added}`);
    const size = 500 + (added as number);
    equal([index.size, index.stats().size], [size, size], "size");
    equal(await index.verify(), { ok: true, errors: [] }, "verify");
    if (added)
      equal(await index.get(size - 1), rows.slice((size - 1) * D, size * D), "the last row that stayed");
    equal([await index.has(size - 1), await index.has(size)], [true, false], "the rows that stayed");
    equal((await index.add(rows.subarray(size * D)))[0], size, "it goes on where it stopped");
    equal([index.size, (await index.verify()).ok], [ROWS, true]);
    return true;
  }

  test("an add aborted half way: whole batches stay, the reason says how many, and it can go on", async () => {
    let aborted = false;
    for (let attempt = 0; attempt < 20 && !aborted; attempt++) {
      await withIndex(subject, { dimensions: D, rows: rows.subarray(0, 500 * D) }, async (index) => {
        aborted = await abortAdd(index);
      });
    }
    ok(aborted, "not one add was aborted");
  });

  test("an abort of a call that waits removes it at once, and those behind it go on", async () => {
    await withIndex(subject, { ...CHEAP, rows: rows.subarray(0, 500 * D) }, async (index) => {
      const first = index.add(rows.subarray(500 * D, 1000 * D));
      const controllers = ABORTABLE.map(() => new AbortController());
      const waiting = ABORTABLE.map(([, call], i) =>
        reasonOf(() => call(index, { signal: controllers[i]?.signal as AbortSignal })),
      );
      const behind = index.search(rows.subarray(0, D), { k: 1 });
      for (const [i, controller] of controllers.entries()) controller.abort(i);
      equal(await Promise.all(waiting), [...controllers.keys()], "reasons");
      equal((await first).length, 500, "the call before them");
      equal((await behind)[0]?.id, 0, "the call behind them");
      equal(index.size, 1000, "size");
    });
  });

  test("an abort while a call is under way: its reason or its whole answer, and the index goes on", async () => {
    await withIndex(subject, { ...CHEAP, rows }, async (index) => {
      let before = await index.toBytes();
      for (const [name, call] of ABORTABLE) {
        for (const delay of [0, 1, 3]) {
          const controller = new AbortController();
          const reason = new Error(`${name} ${delay}`);
          setTimeout(() => controller.abort(reason), delay);
          const result = await call(index, { signal: controller.signal }).catch((error: unknown) => error);
          ok(result === reason || !(result instanceof Error), `${name}: ${String(result)}`);
          const after = await index.toBytes();
          if (name !== "add") equal(after, before, `bytes after ${name}`);
          before = after;
        }
        equal((await index.verify()).ok, true, `verify after ${name}`);
      }
    });
  });

  test("open and build, aborted while they are under way", async () => {
    const whole = await VectorIndex.build(rows, CHEAP);
    const bytes = await whole.toBytes();
    await whole.close();
    for (const delay of [0, 1, 3, 10]) {
      for (const make of [
        (signal: AbortSignal) => VectorIndex.open(bytes, { signal }),
        (signal: AbortSignal) => VectorIndex.open(new Blob([bytes as BlobPart]), { signal }),
        (signal: AbortSignal) => VectorIndex.build(rows, { ...CHEAP, signal }),
      ]) {
        const controller = new AbortController();
        const reason = new Error("enough");
        setTimeout(() => controller.abort(reason), delay);
        const result = await make(controller.signal).catch((error: unknown) => error);
        if (result instanceof Error) {
          ok(result === reason, `the reason, not ${String(result)}`);
          continue;
        }
        const index = result as Index;
        equal(await index.toBytes(), bytes, "bytes");
        await index.close();
      }
    }
  });

  test("an abort after the end changes nothing", async () => {
    await withIndex(subject, { ...CHEAP, rows: rows.subarray(0, 200 * D) }, async (index) => {
      for (const [name, call] of ABORTABLE) {
        const controller = new AbortController();
        await call(index, { signal: controller.signal });
        controller.abort();
        await settle();
        equal((await index.search(rows.subarray(0, D), { k: 1 }))[0]?.id, 0, name);
      }
      equal((await index.verify()).ok, true, "verify");
    });
  });

  test("listeners do not pile up on a signal that serves many calls", async () => {
    let listeners = 0;
    const signal = new AbortController().signal;
    const counted = {
      get aborted() {
        return signal.aborted;
      },
      get reason(): unknown {
        return signal.reason;
      },
      addEventListener: () => {
        listeners++;
      },
      removeEventListener: () => {
        listeners--;
      },
    };
    await withIndex(subject, { ...CHEAP, rows: rows.subarray(0, 200 * D) }, async (index) => {
      for (let i = 0; i < 3; i++) {
        await Promise.all(
          ABORTABLE.map(([, call]) => call(index, { signal: counted as unknown as AbortSignal })),
        );
      }
      await settle();
      equal(listeners, 0, "listeners left");
    });
  });

  for (const [name, call] of REPORTING) {
    test(`${name}: a progress callback that throws rejects the call with its error`, async () => {
      const mine = new Error("mine");
      await withIndex(subject, { ...CHEAP, rows }, async (index) => {
        let calls = 0;
        const onProgress = (): void => {
          calls++;
          throw mine;
        };
        const result = await reasonOf(() => call(index, { onProgress }));
        if (calls === 0) return;
        ok(result === mine, `the callback's error, not ${String(result)}`);
        equal(calls, 1, "called once");
        equal((await index.verify()).ok, true, "verify");
      });
    });
  }

  test("build and open: a progress callback that throws, also later, rejects with its error", async () => {
    const mine = new Error("mine");
    const throwing = (): void => {
      throw mine;
    };
    ok((await reasonOf(() => VectorIndex.build(rows, { ...CHEAP, onProgress: throwing }))) === mine, "build");
    const rejecting = (async () => {
      throw mine;
    }) as unknown as () => void;
    const result = await reasonOf(() => VectorIndex.build(rows, { ...CHEAP, onProgress: rejecting }));
    ok(result === mine, "a callback that is async");
    await withIndex(subject, { ...CHEAP, rows }, async (index) => {
      const bytes = await index.toBytes();
      let calls = 0;
      const counting = (): void => {
        calls++;
        throw mine;
      };
      const opened = await reasonOf(() => VectorIndex.open(bytes, { onProgress: counting }));
      ok(calls === 0 || opened === mine, "open");
    });
  });

  test("a callback or signal of the wrong kind is refused", async () => {
    await withIndex(subject, { ...CHEAP, rows: rows.subarray(0, 10 * D) }, async (index) => {
      for (const onProgress of [null, 3, "x", {}]) {
        for (const [, call] of REPORTING) {
          await rejects(
            () => call(index, { onProgress: onProgress as never }),
            "ERR_INVALID_ARGUMENT",
            /onProgress/,
          );
        }
      }
      for (const signal of [null, 3, {}, new AbortController()]) {
        for (const [, call] of ABORTABLE) {
          await rejects(() => call(index, { signal: signal as never }), "ERR_INVALID_ARGUMENT", /signal/);
        }
      }
    });
  });

  test("an async sequence that never ends is freed by an abort", async () => {
    let returned = 0;
    const endless: AsyncIterable<number[]> = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise(() => {}),
        return: async () => {
          returned++;
          return { done: true, value: undefined };
        },
      }),
    };
    await withIndex(subject, { dimensions: 1 }, async (index) => {
      const controller = new AbortController();
      const adding = reasonOf(() => index.add(endless, { signal: controller.signal }));
      const behind = index.search([1]);
      await settle();
      controller.abort("enough");
      equal(await adding, "enough", "the reason");
      equal([await behind, returned, index.size], [[], 1, 0]);
    });
  });

  test("long calls give way: timers run while they are under way", async () => {
    await withIndex(subject, { dimensions: D, rows: sample(200, D) }, async (index) => {
      let turns = 0;
      let running = true;
      const count = (): void => {
        turns++;
        if (running) setTimeout(count, 0);
      };
      setTimeout(count, 0);
      await index.add(rows);
      running = false;
      ok(turns >= 3, `only ${turns} turns of the event loop during an add of ${ROWS} rows`);
    });
  });
}
