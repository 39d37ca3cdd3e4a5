/** import: bytes of an index to a place, checked on the way; downloads that break off and go on. */
import type { BlobLike, IndexSource } from "../../../ts/core/types.js";
import { equal, type Index, ok, rejection, rejects, type Subject, type Test, withIndex } from "../kit.js";
import { sample } from "../model.js";

const D = 12;
const CHEAP = { dimensions: D, maxDegree: 8, buildListSize: 12 } as const;
const SUPERBLOCK_BYTES = 4096;

let count = 0;

/** Places to import to. */
function targets(subject: Subject): Record<string, () => Promise<string>> {
  const { files, places = [] } = subject;
  const all: Record<string, () => Promise<string>> = {};
  if (files) all.path = async () => files.join(await files.folder(), "imported");
  const own = subject.name.replaceAll("/", "-");
  for (const scheme of places) all[scheme] = async () => `${scheme}:imports ${own} ${count++}`;
  return all;
}

async function bytesAt(subject: Subject, place: string): Promise<Uint8Array> {
  const index = await subject.VectorIndex.open(place);
  const bytes = await index.toBytes();
  await index.close();
  return bytes;
}

/** An index of 660 KB and its bytes; another one. */
async function withTwo(
  subject: Subject,
  body: (bytes: Uint8Array, other: Uint8Array) => Promise<void>,
): Promise<void> {
  await withIndex(subject, { ...CHEAP, rows: sample(5000, D) }, async (one) =>
    withIndex(subject, { ...CHEAP, rows: sample(5010, D) }, async (two) =>
      body(await one.toBytes(), await two.toBytes()),
    ),
  );
}

function changed(bytes: Uint8Array, at: number): Uint8Array {
  const copy = bytes.slice();
  copy[at] = (copy[at] as number) ^ 1;
  return copy;
}

/** Calls `read` before anything but the superblock is read. */
function tellingBlob(bytes: Uint8Array, read: () => void, begin = 0): BlobLike {
  return {
    size: bytes.length,
    slice: (from = 0, to = bytes.length) => tellingBlob(bytes.subarray(from, to), read, begin + from),
    arrayBuffer: async () => {
      if (begin > 0) read();
      await new Promise((resolve) => setTimeout(resolve, 20));
      return bytes.slice().buffer as ArrayBuffer;
    },
  };
}

export function importing(test: Test, subject: Subject): void {
  for (const [kind, fresh] of Object.entries(targets(subject))) {
    local(test, subject, kind, fresh);
    if (subject.server) remote(test, subject, subject.server, kind, fresh);
    if (subject.server && kind !== "path") resuming(test, subject, subject.server, kind, fresh);
  }
  test("import refuses what is no source and no target", async () => {
    const { VectorIndex } = subject;
    const bytes = new Uint8Array(8192);
    await rejects(() => VectorIndex.import(7 as never, "a"), "ERR_INVALID_ARGUMENT", /open 7/);
    await rejects(() => VectorIndex.import(bytes, "opfs:"), "ERR_INVALID_ARGUMENT", /save/);
    await rejects(() => VectorIndex.import(bytes, "http://a/b"), "ERR_UNSUPPORTED", /save/);
    await rejects(() => VectorIndex.import(bytes, "a", { signal: 1 as never }), "ERR_INVALID_ARGUMENT");
  });
}

