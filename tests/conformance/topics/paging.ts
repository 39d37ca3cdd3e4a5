/** An index that stays in its file: the answers of one in memory, from every kind of place, whatever the cache holds. */
import type { IndexOptions, IndexSource, OpenOptions, SearchHit } from "../../../ts/core/types.js";
import { openSink } from "../../../ts/storage/select.js";
import { equal, type Index, ok, rejection, rejects, type Subject, settle, type Test } from "../kit.js";
import { rowsOf, sampleOf } from "../model.js";

const D = 20;
const ROWS = 900;
const QUERIES = 12;
/** Where each read takes its time. */
const FEW_QUERIES = 3;
const SHAPE = { dimensions: D, codes: "1bit", maxDegree: 12, buildListSize: 40 } as const;
const CACHE_SIZES = [0, 60_000, 2 ** 40];

let placeCount = 0;

/** Bytes of an index, built once for all tests of a subject. */
export type Build = (options?: Partial<IndexOptions>) => Promise<Uint8Array<ArrayBuffer>>;

export function builder({ VectorIndex }: Subject): Build {
  const built = new Map<string, Promise<Uint8Array<ArrayBuffer>>>();
  const build = async (options: Partial<IndexOptions>): Promise<Uint8Array<ArrayBuffer>> => {
    const rows = sampleOf(options.dataType)(ROWS, D);
    const index = await VectorIndex.build(rows, { ...SHAPE, ...options });
    const bytes = (await index.toBytes()) as Uint8Array<ArrayBuffer>;
    await index.close();
    return bytes;
  };
  return (options = {}) => {
    const key = JSON.stringify(options);
    const bytes = built.get(key) ?? build(options);
    built.set(key, bytes);
    return bytes;
  };
}

export type Put = (bytes: Uint8Array<ArrayBuffer>) => Promise<IndexSource>;

/** Every kind of place there is here, with the beam width that searches there take. */
export function kinds(subject: Subject): Record<string, { readonly put: Put; readonly beamWidth: number }> {
  const { files, handle, server, places = [] } = subject;
  const all: Record<string, { put: Put; beamWidth: number }> = {
    bytes: { beamWidth: 4, put: async (bytes) => bytes },
    blob: { beamWidth: 4, put: async (bytes) => new Blob([bytes]) },
  };
  if (files)
    all.file = {
      beamWidth: 4,
      put: async (bytes) => {
        const path = files.join(await files.folder(), "index");
        await files.write(path, bytes);
        return path;
      },
    };
  if (handle)
    all.handle = {
      beamWidth: 4,
      put: async (bytes) => {
        const file = await handle();
        const stream = await file.createWritable();
        await stream.write({ type: "write", position: 0, data: bytes.slice().buffer });
        await stream.close();
        return file;
      },
    };
  for (const place of places)
    all[place] = {
      beamWidth: place === "idb" ? 8 : 2,
      put: async (bytes) => {
        const name = `paged-${placeCount++}`;
        const sink = await openSink({ kind: place, name }, bytes.length);
        await sink.write(0, bytes);
        await sink.commit();
        return `${place}:${name}`;
      },
    };
  if (server)
    all.http = {
      beamWidth: 32,
      put: async (bytes) => {
        const url = `${server}paged-${placeCount++}`;
        await fetch(url, { method: "PUT", body: bytes });
        return url;
      },
    };
  return all;
}

function queriesOf(index: Index): Float32Array[] {
  return rowsOf(sampleOf(index.dataType)(QUERIES, D, 1), D).map(([, query]) => query);
}

/** All queries at once, one by one and as a batch, against the index in memory. */
async function sameAnswers(paged: Index, resident: Index, few = false): Promise<void> {
  const queries = queriesOf(resident).slice(0, few ? FEW_QUERIES : QUERIES);
  for (const beamWidth of [1, 4, 16])
    for (const pageSearch of [false, true]) {
      const options = { k: 7, searchListSize: few ? 10 : 30, beamWidth, pageSearch };
      const what = `W ${beamWidth}, page search ${pageSearch}`;
      const expected = await Promise.all(queries.map((query) => resident.search(query, options)));
      equal(await Promise.all(queries.map((query) => paged.search(query, options))), expected, what);
      const batch = await paged.searchBatch(queries, options);
      equal(
        expected.map((_, row) => batch.hits(row)),
        expected,
        `${what}, as a batch`,
      );
    }
}

