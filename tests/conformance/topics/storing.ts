/** save, toBytes, open, verify: the same bytes everywhere, and damage is always found. */
import type { IndexSource } from "../../../ts/core/types.js";
import {
  equal,
  type Files,
  type Index,
  ids,
  ok,
  rejects,
  type Subject,
  type Test,
  withIndex,
} from "../kit.js";
import { rowsOf, sampleOf } from "../model.js";

const D = 12;
const ROWS = 400;

async function sameAnswers(a: Index, b: Index): Promise<void> {
  for (const [, query] of rowsOf(sampleOf(a.dataType)(10, D, 1), D)) {
    equal(await b.search(query, { k: 7 }), await a.search(query, { k: 7 }), "answers");
  }
  const { memory: _a, storage: _from, ...statsA } = a.stats();
  const { memory: _b, storage: _to, ...statsB } = b.stats();
  equal(statsB, statsA, "stats");
}

/** Opening damaged bytes must fail with a code, or the damage must be found by verify(). */
async function found(subject: Subject, bytes: Uint8Array): Promise<string> {
  let index: Index;
  try {
    index = await subject.VectorIndex.open(bytes);
  } catch (error) {
    const { code } = error as { code?: string };
    if (!code) throw error;
    return code;
  }
  const report = await index.verify();
  await index.close();
  return report.ok ? "missed" : "verify";
}