function local(test: Test, subject: Subject, kind: string, fresh: () => Promise<string>): void {
  const { VectorIndex } = subject;

  test(`import to ${kind}: from bytes and blobs; the next replaces it`, async () => {
    await withTwo(subject, async (bytes, other) => {
      const place = await fresh();
      for (const source of [bytes, new Blob([other as BlobPart]), bytes] as (Uint8Array & IndexSource)[]) {
        const progress: string[] = [];
        const onProgress = ({ phase, done, total }: { phase: string; done: number; total: number }) =>
          progress.push(`${phase} ${done === total}`);
        const { bytes: length, resumed } = await VectorIndex.import(source, place, { onProgress });
        equal([length, resumed], [source.length ?? other.length, 0], "report");
        equal(progress.at(-1), "check true", "progress");
        const expected = source === bytes ? bytes : other;
        equal(await bytesAt(subject, place), expected, "bytes");
      }
    });
  });

  test(`import to ${kind}: pages of codes and of a navigator are checked like others`, async () => {
    for (const codes of ["1bit", "pq"] as const) {
      await withIndex(subject, { ...CHEAP, codes, rows: sample(1100, D) }, async (index) => {
        const bytes = await index.toBytes();
        const place = await fresh();
        equal((await VectorIndex.import(bytes, place)).bytes, bytes.length, `${codes}: length`);
        const opened = await VectorIndex.open(place, { mode: "resident" });
        equal(await opened.toBytes(), bytes, `${codes}: bytes`);
        await opened.close();
        for (const at of [SUPERBLOCK_BYTES + 77, bytes.length - 1])
          await rejects(() => VectorIndex.import(changed(bytes, at), place), "ERR_CORRUPT", /checksum/);
      });
    }
  });

  test(`import to ${kind}: what is damaged is refused, and what was there stays`, async () => {
    await withTwo(subject, async (bytes, other) => {
      const place = await fresh();
      await VectorIndex.import(other, place);
      const pageBytes = 4096;
      const damage: [Uint8Array, RegExp, number | undefined][] = [
        [changed(bytes, 0), /not an index/, undefined],
        [changed(bytes, 4000), /superblock/, undefined],
        [changed(bytes, 13), /superblock/, undefined],
        [changed(bytes, SUPERBLOCK_BYTES + 3 * pageBytes + 77), /checksum .*page 3/, 3],
        [changed(bytes, bytes.length - 1), /checksum/, (bytes.length - SUPERBLOCK_BYTES) / pageBytes - 1],
        [bytes.subarray(0, bytes.length - 1), /shorter or longer/, undefined],
        [bytes.subarray(0, 100), /100 bytes/, undefined],
      ];
      for (const [source, message, page] of damage) {
        const error = await rejects(() => VectorIndex.import(source, place), "ERR_CORRUPT", message);
        equal(error.page, page, "page");
      }
      const swapped = bytes.slice();
      swapped.copyWithin(SUPERBLOCK_BYTES, SUPERBLOCK_BYTES + pageBytes, SUPERBLOCK_BYTES + 2 * pageBytes);
      await rejects(() => VectorIndex.import(swapped, place), "ERR_CORRUPT", /wrong number/);
      equal(await bytesAt(subject, place), other, "bytes");
    });
  });

  test(`import to ${kind}: one that is stopped leaves what was there, or nothing`, async () => {
    await withTwo(subject, async (bytes, other) => {
      const [old, none] = [await fresh(), await fresh()];
      await VectorIndex.import(other, old);
      for (const place of [old, none]) {
        const controller = new AbortController();
        const reason = new Error("enough");
        const source = tellingBlob(bytes, () => controller.abort(reason));
        const error = await rejection(() => VectorIndex.import(source, place, controller));
        ok(error === reason, `the reason, not ${String(error)}`);
      }
      equal(await bytesAt(subject, old), other, "bytes");
      await rejects(() => VectorIndex.open(none), "ERR_IO");
    });
  });
}

async function put(url: string, bytes: Uint8Array): Promise<void> {
  await fetch(url, { method: "PUT", body: bytes as BodyInit });
}

const freshUrl = (base: string): string => `${base}import-${count++}`;