async function withPair(
  { VectorIndex }: Subject,
  bytes: Uint8Array,
  source: IndexSource,
  options: OpenOptions,
  body: (paged: Index, resident: Index) => Promise<void>,
): Promise<void> {
  const resident = await VectorIndex.open(bytes, { mode: "resident" });
  const paged = await VectorIndex.open(source, { mode: "paged", ...options });
  try {
    equal([paged.stats().mode, resident.stats().mode], ["paged", "resident"], "modes");
    await body(paged, resident);
  } finally {
    await Promise.all([paged.close(), resident.close()]);
  }
}

/** The page of a record's byte, as the file has them. */
export function damage(bytes: Uint8Array, pageBytes: number, page: number): Uint8Array<ArrayBuffer> {
  const damaged = bytes.slice() as Uint8Array<ArrayBuffer>;
  const at = 4096 + page * pageBytes + 100;
  damaged[at] = (damaged[at] as number) ^ 1;
  return damaged;
}

export function paging(test: Test, subject: Subject): void {
  const build = builder(subject);
  for (const [kind, { put, beamWidth }] of Object.entries(kinds(subject))) {
    test(`paged, ${kind}: the answers of the index in memory, to the bit, with any cache`, async () => {
      const bytes = await build({ metric: "cosine" });
      const source = await put(bytes);
      const isSlow = kind === "http" || kind === "idb";
      for (const cacheBytes of isSlow ? CACHE_SIZES.slice(1) : CACHE_SIZES)
        await withPair(subject, bytes, source, { cacheBytes }, async (paged, resident) => {
          equal(paged.stats().search, { beamWidth, pageSearch: true }, "defaults");
          await sameAnswers(paged, resident, isSlow);
        });
    });

    test(`paged, ${kind}: a damaged page fails the searches that want it, and no other`, async () => {
      await oneDamagedPage(subject, await build(), put);
    });
  }
  types(test, subject, build);
  caching(test, subject, build);
  ending(test, subject, build);
  choosing(test, subject, build);
  misusing(test, subject, build);
}

async function oneDamagedPage(subject: Subject, bytes: Uint8Array, put: Put): Promise<void> {
  const { VectorIndex } = subject;
  const resident = await VectorIndex.open(bytes);
  const { pageBytes, pages } = resident.stats().layout;
  const page = pages - 2;
  const source = await put(damage(bytes, pageBytes, page));
  const paged = await VectorIndex.open(source, { mode: "paged", beamWidth: 2 });
  const queries = rowsOf(sampleOf("f32")(60, D), D).map(([, query]) => query);
  const options = { k: 3, searchListSize: 8, beamWidth: 2, pageSearch: true };
  for (let round = 0; round < 2; round++) {
    const answers = await Promise.allSettled(queries.map((query) => paged.search(query, options)));
    let failed = 0;
    for (const [i, answer] of answers.entries()) {
      if (answer.status === "fulfilled") {
        equal(answer.value, await resident.search(queries[i] as Float32Array, options), "the others");
        continue;
      }
      failed++;
      await rejects(() => Promise.reject(answer.reason), "ERR_CORRUPT", new RegExp(`page ${page}\\b`));
      equal((answer.reason as { page?: number }).page, page, "page");
    }
    ok(failed > 0 && failed < queries.length, `${failed} of ${queries.length} want page ${page}`);
  }
  const error = await rejects(() => paged.searchBatch(queries, options), "ERR_CORRUPT", /page/);
  ok(error.page === page && error.row !== undefined, "page and row of a batch");
  await Promise.all([paged.close(), resident.close()]);
}