export function storing(test: Test, subject: Subject): void {
  const { VectorIndex } = subject;
  const sample = sampleOf(subject.dataType);
  const built = { dimensions: D, metric: "cosine", rows: sample(ROWS, D) } as const;

  test("open takes the bytes in every form", async () => {
    await withIndex(subject, built, async (index) => {
      const bytes = await index.toBytes();
      equal(bytes.length, index.stats().layout.fileBytes, "bytes");
      const wide = new Uint8Array(bytes.length + 7);
      wide.set(bytes, 5);
      const forms: IndexSource[] = [
        bytes,
        wide.subarray(5, 5 + bytes.length),
        bytes.slice().buffer as ArrayBuffer,
        new Blob([bytes as BlobPart]),
      ];
      if (typeof SharedArrayBuffer !== "undefined") {
        const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
        shared.set(bytes);
        forms.push(shared);
      }
      for (const form of forms) {
        const again = await VectorIndex.open(form);
        await sameAnswers(index, again);
        equal(await again.toBytes(), bytes, "bytes");
        equal(await again.verify(), { ok: true, errors: [] }, "verify");
        await again.close();
      }
    });
  });

  test("an empty index and an index after adds make the round trip", async () => {
    await withIndex(subject, { dimensions: 3 }, async (index) => {
      for (let round = 0; round < 3; round++) {
        const again = await VectorIndex.open(await index.toBytes());
        equal([again.size, (await again.verify()).ok], [round * 2, true]);
        equal(await again.toBytes(), await index.toBytes(), "bytes");
        await again.close();
        await index.add([
          [1, 2, round],
          [3, 4, round],
        ]);
      }
    });
  });

  test("an opened index takes adds, and equals one that was never saved", async () => {
    const flat = sample(ROWS, D);
    const half = (ROWS / 2) * D;
    await withIndex(subject, { dimensions: D, rows: flat.subarray(0, half) }, async (index) => {
      const again = await VectorIndex.open(await index.toBytes());
      await Promise.all([index.add(flat.subarray(half)), again.add(flat.subarray(half))]);
      equal(await again.toBytes(), await index.toBytes(), "bytes");
      equal(await again.verify(), { ok: true, errors: [] }, "verify");
      await again.close();
    });
  });

  test("equal input gives equal bytes, with any number of threads and in any form", async () => {
    const flat = sample(1500, D);
    const bytes: Uint8Array[] = [];
    for (const threads of [1, 2, 5, undefined]) {
      const index = await VectorIndex.build(flat, { dimensions: D, threads });
      bytes.push(await index.toBytes());
      await index.close();
    }
    const listed = await VectorIndex.build(
      rowsOf(flat, D).map(([, row]) => Array.from(row)),
      { dimensions: D },
    );
    bytes.push(await listed.toBytes());
    const seeded = await VectorIndex.build(flat, { dimensions: D, seed: 1 });
    const other = await seeded.toBytes();
    for (const again of bytes) equal(again, bytes[0], "bytes");
    ok(
      other.some((byte, i) => byte !== bytes[0]?.[i]),
      "another seed gives another graph",
    );
    await Promise.all([listed.close(), seeded.close()]);
  });

  test("the bytes of toBytes are the user's own", async () => {
    await withIndex(subject, built, async (index) => {
      const bytes = await index.toBytes();
      const kept = bytes.slice();
      const again = await VectorIndex.open(bytes);
      bytes.fill(0);
      equal(await again.toBytes(), kept, "bytes");
      equal(await index.toBytes(), kept, "bytes");
      await again.close();
    });
  });

  test("the file decides dimensions and metric", async () => {
    await withIndex(subject, { dimensions: 2, metric: "l1", rows: Float32Array.of(1, 2) }, async (index) => {
      const again = await VectorIndex.open(await index.toBytes(), { dimensions: 5, metric: "ip" } as never);
      equal([again.dimensions, again.metric], [2, "l1"]);
      await rejects(() => again.search([1, 2, 3, 4, 5]), "ERR_DIMENSION_MISMATCH");
      await again.close();
    });
  });

  test("bytes that are no index are ERR_CORRUPT", async () => {
    const text = new TextEncoder().encode("this is no index ".repeat(1000));
    const mostlyZero = new Uint8Array(8192);
    for (const bytes of [new Uint8Array(0), new Uint8Array(1), text.subarray(0, 100), text, mostlyZero]) {
      await rejects(() => VectorIndex.open(bytes), "ERR_CORRUPT");
      await rejects(() => VectorIndex.open(new Blob([bytes as BlobPart])), "ERR_CORRUPT");
    }
  });

  test("a file cut short or grown is ERR_CORRUPT", async () => {
    await withIndex(subject, built, async (index) => {
      const bytes = await index.toBytes();
      for (const length of [1, 100, 4095, 4096, 4097, bytes.length - 4096, bytes.length - 1]) {
        await rejects(() => VectorIndex.open(bytes.slice(0, length)), "ERR_CORRUPT");
      }
      const longer = new Uint8Array(bytes.length + 1);
      longer.set(bytes);
      await rejects(() => VectorIndex.open(longer), "ERR_CORRUPT");
    });
  });

  test("a flipped bit anywhere is found, and pages are named", async () => {
    await withIndex(subject, { ...built, rows: built.rows.subarray(0, 60 * D) }, async (index) => {
      const bytes = await index.toBytes();
      const step = Math.max(1, Math.floor(bytes.length / 400));
      for (let at = 0; at < bytes.length; at += at < 256 ? 1 : step) {
        const damaged = bytes.slice();
        damaged[at] = (damaged[at] as number) ^ (1 << (at % 8));
        const how = await found(subject, damaged);
        ok(["ERR_CORRUPT", "ERR_VERSION", "verify"].includes(how), `byte ${at}: ${how}`);
      }
      const damaged = bytes.slice();
      damaged[bytes.length - 100] = (damaged[bytes.length - 100] as number) ^ 1;
      const error = await rejects(() => VectorIndex.open(damaged), "ERR_CORRUPT", /page/);
      ok(Number.isInteger(error.page), "the page is named");
      equal(await index.verify(), { ok: true, errors: [] }, "the index itself");
    });
  });

  test("a damaged source leaves nothing behind: the next open works", async () => {
    await withIndex(subject, built, async (index) => {
      const bytes = await index.toBytes();
      for (let i = 0; i < 20; i++) await rejects(() => VectorIndex.open(bytes.slice(0, 5000)), "ERR_CORRUPT");
      const again = await VectorIndex.open(bytes);
      await sameAnswers(index, again);
      await again.close();
    });
  });

  test("a blob that fails to be read is ERR_IO", async () => {
    const broken = {
      size: 100_000,
      slice: () => broken,
      arrayBuffer: () => Promise.reject(new Error("the disk is gone")),
    };
    await rejects(() => VectorIndex.open(broken), "ERR_IO", /the disk is gone/);
    const short = { size: 100_000, slice: () => short, arrayBuffer: async () => new ArrayBuffer(10) };
    await rejects(() => VectorIndex.open(short), "ERR_IO", /ends/);
  });

  test("save refuses what is no place", async () => {
    await withIndex(subject, { dimensions: 1 }, async (index) => {
      for (const target of [undefined, null, 3, {}, "", new Uint8Array(3), new Blob([])]) {
        await rejects(() => index.save(target as never), "ERR_INVALID_ARGUMENT", /cannot save/);
      }
      for (const target of ["https://example.org/a", new URL("http://example.org/a")]) {
        await rejects(() => index.save(target), "ERR_UNSUPPORTED", /toBytes/);
      }
    });
  });

  test("a file handle is written through createWritable, all or nothing", async () => {
    await withIndex(subject, built, async (index) => {
      const handle = memoryHandle();
      await index.save(handle);
      equal(handle.content, await index.toBytes(), "content");
      const again = await VectorIndex.open(handle);
      await sameAnswers(index, again);
      await again.close();
      handle.failWrite = true;
      await rejects(() => index.save(handle), "ERR_IO", /full/);
      equal(handle.content, await index.toBytes(), "the old content stays");
    });
  });

  const { files, handle } = subject;
  if (handle) {
    test("a file of the browser's private file system", async () => {
      const file = await handle();
      await withIndex(subject, built, async (index) => {
        await index.save(file);
        const again = await VectorIndex.open(file);
        await sameAnswers(index, again);
        await again.close();
        await index.add(sample(5, D, 1));
        await index.save(file);
        equal(new Uint8Array(await (await file.getFile()).arrayBuffer()), await index.toBytes(), "content");
      });
    });
  }
  if (files) storingFiles(test, subject, files);
}

