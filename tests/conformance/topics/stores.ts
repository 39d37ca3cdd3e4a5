/** What a store promises to whoever reads parts of it: of every kind that there is here. */
import type { PageRead, PageStore } from "../../../ts/storage/page-store.js";
import { openSink, openStore, type StorageSource, type StorageTarget } from "../../../ts/storage/select.js";
import { equal, ok, rejection, rejects, type Subject, type Test } from "../kit.js";

/** More than two chunks of IndexedDB, and no multiple of anything. */
const SIZE = 700_001;

let count = 0;

/** Byte i follows from i. */
function pattern(size = SIZE, key = 0): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: size }, (_, i) => (Math.imul(i + key, 2654435761) >>> 13) & 255);
}

async function write(target: StorageTarget, bytes: Uint8Array): Promise<void> {
  const sink = await openSink(target, bytes.length);
  for (let at = 0; at < bytes.length; at += 100_000) await sink.write(at, bytes.subarray(at, at + 100_000));
  await sink.commit();
}

/** Puts bytes somewhere. */
type Put = (bytes: Uint8Array<ArrayBuffer>) => Promise<StorageSource>;

function kinds(subject: Subject): Record<string, Put> {
  const { files, server } = subject;
  const all: Record<string, Put> = {
    memory: async (bytes) => ({ kind: "bytes", bytes }),
    blob: async (bytes) => ({ kind: "blob", blob: new Blob([bytes]) }),
  };
  if (files)
    all.file = async (bytes) => {
      const path = files.join(await files.folder(), "a");
      await write({ kind: "path", path }, bytes);
      return { kind: "path", path };
    };
  for (const kind of subject.places ?? [])
    all[kind] = async (bytes) => {
      const place = { kind, name: `store ${count++}` };
      await write(place, bytes);
      return place;
    };
  if (server)
    all.http = async (bytes) => {
      const url = `${server}store-${count++}`;
      await fetch(url, { method: "PUT", body: bytes });
      return { kind: "http", url };
    };
  return all;
}

/** Requests of a round, as a search makes them: short and anywhere, next to each other, twice, overlapping, long, of nothing. */
function round(size: number): PageRead[] {
  const places = [0, 4096, 8192, 8192, 9000, 262_143, 262_144, 524_280, size - 1, 0, 300_000, 17];
  const lengths = [4096, 4096, 4096, 4096, 5000, 1, 65_536, 16, 1, size, 0, 300_000];
  return places.map((offset, i) => ({ offset, into: new Uint8Array(lengths[i] as number) }));
}

function filled(requests: readonly PageRead[], bytes: Uint8Array, what: string): void {
  for (const { offset, into } of requests)
    equal(into, bytes.slice(offset, offset + into.length), `${what}: ${into.length} bytes at ${offset}`);
}

async function reads(store: PageStore, bytes: Uint8Array): Promise<void> {
  equal(store.size, bytes.length, "size");
  const one = round(store.size);
  await store.read(one);
  filled(one, bytes, "a round");
  const many = Array.from({ length: 50 }, (_, i) =>
    Array.from({ length: 4 }, (_, j) => ({
      offset: ((i * 7919 + j * 104_729) * 13) % (SIZE - 4096),
      into: new Uint8Array(4096),
    })),
  );
  await Promise.all(many.map((requests) => store.read(requests)));
  for (const requests of many) filled(requests, bytes, "of many rounds");
  await store.read([]);
  equal(store.readSync !== undefined, store.capabilities.synchronous, "there is a readSync");
  const at = round(store.size);
  store.readSync?.(at);
  if (store.readSync) filled(at, bytes, "at once");
}

export function stores(test: Test, subject: Subject): void {
  for (const [kind, put] of Object.entries(kinds(subject))) {
    test(`a store of kind ${kind} reads at many places at once`, async () => {
      const bytes = pattern();
      const store = await openStore(await put(bytes));
      equal(store.capabilities.kind, kind, "kind");
      await reads(store, bytes);
      const { concurrency, granularity } = store.capabilities;
      ok(concurrency >= 1 && granularity >= 4096, "capabilities");
      await store.close();
    });

    test(`a store of kind ${kind} says when bytes are not there, and goes on`, async () => {
      const bytes = pattern(10_000);
      const store = await openStore(await put(bytes));
      for (const [offset, length] of [
        [10_000, 1],
        [9_990, 11],
        [1e9, 4096],
      ] as const) {
        const into = new Uint8Array(length);
        await rejects(
          () =>
            store.read([
              { offset: 0, into: new Uint8Array(9) },
              { offset, into },
            ]),
          "ERR_IO",
        );
      }
      const into = new Uint8Array(10_000);
      await store.read([{ offset: 0, into }]);
      equal(into, bytes, "bytes");
      await store.close();
    });

    if (kind === "memory") continue;
    test(`a store of kind ${kind} stops at the signal`, async () => {
      const store = await openStore(await put(pattern(10_000)));
      const reason = new Error("enough");
      const into = new Uint8Array(9);
      const error = await rejection(() => store.read([{ offset: 0, into }], AbortSignal.abort(reason)));
      ok(error === reason, `the reason, not ${String(error)}`);
      await store.close();
    });
  }
  for (const kind of subject.places ?? []) replaced(test, kind);
  if (subject.server) faults(test, subject.server);
}