function types(test: Test, subject: Subject, build: Build): void {
  for (const dataType of ["f32", "f16", "i8", "u8"] as const)
    for (const metric of ["l2", "cosine", "ip"] as const)
      test(`paged, ${dataType} ${metric}: the answers of the index in memory`, async () => {
        const bytes = await build({ dataType, metric });
        await withPair(subject, bytes, bytes, { cacheBytes: 100_000 }, sameAnswers);
      });

  test("paged: an empty index, and one of one vector with an id of its own", async () => {
    const { VectorIndex } = subject;
    for (const ids of [[], [2 ** 53 - 1]]) {
      const index = await VectorIndex.create({ ...SHAPE, dimensions: 3 });
      await index.add(
        ids.map((_, i) => [i, 1, 2]),
        { ids },
      );
      const paged = await VectorIndex.open(await index.toBytes(), { mode: "paged" });
      equal(
        [paged.size, paged.dimensions, paged.metric, paged.dataType],
        [ids.length, 3, "l2", "f32"],
        "shape",
      );
      equal(
        (await paged.search([0, 1, 2])).map(({ id }) => id),
        ids,
        "hits",
      );
      equal((await paged.searchBatch([[0, 1, 2]], { k: 3 })).ids.length, 3, "a batch");
      await Promise.all([paged.close(), index.close()]);
    }
  });
}

function caching(test: Test, subject: Subject, build: Build): void {
  const { VectorIndex } = subject;

  test("paged: the cache stays within its limit; hits, misses and reads add up", async () => {
    const bytes = await build();
    for (const cacheBytes of CACHE_SIZES)
      await withPair(subject, bytes, new Blob([bytes]), { cacheBytes }, async (paged, resident) => {
        const { pageBytes, pages } = resident.stats().layout;
        const empty = paged.stats().cache;
        equal([empty?.hits, empty?.misses, empty?.reads, empty?.bytesRead], [0, 0, 0, 0], "at first");
        await Promise.all(queriesOf(paged).map((query) => paged.search(query, { counters: true })));
        const { cache, memory } = paged.stats();
        ok(cache && cache.bytes <= cache.limit, "within its limit");
        if (!cache) return;
        const round = 8 * (pageBytes + 200);
        ok(cache.limit <= Math.max(cacheBytes, round), `${cache.limit} of ${cacheBytes} bytes`);
        ok(memory.total >= cache.bytes, "is part of the memory");
        equal(
          [cache.misses, cache.bytesRead],
          [cache.reads, cache.reads * pageBytes],
          "every miss is a read",
        );
        ok(cache.reads > 0 && cache.hits + cache.misses >= cache.reads, "reads");
        if (cacheBytes > bytes.length) ok(cache.reads <= pages, "no page twice");
        if (cacheBytes === 0) ok(cache.bytes < pageBytes, "nothing is kept");
        equal(resident.stats().cache, undefined, "in memory");
      });
  });

  test("a search tells its work where it is asked to", async () => {
    const bytes = await build();
    await withPair(subject, bytes, bytes, { pageSearch: false, beamWidth: 3 }, async (paged, resident) => {
      const [query] = queriesOf(paged) as [Float32Array];
      const { pageBytes } = paged.stats().layout;
      const plain: SearchHit[] & { counters?: unknown } = await paged.search(query);
      equal(plain.counters, undefined, "unasked");
      const cold = await VectorIndex.open(bytes, { mode: "paged", pageSearch: false, beamWidth: 3 });
      const first = await cold.search(query, { counters: true });
      const second = await cold.search(query, { counters: true });
      const inMemory = await resident.search(query, { counters: true, beamWidth: 3 });
      equal([first, second, inMemory], [plain, plain, plain], "hits, with nothing beside");
      const { reads = 0, bytesRead, ...work } = first.counters ?? {};
      ok(reads > 0 && bytesRead === reads * pageBytes, `${reads} reads of ${bytesRead} bytes`);
      equal(second.counters, { ...work, reads: 0, bytesRead: 0 } as never, "warm");
      equal(inMemory.counters, second.counters, "in memory");
      const { hops = 0, rounds = 0, distanceComputations = 0 } = first.counters ?? {};
      ok(rounds > 0 && rounds <= hops && hops <= 3 * rounds && distanceComputations >= hops, "in order");
      const batch = await cold.searchBatch([query, query]);
      equal(batch.counters?.hops, 2 * hops, "of a batch");
      await cold.close();
    });
  });

  test("paged: hundreds of searches at once, with a cache for one", async () => {
    const bytes = await build({ metric: "cosine" });
    await withPair(subject, bytes, new Blob([bytes]), { cacheBytes: 0 }, async (paged, resident) => {
      const queries = rowsOf(sampleOf("f32")(300, D, 1), D).map(([, query]) => query);
      const options = { k: 4, searchListSize: 20, beamWidth: 2, pageSearch: false };
      const found = Promise.all(
        queries.map((query) => {
          const own = query.slice();
          const hits = paged.search(own, options);
          own.fill(Number.NaN); // it was copied
          return hits;
        }),
      );
      const expected = await Promise.all(queries.map((query) => resident.search(query, options)));
      equal(await found, expected, "answers");
    });
  });
}