/** Behaves like FileSystemFileHandle: what is written shows when the stream is closed. */
function memoryHandle() {
  const state = {
    kind: "file" as const,
    content: new Uint8Array(0),
    failWrite: false,
    getFile: async () => new Blob([state.content]),
    createWritable: async () => {
      let swap = new Uint8Array(0);
      return {
        write: async ({ position, data }: { position: number; data: ArrayBuffer }) => {
          if (state.failWrite) throw new Error("the disk is full");
          const grown = new Uint8Array(Math.max(swap.length, position + data.byteLength));
          grown.set(swap);
          grown.set(new Uint8Array(data), position);
          swap = grown;
        },
        close: async () => {
          state.content = swap;
        },
        abort: async () => {},
      };
    },
  };
  return state;
}

function storingFiles(test: Test, subject: Subject, files: Files): void {
  const { VectorIndex } = subject;
  const sample = sampleOf(subject.dataType);
  const built = { dimensions: D, rows: sample(ROWS, D) } as const;

  test("save writes the bytes of toBytes, by path and by file: URL, and leaves nothing beside", async () => {
    const folder = await files.folder();
    await withIndex(subject, built, async (index) => {
      const bytes = await index.toBytes();
      const a = files.join(folder, "a b%20c.diskann");
      const b = files.join(folder, "ü.diskann");
      const c = files.join(folder, "c.diskann");
      await index.save(a);
      await index.save(files.url(b));
      await index.save(files.url(c).href);
      for (const path of [a, b, c]) {
        equal(await files.read(path), bytes, "bytes");
        for (const source of [path, files.url(path), files.url(path).href]) {
          const again = await VectorIndex.open(source);
          await sameAnswers(index, again);
          await again.close();
        }
      }
      equal((await files.list(folder)).length, 3, "files");
    });
  });

  test("save replaces the file at once; a failed save leaves the old one", async () => {
    const folder = await files.folder();
    const path = files.join(folder, "index");
    await withIndex(subject, built, async (index) => {
      await index.save(path);
      // the abort comes from the first progress; where other threads write, they may be done before it arrives
      let error: unknown;
      for (let attempt = 0; attempt < 100 && error === undefined; attempt++) {
        const old = await files.read(path);
        await index.add(sample(1, D, 1));
        const controller = new AbortController();
        const reason = new Error("enough");
        const saving = index.save(path, {
          signal: controller.signal,
          onProgress: () => controller.abort(reason),
        });
        error = await saving.catch((caught: unknown) => caught);
        ok(error === undefined || error === reason, `the reason, not ${String(error)}`);
        equal(await files.read(path), error === undefined ? await index.toBytes() : old, "the file");
      }
      ok(error !== undefined, "not one save was aborted");
      equal(await files.list(folder), ["index"], "files");
      await index.save(path);
      equal(await files.read(path), await index.toBytes(), "the new file");
      equal(await files.list(folder), ["index"], "files");
    });
  });

  test("several saves at once, also of several indexes to one path, each whole", async () => {
    const folder = await files.folder();
    const path = files.join(folder, "index");
    const one = await VectorIndex.build(built.rows, { dimensions: D });
    const two = await VectorIndex.build(built.rows.subarray(0, 100 * D), { dimensions: D });
    await Promise.all([one.save(path), two.save(path), one.save(path), two.save(path)]);
    const content = await files.read(path);
    const sizes = [await one.toBytes(), await two.toBytes()].map((bytes) => bytes.length);
    ok(sizes.includes(content.length), "one of the two");
    const again = await VectorIndex.open(path);
    equal((await again.verify()).ok, true, "verify");
    equal(await files.list(folder), ["index"], "files");
    await Promise.all([again.close(), one.close(), two.close()]);
  });

  test("files that cannot be read or written are ERR_IO and name the path", async () => {
    const folder = await files.folder();
    const nowhere = files.join(folder, "no", "such", "index");
    await rejects(() => VectorIndex.open(nowhere), "ERR_IO", /such/);
    await rejects(() => VectorIndex.open(folder), "ERR_IO");
    await withIndex(subject, built, async (index) => {
      await rejects(() => index.save(nowhere), "ERR_IO", /such/);
      await rejects(() => index.save(folder), "ERR_IO");
      equal(await files.list(folder), [], "files");
      equal(ids(await index.search(built.rows.subarray(0, D), { k: 1 })), [0], "it goes on");
    });
    await rejects(() => VectorIndex.open("a\0b"), "ERR_INVALID_ARGUMENT");
  });

  test("a damaged file is found by its path", async () => {
    const folder = await files.folder();
    const path = files.join(folder, "index");
    await withIndex(subject, built, async (index) => {
      const bytes = await index.toBytes();
      bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 0x10;
      await files.write(path, bytes);
      const error = await rejects(() => VectorIndex.open(path), "ERR_CORRUPT", /page/);
      ok(Number.isInteger(error.page), "the page is named");
      await files.write(path, bytes.subarray(0, 1000));
      await rejects(() => VectorIndex.open(path), "ERR_CORRUPT");
      await files.write(path, new Uint8Array(0));
      await rejects(() => VectorIndex.open(path), "ERR_CORRUPT");
    });
  });
}
