/** open and save by address: `opfs:`, `idb:`, `http:`, where the runtime has them. */
import {
  equal,
  type Index,
  ids,
  ok,
  rejection,
  rejects,
  type Subject,
  type Test,
  withIndex,
} from "../kit.js";
import { sample } from "../model.js";

const D = 12;
const ROWS = 4000;
const CHEAP = { dimensions: D, maxDegree: 8, buildListSize: 12 } as const;

let count = 0;

async function reopened(subject: Subject, place: string | URL, index: Index): Promise<void> {
  const again = await subject.VectorIndex.open(place);
  equal(await again.toBytes(), await index.toBytes(), "bytes");
  const query = sample(1, D, 1);
  equal(await again.search(query), await index.search(query), "answers");
  await again.close();
}

/** Stops at the first progress of writing. */
function stopWriting(): {
  signal: AbortSignal;
  onProgress: (event: { phase: string }) => void;
  reason: Error;
} {
  const controller = new AbortController();
  const reason = new Error("enough");
  const onProgress = ({ phase }: { phase: string }): void => {
    if (phase === "write") controller.abort(reason);
  };
  return { signal: controller.signal, onProgress, reason };
}

export function places(test: Test, subject: Subject): void {
  const { VectorIndex } = subject;
  for (const scheme of ["opfs", "idb"] as const) {
    if (subject.places?.includes(scheme)) browserPlace(test, subject, scheme);
    else
      test(`${scheme}: is refused where it is not`, async () => {
        await rejects(() => VectorIndex.open(`${scheme}:a`), "ERR_UNSUPPORTED", /bytes/);
        await withIndex(subject, { dimensions: 1 }, (index) =>
          rejects(() => index.save(new URL(`${scheme}:a`)), "ERR_UNSUPPORTED", /toBytes/).then(() => {}),
        );
      });
  }
  if (subject.places) anyPlace(test, subject);
  else
    test("browser: is refused where it is not", async () => {
      await rejects(() => VectorIndex.open("browser:a"), "ERR_UNSUPPORTED", /path/);
    });
  test("names that lead nowhere are refused", async () => {
    await withIndex(subject, { dimensions: 1 }, async (index) => {
      for (const place of ["opfs:", "opfs:/", "opfs:/a//b", "opfs:a/../b", "opfs:/a/", "idb:", "browser:/"]) {
        await rejects(() => VectorIndex.open(place), "ERR_INVALID_ARGUMENT", /cannot open .*write/);
        await rejects(() => index.save(place), "ERR_INVALID_ARGUMENT", /cannot save .*write/);
      }
      await rejects(() => VectorIndex.open(new URL("idb:%ff")), "ERR_INVALID_ARGUMENT", /address/);
      await rejects(() => index.save("https://example.org/a"), "ERR_UNSUPPORTED", /toBytes/);
      await rejects(() => VectorIndex.open("ftp://example.org/a"), "ERR_UNSUPPORTED", /arrayBuffer/);
    });
  });
  if (subject.server) overHttp(test, subject, subject.server);
}

/** Without something of the page's, while `body` runs. */
async function without(object: object, name: string, body: () => Promise<void>): Promise<void> {
  const own = Object.getOwnPropertyDescriptor(object, name);
  Object.defineProperty(object, name, { value: undefined, configurable: true });
  try {
    await body();
  } finally {
    if (own) Object.defineProperty(object, name, own);
    else Reflect.deleteProperty(object, name);
  }
}