function remote(
  test: Test,
  subject: Subject,
  base: string,
  kind: string,
  fresh: () => Promise<string>,
): void {
  const { VectorIndex } = subject;
  test(`import to ${kind}: from servers of every kind`, async () => {
    await withTwo(subject, async (bytes, other) => {
      const url = freshUrl(base);
      const place = await fresh();
      for (const fault of [
        "none",
        "no ranges",
        "no length",
        "compressed",
        "slow",
        "replaced",
        "replaced, by date",
      ]) {
        const file = fault.length % 2 === 0 ? bytes : other;
        await put(url, file);
        const report = await VectorIndex.import(`${url}?fault=${encodeURIComponent(fault)}`, place);
        equal([report.bytes, report.resumed], [file.length, 0], `report, ${fault}`);
        equal(await bytesAt(subject, place), file, `bytes, ${fault}`);
      }
    });
  });

  test(`import to ${kind}: what cannot be had, or is damaged, leaves what was there`, async () => {
    await withTwo(subject, async (bytes, other) => {
      const url = freshUrl(base);
      const place = await fresh();
      await VectorIndex.import(other, place);
      await rejects(() => VectorIndex.import(`${url}-none`, place), "ERR_IO", /HTTP 404/);
      await put(url, changed(bytes, 20_000));
      await rejects(() => VectorIndex.import(`${url}?fault=broken`, place), "ERR_IO", /HTTP 500/);
      for (let i = 0; i < 2; i++) await rejects(() => VectorIndex.import(url, place), "ERR_CORRUPT", /page/);
      equal(await bytesAt(subject, place), other, "bytes");
      // Nothing of the damaged one is taken for a part of the next.
      await put(url, bytes);
      equal((await VectorIndex.import(url, place)).resumed, 0, "resumed");
      equal(await bytesAt(subject, place), bytes, "bytes");
    });
  });
}

/** Stops a slow import when some of it is there. */
async function stopHalfway(subject: Subject, url: string, place: string): Promise<void> {
  const controller = new AbortController();
  const reason = new Error("enough");
  const onProgress = ({ done, total }: { done: number; total: number }): void => {
    if (done > total / 3) controller.abort(reason);
  };
  const { signal } = controller;
  const error = await rejection(() =>
    subject.VectorIndex.import(`${url}?fault=slow`, place, { signal, onProgress }),
  );
  ok(error === reason, `the reason, not ${String(error)}`);
}

function resuming(
  test: Test,
  subject: Subject,
  base: string,
  kind: string,
  fresh: () => Promise<string>,
): void {
  const { VectorIndex } = subject;
  test(`import to ${kind}: a connection that breaks is made again, and goes on`, async () => {
    await withTwo(subject, async (bytes) => {
      const url = freshUrl(base);
      await put(url, bytes);
      const place = await fresh();
      const read: number[] = [];
      await VectorIndex.import(`${url}?fault=short`, place, {
        onProgress: ({ phase, done }) => void (phase === "read" && read.push(done)),
      });
      equal(
        [...read].sort((a, b) => a - b),
        read,
        "steps",
      );
      equal(await bytesAt(subject, place), bytes, "bytes");
    });
  });

  test(`import to ${kind}: one that was stopped goes on, if the file is still the same`, async () => {
    await withTwo(subject, async (bytes, other) => {
      const url = freshUrl(base);
      const place = await fresh();
      await put(url, bytes);
      for (const next of [bytes, other]) {
        await stopHalfway(subject, url, place);
        await put(url, next);
        const { resumed } = await VectorIndex.import(`${url}?fault=slow`, place);
        ok(
          next === bytes ? resumed > bytes.length / 3 && resumed < bytes.length : resumed === 0,
          `${resumed}`,
        );
        equal(await bytesAt(subject, place), next, "bytes");
      }
      await put(url, bytes);
      await stopHalfway(subject, url, place);
      // By another name it may be another file.
      equal((await VectorIndex.import(`${url}?fault=none`, place)).resumed, 0, "resumed");
      equal(await bytesAt(subject, place), bytes, "bytes");
    });
  });

  test(`import to ${kind}: one at a time; a second one and a save are refused at once`, async () => {
    await withTwo(subject, async (bytes) => {
      const url = freshUrl(base);
      const place = await fresh();
      await put(url, bytes);
      let began = (): void => {};
      const begun = new Promise<void>((resolve) => {
        began = resolve;
      });
      const first = VectorIndex.import(`${url}?fault=held`, place, { onProgress: () => began() });
      await begun;
      await rejects(() => VectorIndex.import(bytes, place), "ERR_LOCKED", /another tab/);
      await rejects(() => VectorIndex.import(url, place), "ERR_LOCKED", /another tab/);
      await withIndex(subject, { dimensions: 2 }, async (index: Index) => {
        await rejects(() => index.save(place), "ERR_LOCKED");
      });
      await put(url, bytes);
      await first;
      equal(await bytesAt(subject, place), bytes, "bytes");
      await VectorIndex.import(bytes, place);
    });
  });
}