function replaced(test: Test, kind: "opfs" | "idb"): void {
  test(`a store of kind ${kind} that is open while it is replaced: old bytes or an error, never others`, async () => {
    const place = { kind, name: `replaced ${count++}` };
    const [old, next] = [pattern(SIZE, 0), pattern(SIZE + 5, 77)];
    await write(place, old);
    const store = await openStore(place);
    const saved = await write(place, next).then(
      () => undefined,
      (error: { code?: string }) => error.code,
    );
    ok(saved === undefined || saved === "ERR_LOCKED", `saved, or locked, not ${saved}`);
    const requests = round(SIZE);
    const failed = await store.read(requests).then(
      () => undefined,
      (error: { code?: string }) => error.code,
    );
    if (failed === undefined) filled(requests, old, "the old bytes");
    else equal([failed, saved], ["ERR_IO", undefined], "codes");
    await store.close();
    if (saved) await write(place, next);
    const again = await openStore(place);
    await reads(again, next);
    await again.close();
  });

  test(`a sink of kind ${kind} takes bytes in any order`, async () => {
    const place = { kind, name: `order ${count++}` };
    const bytes = pattern();
    const sink = await openSink(place, SIZE);
    for (const at of [300_000, 600_000, 0, 299_000]) await sink.write(at, bytes.slice(at, at + 300_001));
    await sink.sync();
    await sink.write(5, bytes.subarray(5, 10));
    await sink.commit();
    const store = await openStore(place);
    await reads(store, bytes);
    await store.close();
  });
}

function faults(test: Test, base: string): void {
  const opened = async (fault: string): Promise<PageStore> => {
    const url = `${base}faults-${count++}`;
    await fetch(url, { method: "PUT", body: pattern() });
    return openStore({ kind: "http", url: `${url}?fault=${encodeURIComponent(fault)}` });
  };
  const part = (): PageRead[] => [
    { offset: 200_000, into: new Uint8Array(5000) },
    { offset: 600_000, into: new Uint8Array(5000) },
  ];

  test("parts of a file over HTTP: a server that sends none is told from one that compresses", async () => {
    await rejects(() => opened("no ranges"), "ERR_UNSUPPORTED", /range requests/);
    await rejects(() => opened("no length"), "ERR_UNSUPPORTED", /range requests/);
    // Chromium itself refuses to decode a part.
    const { code } = (await rejection(() => opened("compressed"))) as { code?: string };
    ok(code === "ERR_UNSUPPORTED" || code === "ERR_IO", `refused, not ${code}`);
    await rejects(() => opened("broken"), "ERR_IO", /HTTP 500/);
    await rejects(() => openStore({ kind: "http", url: `${base}none` }), "ERR_IO", /HTTP 404/);
  });

  test("parts of a file over HTTP: others than were asked for are errors", async () => {
    await rejects(() => opened("another range"), "ERR_IO", /asked/);
    await rejects(() => opened("another length"), "ERR_IO");
    for (const fault of ["replaced", "replaced, by date"]) {
      const store = await opened(fault);
      await rejects(() => store.read(part()), "ERR_IO", /replaced/);
    }
    const url = `${base}faults-${count++}`;
    await fetch(url, { method: "PUT", body: pattern() });
    const store = await openStore({ kind: "http", url });
    await store.read(part());
    await fetch(url, { method: "PUT", body: pattern(SIZE, 1) });
    await rejects(() => store.read(part()), "ERR_IO", /replaced/);
    await fetch(url, { method: "PUT", body: pattern(1000) });
    await rejects(() => store.read(part()), "ERR_IO");
  });

  test("parts of a file over HTTP: the connection breaks, or nothing comes", async () => {
    const long = (): PageRead[] => [{ offset: 0, into: new Uint8Array(500_000) }];
    const short = await opened("short");
    await rejects(() => short.read(long()), "ERR_IO", /cannot read http/);
    const slow = await opened("slow");
    const requests = long();
    await slow.read(requests);
    filled(requests, pattern(), "slowly");
    const hanging = await opened("hangs");
    const controller = new AbortController();
    const reason = new Error("too slow");
    setTimeout(() => controller.abort(reason), 50);
    await rejection(() => hanging.read(long(), controller.signal));
  });
}
