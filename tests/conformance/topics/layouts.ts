/** Files of one index, laid out in every way: pages of every size, codes of every kind, there and back. */
import type { IndexOptions } from "../../../ts/core/types.js";
import { equal, ok, rejects, type Subject, type Test, withIndex } from "../kit.js";
import { rowsOf, sampleOf } from "../model.js";

const D = 20;
const ROWS = 500;
const SIZES = [4096, 8192, 16384, 32768, 65536] as const;
const SHAPE = { dimensions: D, maxDegree: 12, buildListSize: 40, metric: "cosine" } as const;

export function layouts(test: Test, subject: Subject): void {
  const { VectorIndex, files } = subject;
  const rows = sampleOf("f32")(ROWS, D);
  const [query] = rowsOf(sampleOf("f32")(1, D, 1), D).map(([, row]) => row) as [Float32Array];
  const build = async (options: Partial<IndexOptions>): Promise<Uint8Array> => {
    const index = await VectorIndex.build(rows, { ...SHAPE, ...options });
    const bytes = await index.toBytes();
    await index.close();
    return bytes;
  };

  for (const codes of ["1bit", "pq"] as const)
    test(`pages of every size, codes ${codes}: the same answers, in memory and in the file`, async () => {
      const plain = await VectorIndex.build(rows, { ...SHAPE, codes });
      const search = { k: 7, searchListSize: 30, beamWidth: 3, pageSearch: false };
      const wanted = await plain.search(query, search);
      const isDefault: number[] = [];
      for (const pageBytes of SIZES) {
        const bytes = await build({ codes, pageBytes });
        const resident = await VectorIndex.open(bytes, { mode: "resident" });
        const paged = await VectorIndex.open(bytes, { mode: "paged", cacheBytes: 100_000 });
        for (const index of [resident, paged]) {
          const { layout } = index.stats();
          equal(layout.pageBytes, pageBytes, "size");
          equal(layout.recordsPerPage, Math.floor((pageBytes - 16) / layout.recordBytes), "records");
          equal(await index.search(query, search), wanted, `pages of ${pageBytes}`);
          equal(await index.verify(), { ok: true, errors: [] }, "audit");
        }
        const beside = { ...search, pageSearch: true };
        equal(await paged.search(query, beside), await resident.search(query, beside), "page search");
        equal(await plain.toBytes({ pageBytes }), bytes, "made of another");
        equal(await resident.toBytes({ codes }), await plain.toBytes(), "and back");
        if (plain.stats().layout.pageBytes === pageBytes) isDefault.push(pageBytes);
        await Promise.all([resident.close(), paged.close()]);
      }
      equal(isDefault.length, 1, "one of them is the default");
      await plain.close();
    });

  test("an index becomes one with other codes, and comes back, to the byte", async () => {
    const kinds = ["none", "1bit", "pq"] as const;
    const wanted = { none: await build({ codes: "none" }), "1bit": await build({ codes: "1bit" }) };
    const all = { ...wanted, pq: await build({ codes: "pq" }) };
    for (const from of kinds) {
      const index = await VectorIndex.open(all[from], { mode: "resident" });
      for (const to of kinds) {
        const made = await index.toBytes({ codes: to });
        equal(made, all[to], `${from} to ${to}`);
        const other = await VectorIndex.open(made, { mode: "resident" });
        equal(other.stats().codes, to, "codes");
        equal(await other.toBytes({ codes: from }), all[from], `${from} to ${to} and back`);
        await other.close();
      }
      equal(await index.toBytes(), all[from], "it has not changed");
      await index.close();
    }
  });

  test("codes of another length, and quantised floats", async () => {
    await withIndex(subject, { ...SHAPE, quantize: "i8", rows }, async (index) => {
      const made = await index.toBytes({ codes: "pq", codeBytes: 7, pageBytes: 65536 });
      const again = await VectorIndex.open(made, { mode: "paged" });
      const stats = again.stats();
      equal([stats.codes, stats.codeBytes, stats.layout.pageBytes], ["pq", 7, 65536], "layout");
      equal(stats.quantization?.kind, "i8", "quantised");
      equal((await again.verify()).ok, true, "audit");
      await again.close();
    });
  });

  test("a layout that cannot be is refused, and the index goes on", async () => {
    for (const pageBytes of [0, 512, 5000, 131072, "4096", null])
      await rejects(
        () => VectorIndex.create({ dimensions: 3, pageBytes } as never),
        "ERR_INVALID_ARGUMENT",
        /pageBytes/,
      );
    await rejects(
      () => VectorIndex.create({ dimensions: 2000, pageBytes: 4096 }),
      "ERR_INVALID_ARGUMENT",
      /pageBytes/,
    );
    await withIndex(subject, { ...SHAPE, metric: "l1", rows }, async (index) => {
      await rejects(() => index.toBytes({ pageBytes: 1 }), "ERR_INVALID_ARGUMENT", /pageBytes/);
      await rejects(() => index.toBytes({ codes: "2bit" } as never), "ERR_INVALID_ARGUMENT", /codes/);
      await rejects(() => index.toBytes({ codes: "1bit" }), "ERR_UNSUPPORTED", /1bit/);
      await rejects(() => index.toBytes({ codeBytes: 4 }), "ERR_INVALID_ARGUMENT", /codeBytes/);
      await rejects(() => index.toBytes({ codes: "pq", codeBytes: 99 }), "ERR_INVALID_ARGUMENT", /codeBytes/);
      const bytes = await index.toBytes({ codes: "pq" });
      const paged = await VectorIndex.open(bytes, { mode: "paged" });
      await rejects(() => paged.toBytes({ codes: "none" }), "ERR_UNSUPPORTED", /resident/);
      equal(await paged.toBytes(), bytes, "as it is");
      await paged.close();
      ok((await index.verify()).ok, "it goes on");
    });
  });

  test("an abort of a conversion leaves all as it was", async () => {
    await withIndex(subject, { ...SHAPE, rows }, async (index) => {
      const before = await index.toBytes();
      const reason = new Error("enough");
      // A thread beside this one may be done before the abort arrives.
      let aborted = 0;
      for (let attempt = 0; attempt < 40 && aborted < 4; attempt++) {
        const codes = attempt % 2 ? "pq" : "1bit";
        const controller = new AbortController();
        const seen = new Set<string>();
        const onProgress = ({ phase }: { phase: string }): void => {
          seen.add(phase);
          controller.abort(reason);
        };
        const error = await index
          .toBytes({ codes, signal: controller.signal, onProgress })
          .catch((thrown: unknown) => thrown);
        ok(error === reason || error instanceof Uint8Array, `aborted: ${String(error)}`);
        ok(seen.size > 0, "it tells where it is");
        if (error === reason) aborted++;
      }
      ok(aborted > 0, "not one conversion was aborted");
      equal(await index.toBytes(), before, "as it was");
    });
  });

  if (files)
    test("save to a file with another layout", async () => {
      const path = files.join(await files.folder(), "other");
      await withIndex(subject, { ...SHAPE, codes: "none", rows }, async (index) => {
        await index.save(path, { codes: "pq", pageBytes: 8192 });
        equal(await files.read(path), await build({ codes: "pq", pageBytes: 8192 }), "as it is built");
      });
    });
}