function ending(test: Test, subject: Subject, build: Build): void {
  const { VectorIndex } = subject;

  test("paged: aborted searches reject with the reason, the others go on", async () => {
    const bytes = await build();
    await withPair(subject, bytes, new Blob([bytes]), { cacheBytes: 50_000 }, async (paged, resident) => {
      const controller = new AbortController();
      const reason = new Error("enough");
      const queries = rowsOf(sampleOf("f32")(80, D, 1), D).map(([, query]) => query);
      const options = { beamWidth: 4, pageSearch: true };
      const searches = queries.map((query, i) =>
        paged.search(query, i % 2 === 0 ? { ...options, signal: controller.signal } : options),
      );
      const batch = paged.searchBatch(queries, { signal: controller.signal });
      setTimeout(() => controller.abort(reason), 1);
      const ended = await Promise.allSettled([...searches, batch]);
      for (const [i, end] of ended.entries()) {
        if (end.status === "rejected") {
          ok((i % 2 === 0 || i === 80) && end.reason === reason, `search ${i}: ${String(end.reason)}`);
        } else if (i < 80) {
          equal(end.value, (await resident.search(queries[i] as Float32Array, options)) as never, "answer");
        }
      }
      ok(
        ended.some(({ status }) => status === "rejected"),
        "one at least was under way",
      );
      const late = await rejection(() =>
        paged.search(queries[0] as Float32Array, { signal: AbortSignal.abort(reason) }),
      );
      ok(late === reason, "aborted before it began");
    });
  });

  test("paged: close lets searches end that have begun, and refuses others", async () => {
    const bytes = await build();
    const paged = await VectorIndex.open(new Blob([bytes]), { mode: "paged" });
    const [query] = queriesOf(paged) as [Float32Array];
    const begun = Array.from({ length: 20 }, () => paged.search(query));
    const closing = paged.close();
    await rejects(() => paged.search(query), "ERR_CLOSED");
    equal(new Set((await Promise.all(begun)).map((hits) => hits.length)), new Set([10]), "hits");
    await closing;
    await paged.close();
    await rejects(() => paged.search(query), "ERR_CLOSED");
  });

  test("paged: closed while reads of aborted searches are under way", async () => {
    const bytes = await build();
    for (let round = 0; round < 5; round++) {
      const paged = await VectorIndex.open(new Blob([bytes]), { mode: "paged", cacheBytes: 0 });
      const controller = new AbortController();
      const reason = new Error("enough");
      const searches = queriesOf(paged).map((query) => paged.search(query, { signal: controller.signal }));
      if (round % 2 === 1) await settle();
      controller.abort(reason);
      const ended = await Promise.allSettled(searches);
      await paged.close();
      for (const end of ended) ok(end.status === "fulfilled" || end.reason === reason, "the reason");
    }
  });
}