function anyPlace(test: Test, subject: Subject): void {
  const { VectorIndex } = subject;
  const rows = sample(500, D);

  async function kept(index: Index, kind: string): Promise<void> {
    const place = `browser:any ${subject.name} ${kind}`.replaceAll("/", "-");
    await rejects(() => VectorIndex.open(place), "ERR_IO", /cannot read/);
    await index.save(place);
    equal(index.stats().storage?.kind, kind, "saved to");
    const again = await VectorIndex.open(place);
    const { storage } = again.stats();
    equal(storage?.kind, kind, "opened from");
    if (kind !== "memory") {
      equal([typeof storage?.persisted, typeof storage?.quota], ["boolean", "number"], "what is told");
      ok((storage?.usage ?? 0) > 0, "something is used");
    }
    await again.close();
    await reopened(subject, place, index);
    equal((await VectorIndex.import(place, `${place} copy`)).resumed, 0);
    await reopened(subject, `${place} copy`, index);
  }

  test("browser: is OPFS, else IndexedDB, else memory; stats tell which, and what the browser says of it", async () => {
    await withIndex(subject, { ...CHEAP, rows }, async (index) => {
      equal(index.stats().storage, undefined, "of no place");
      await kept(index, "opfs");
      await without(navigator.storage, "getDirectory", () => kept(index, "idb"));
      await without(navigator.storage, "getDirectory", () =>
        without(globalThis, "indexedDB", () => kept(index, "memory")),
      );
      const bytes = await VectorIndex.open(await index.toBytes());
      equal(bytes.stats().storage?.kind, "memory");
      await bytes.close();
    });
  });
}

function browserPlace(test: Test, subject: Subject, scheme: "opfs" | "idb"): void {
  const { VectorIndex } = subject;
  const rows = sample(ROWS, D);
  const some = { ...CHEAP, rows: rows.subarray(0, 500 * D) };
  const own = `${subject.name.replaceAll("/", "-")} ü%20`;
  const fresh = (): string => `${scheme}:${scheme === "opfs" ? "/folder/" : ""}${own} ${count++}`;

  test(`${scheme}: what is saved is opened, and replaced by the next save`, async () => {
    const place = fresh();
    await withIndex(subject, { ...CHEAP, rows }, async (index) => {
      await index.save(place);
      await reopened(subject, place, index);
      await index.add(rows.subarray(0, 700 * D));
      await index.save(place);
      await reopened(subject, place, index);
      await withIndex(subject, some, async (smaller) => {
        await smaller.save(place);
        await reopened(subject, place, smaller);
      });
    });
  });

  test(`${scheme}: a URL names what its text names; names are apart`, async () => {
    const name = `url ${count++} ä`;
    await withIndex(subject, some, async (one) => {
      await one.save(new URL(`${scheme}:/${encodeURIComponent(name)}`));
      await withIndex(subject, { dimensions: 3 }, async (empty) => {
        await empty.save(`${scheme}:/${name} too`);
        await reopened(subject, `${scheme}:/${name}`, one);
        const again = await VectorIndex.open(`${scheme}:/${name} too`);
        equal([again.size, again.dimensions], [0, 3]);
        await again.close();
      });
    });
  });

  test(`${scheme}: what is not there is ERR_IO, and is not made by looking for it`, async () => {
    const place = fresh();
    for (let i = 0; i < 2; i++) {
      const error = await rejects(() => VectorIndex.open(place), "ERR_IO", /cannot read/);
      ok(error.message.includes(place.slice(scheme.length + 1)), "the place is named");
    }
  });

  test(`${scheme}: a save that is stopped leaves what was there, or nothing`, async () => {
    const [first, second] = [fresh(), fresh()];
    await withIndex(subject, { ...CHEAP, rows }, async (index) => {
      await withIndex(subject, some, async (old) => {
        await old.save(first);
        for (const place of [first, second, first]) {
          const { reason, ...options } = stopWriting();
          equal(await rejection(() => index.save(place, options)), reason, "the reason");
        }
        await reopened(subject, first, old);
        await rejects(() => VectorIndex.open(second), "ERR_IO");
      });
      await index.save(second);
      await reopened(subject, second, index);
    });
  });

  test(`${scheme}: of saves at once to one place one is done, the others are ERR_LOCKED`, async () => {
    const place = fresh();
    const all = await Promise.all(
      [1, 2, 3].map((n) => VectorIndex.build(rows.subarray(0, 1000 * n * D), CHEAP)),
    );
    const settled = await Promise.allSettled(all.map((index) => index.save(place)));
    const failed = settled.flatMap((one) =>
      one.status === "rejected" ? [one.reason as { code?: string }] : [],
    );
    equal(
      failed.map(({ code }) => code),
      failed.map(() => "ERR_LOCKED"),
      "codes",
    );
    const done = settled.findIndex((one) => one.status === "fulfilled");
    ok(done >= 0, "one is done");
    const again = await VectorIndex.open(place);
    equal((await again.verify()).ok, true, "whole");
    await all[0]?.save(place);
    await reopened(subject, place, all[0] as Index);
    await Promise.all([again, ...all].map((index) => index.close()));
  });

  test(`${scheme}: many open it at once`, async () => {
    const place = fresh();
    await withIndex(subject, some, async (index) => {
      await index.save(place);
      await Promise.all(Array.from({ length: 4 }, () => reopened(subject, place, index)));
      await index.save(place);
    });
  });

  test(`${scheme}: progress moves with the bytes`, async () => {
    const place = fresh();
    await withIndex(subject, { ...CHEAP, rows: sample(20_000, D) }, async (index) => {
      await index.save(place);
      await readsInSteps(subject, place, index.stats().layout.fileBytes);
    });
  });
}