function choosing(test: Test, subject: Subject, build: Build): void {
  const { VectorIndex } = subject;
  const modeOf = async (source: IndexSource, options: OpenOptions): Promise<string> => {
    const index = await VectorIndex.open(source, options);
    const { mode } = index.stats();
    await index.close();
    return mode;
  };

  test("mode auto: in memory when the file fits into the cache or its records hold no codes, else paged", async () => {
    const bytes = await build();
    const index = await VectorIndex.build(sampleOf("f32")(50, D), { dimensions: D, codes: "none" });
    const plain = (await index.toBytes()) as Uint8Array<ArrayBuffer>;
    await index.close();
    for (const { put } of Object.values(kinds(subject))) {
      const source = await put(bytes);
      equal(await modeOf(source, {}), "resident", "64 MiB hold it");
      equal(await modeOf(source, { cacheBytes: bytes.length }), "resident", "it just fits");
      equal(await modeOf(source, { cacheBytes: bytes.length - 1 }), "paged", "a byte too large");
      equal(await modeOf(source, { mode: "resident", cacheBytes: 0 }), "resident", "as asked for");
      const other = await put(plain);
      equal(await modeOf(other, { cacheBytes: 0 }), "resident", "no codes");
      await rejects(
        () => VectorIndex.open(other, { mode: "paged" }),
        "ERR_UNSUPPORTED",
        /codes "1bit" or "pq"/,
      );
    }
  });

  test("fileAccess: the same answers however a file is read, where it can be", async () => {
    const bytes = await build();
    const { blob, file } = kinds(subject);
    const source = await (blob as { put: Put }).put(bytes);
    const open = (from: IndexSource, fileAccess: OpenOptions["fileAccess"]) => () =>
      VectorIndex.open(from, { mode: "paged", cacheBytes: 0, fileAccess });
    for (const fileAccess of ["pread", "mmap", "direct"] as const)
      await rejects(open(source, fileAccess), "ERR_UNSUPPORTED", /by path/);
    if (!file) return;
    const path = await file.put(bytes);
    equal(await modeOf(path, { fileAccess: "pread" }), "resident", "64 MiB hold it");
    for (const fileAccess of [undefined, "pread", "mmap", "direct"] as const) {
      if (subject.backend !== "native" && (fileAccess ?? "pread") !== "pread") {
        await rejects(open(path, fileAccess), "ERR_UNSUPPORTED", /diskann\/native/);
        continue;
      }
      await withPair(subject, bytes, path, { cacheBytes: 0, fileAccess }, async (paged, resident) => {
        equal(paged.stats().storage?.fileAccess, fileAccess ?? "pread", "stats");
        equal(resident.stats().storage?.fileAccess, undefined, "stats in memory");
        await sameAnswers(paged, resident, true);
        const [query] = queriesOf(resident) as [Float32Array];
        equal(await paged.searchExact(query), await resident.searchExact(query), "exact");
        equal(await paged.toBytes(), bytes, "a copy");
      });
    }
  });

  test("keepBytes: the same answers when a file behind HTTP is opened again, or what to do instead", async () => {
    const bytes = await build();
    const { http } = kinds(subject);
    if (!http) return;
    const url = await http.put(bytes);
    if (!subject.places?.includes("idb")) {
      await rejects(
        () => VectorIndex.open(url, { mode: "paged", keepBytes: 1 }),
        "ERR_UNSUPPORTED",
        /VectorIndex\.import/,
      );
      equal(await modeOf(url, { mode: "resident", keepBytes: 1 }), "resident", "read as a whole");
      return;
    }
    for (let visit = 0; visit < 2; visit++)
      await withPair(subject, bytes, url, { keepBytes: 2 ** 24, cacheBytes: 0 }, (paged, resident) =>
        sameAnswers(paged, resident, true),
      );
    equal(await modeOf(url, { keepBytes: 2 ** 24 }), "resident", "64 MiB hold it");
  });

  test("beamWidth and pageSearch of open are defaults of its searches, in memory too", async () => {
    const bytes = await build();
    const resident = await VectorIndex.open(bytes, { beamWidth: 5, pageSearch: true });
    equal(resident.stats().search, { beamWidth: 5, pageSearch: true }, "stats");
    const [query] = queriesOf(resident) as [Float32Array];
    const { counters } = await resident.search(query, { counters: true });
    const wide = await resident.search(query, { counters: true, beamWidth: 5, pageSearch: true });
    const narrow = await resident.search(query, { counters: true, beamWidth: 1, pageSearch: false });
    equal(counters, wide.counters, "as the default");
    ok((narrow.counters?.rounds ?? 0) > (wide.counters?.rounds ?? 0), "another width is another search");
    const other = await VectorIndex.open(bytes);
    equal(other.stats().search, { beamWidth: 1, pageSearch: false }, "defaults in memory");
    await Promise.all([resident.close(), other.close()]);
  });
}