/** Several steps, up to all of it. They are told only so often: a fast place may show the first and the last. */
async function readsInSteps(subject: Subject, place: string, bytes: number, least = 2): Promise<void> {
  const read: number[] = [];
  const again = await subject.VectorIndex.open(place, {
    onProgress: ({ phase, done, total }) => {
      if (phase === "read") {
        read.push(done);
        equal(total, bytes, "total");
      }
    },
  });
  await again.close();
  ok(read.length >= least, `${read.length} steps: ${read.join(", ")}`);
  equal([read.at(-1), [...read].sort((a, b) => a - b)], [bytes, read], "steps");
}

function overHttp(test: Test, subject: Subject, base: string): void {
  const { VectorIndex } = subject;
  const rows = sample(ROWS, D);

  /** Puts an index there; says where it is. */
  async function put(index: Index): Promise<(fault?: string) => string> {
    const url = `${base}${encodeURIComponent(subject.name)}-${count++}`;
    await fetch(url, { method: "PUT", body: (await index.toBytes()) as BodyInit });
    return (fault) => (fault ? `${url}?fault=${encodeURIComponent(fault)}` : url);
  }

  test("an index is opened by its URL, from servers of every kind", async () => {
    await withIndex(subject, { ...CHEAP, rows }, async (index) => {
      const place = await put(index);
      await reopened(subject, new URL(place()), index);
      for (const fault of ["none", "no ranges", "no length", "compressed", "slow", "replaced"])
        await reopened(subject, place(fault), index);
    });
  });

  test("what a server does not send, or not to its end, is ERR_IO with the URL", async () => {
    await withIndex(subject, { ...CHEAP, rows }, async (index) => {
      const place = await put(index);
      await rejects(() => VectorIndex.open(`${base}no-such`), "ERR_IO", /no-such: HTTP 404/);
      await rejects(() => VectorIndex.open(place("broken")), "ERR_IO", /HTTP 500/);
      await rejects(() => VectorIndex.open(place("short")), "ERR_IO", /cannot read http/);
      await rejects(() => VectorIndex.open("http://127.0.0.1:1/a"), "ERR_IO", /127\.0\.0\.1:1/);
      await rejects(() => VectorIndex.open("http://"), "ERR_IO", /cannot read/);
    });
  });

  test("a download that hangs is stopped by the signal", async () => {
    await withIndex(subject, { ...CHEAP, rows }, async (index) => {
      const place = await put(index);
      for (const fault of ["hangs", "slow"]) {
        const controller = new AbortController();
        const reason = new Error("too slow");
        setTimeout(() => controller.abort(reason), 50);
        const { signal } = controller;
        equal(await rejection(() => VectorIndex.open(place(fault), { signal })), reason, "the reason");
      }
      equal(ids(await index.search(rows.subarray(0, D), { k: 1 })), [0], "it goes on");
    });
  });

  test("progress moves with the bytes of a download", async () => {
    await withIndex(subject, { ...CHEAP, rows: sample(20_000, 12) }, async (index) => {
      const place = await put(index);
      await readsInSteps(subject, place("slow"), index.stats().layout.fileBytes, 3);
    });
  });
}