function misusing(test: Test, subject: Subject, build: Build): void {
  const { VectorIndex } = subject;

  test("paged: what open and search do not take", async () => {
    const bytes = await build();
    const wrong: Record<string, unknown[]> = {
      mode: ["memory", "", null, 1, true],
      fileAccess: ["", "read", 1, null],
      keepBytes: [-1, 1.5, Number.NaN, 2 ** 40 + 1, "16M", null],
      cacheBytes: [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 40 + 1, "16M", null, 10n],
      beamWidth: [0, 65, 1.5, null, "4"],
      pageSearch: [0, 1, null, "yes"],
    };
    for (const [name, values] of Object.entries(wrong))
      for (const value of values)
        await rejects(
          () => VectorIndex.open(bytes, { [name]: value }),
          "ERR_INVALID_ARGUMENT",
          new RegExp(name),
        );
    const paged = await VectorIndex.open(bytes, { mode: "paged", beamWidth: 64, cacheBytes: 2 ** 40 });
    const [query] = queriesOf(paged) as [Float32Array];
    for (const counters of [0, null, "yes"])
      await rejects(() => paged.search(query, { counters } as never), "ERR_INVALID_ARGUMENT", /counters/);
    await rejects(() => paged.search(query.subarray(1)), "ERR_DIMENSION_MISMATCH");
    await rejects(() => paged.search(query.map(() => Number.NaN)), "ERR_NOT_FINITE");
    const rows = [query, query.map(() => Number.NaN), query.map(() => Number.NaN)];
    const error = await rejects(() => paged.searchBatch(rows), "ERR_NOT_FINITE", /row 1/);
    equal(error.row, 1, "row");
    equal((await paged.search(query)).length, 10, "it goes on");
    await paged.close();
  });

  test("paged: add says how to open it", async () => {
    const paged = await VectorIndex.open(await build(), { mode: "paged" });
    const [query] = queriesOf(paged) as [Float32Array];
    await rejects(() => paged.add([query]), "ERR_UNSUPPORTED", /mode: "resident"/);
    equal((await paged.search(query)).length, 10, "it goes on");
    await paged.close();
  });

  test("paged: a file that is cut short, damaged at the beginning or none at all", async () => {
    const bytes = await build();
    const flipped = bytes.slice();
    flipped[20] = (flipped[20] as number) ^ 1;
    const bad = [new Uint8Array(0), bytes.slice(0, 4000), bytes.slice(0, 5000), bytes.slice(0, -1), flipped];
    for (const wrong of [...bad, new Uint8Array(9000)])
      for (const source of [wrong, new Blob([wrong])])
        await rejects(() => VectorIndex.open(source, { mode: "paged" }), "ERR_CORRUPT");
    const reason = new Error("enough");
    const signal = AbortSignal.abort(reason);
    ok((await rejection(() => VectorIndex.open(bytes, { mode: "paged", signal }))) === reason, "aborted");
  });
}
