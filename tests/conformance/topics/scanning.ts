/** What reads an index in its file from end to end: exact search, ids, audit and copy, from every kind of place. */
import type { IndexSource } from "../../../ts/core/types.js";
import { equal, type Index, ok, rejection, rejects, type Subject, type Test } from "../kit.js";
import { rowsOf, sampleOf } from "../model.js";
import { type Build, builder, damage, kinds, type Put } from "./paging.js";

const D = 20;
const CODES = ["1bit", "pq"] as const;

async function open({ VectorIndex }: Subject, source: IndexSource, cacheBytes = 40_000): Promise<Index> {
  const paged = await VectorIndex.open(source, { mode: "paged", cacheBytes });
  equal(paged.stats().mode, "paged", "mode");
  return paged;
}

/** All that can be asked beside a search, against the index in memory. */
async function sameAll(paged: Index, resident: Index, bytes: Uint8Array): Promise<void> {
  const queries = rowsOf(sampleOf(resident.dataType)(3, D, 1), D).map(([, query]) => query);
  for (const k of [1, 7, 2000])
    equal(
      await Promise.all(queries.map((query) => paged.searchExact(query, { k }))),
      await Promise.all(queries.map((query) => resident.searchExact(query, { k }))),
      `exact search, k ${k}`,
    );
  const [query] = queries as [Float32Array];
  const [nearest] = await paged.search(query, { k: 1 });
  for (const id of [0, 1, 17, paged.size - 1, nearest?.id ?? 0, paged.size, 2 ** 53 - 1]) {
    equal(await paged.get(id), await resident.get(id), `vector ${id}`);
    equal(await paged.has(id), await resident.has(id), `id ${id}`);
  }
  equal(await paged.verify(), { ok: true, errors: [] }, "audit");
  equal(await paged.toBytes(), bytes, "copy");
}

export function scanning(test: Test, subject: Subject): void {
  const build = builder(subject);
  for (const [kind, { put }] of Object.entries(kinds(subject))) {
    test(`paged, ${kind}: exact search, ids, audit and copy are those of the index in memory`, async () => {
      for (const codes of CODES) {
        const bytes = await build({ codes });
        const resident = await subject.VectorIndex.open(bytes, { mode: "resident" });
        const paged = await open(subject, await put(bytes));
        await sameAll(paged, resident, bytes);
        await Promise.all([paged.close(), resident.close()]);
      }
    });

    test(`paged, ${kind}: a damaged page is found by all that read it`, async () => {
      await oneDamagedPage(subject, await build({ codes: "pq" }), put);
    });
  }
  typed(test, subject, build);
  controlled(test, subject, build);
  saved(test, subject, build);
}

async function oneDamagedPage(subject: Subject, bytes: Uint8Array, put: Put): Promise<void> {
  const resident = await subject.VectorIndex.open(bytes, { mode: "resident" });
  const { pageBytes, pages } = resident.stats().layout;
  const page = pages - 2;
  const paged = await open(subject, await put(damage(bytes, pageBytes, page)));
  const [query] = rowsOf(sampleOf("f32")(1, D), D).map(([, row]) => row) as [Float32Array];
  const report = await paged.verify();
  ok(
    report.errors.some((error) => error.page === page && error.code === "ERR_CORRUPT"),
    `page ${page}: ${JSON.stringify(report)}`,
  );
  ok(!report.ok, "not ok");
  for (const call of [() => paged.searchExact(query), () => paged.toBytes()])
    equal((await rejects(call, "ERR_CORRUPT", /page/)).page, page, "page");
  // Of its ids nobody can say anything; of those before it, all is known.
  const answers = await Promise.allSettled(Array.from({ length: 40 }, (_, i) => paged.get(i * 20)));
  for (const [i, answer] of answers.entries()) {
    if (answer.status === "fulfilled") equal(answer.value, await resident.get(i * 20), `vector ${i * 20}`);
    else equal((answer.reason as { page?: number }).page, page, "page of an id");
  }
  ok(
    answers.some(({ status }) => status === "fulfilled"),
    "most are found",
  );
  await Promise.all([paged.close(), resident.close()]);
}

function typed(test: Test, subject: Subject, build: Build): void {
  for (const dataType of ["f32", "f16", "i8", "u8"] as const)
    for (const codes of CODES)
      test(`paged, ${dataType} ${codes}: exact search, ids, audit and copy`, async () => {
        const bytes = await build({ dataType, codes, metric: "cosine" });
        const resident = await subject.VectorIndex.open(bytes, { mode: "resident" });
        const paged = await open(subject, bytes, 0);
        await sameAll(paged, resident, bytes);
        await Promise.all([paged.close(), resident.close()]);
      });

  test("paged: an empty index, and ids far apart", async () => {
    for (const ids of [[], [7, 2 ** 53 - 1, 12]]) {
      const index = await subject.VectorIndex.create({ dimensions: 3, codes: "1bit" });
      await index.add(
        ids.map((_, i) => [i, 1, 2]),
        { ids },
      );
      const bytes = await index.toBytes();
      const paged = await open(subject, bytes);
      equal(await paged.searchExact([0, 1, 2]), await index.searchExact([0, 1, 2]), "exact search");
      for (const id of [7, 12, 13, 2 ** 53 - 1])
        equal(await paged.get(id), await index.get(id), `vector ${id}`);
      equal(await paged.verify(), { ok: true, errors: [] }, "audit");
      equal(await paged.toBytes(), bytes, "copy");
      await Promise.all([paged.close(), index.close()]);
    }
  });
}

function controlled(test: Test, subject: Subject, build: Build): void {
  test("paged: long calls tell how far they are, and end when they are told to", async () => {
    const bytes = await build();
    const paged = await open(subject, new Blob([bytes as Uint8Array<ArrayBuffer>]));
    const [query] = rowsOf(sampleOf("f32")(1, D), D).map(([, row]) => row) as [Float32Array];
    type Call = (options: object) => Promise<unknown>;
    const calls: Record<string, Call> = {
      verify: (options) => paged.verify(options),
      toBytes: (options) => paged.toBytes(options),
      get: (options) => paged.get(899, options),
      has: (options) => paged.has(899, options),
    };
    for (const [name, call] of Object.entries(calls)) {
      const seen: { phase: string; done: number; total: number }[] = [];
      await call({ onProgress: (event: (typeof seen)[number]) => seen.push({ ...event }) });
      ok(seen.length > 0, `${name} tells nothing`);
      for (const { done, total } of seen) ok(done >= 0 && done <= total, `${name}: ${done} of ${total}`);
      const last = seen[seen.length - 1];
      equal(last?.done, last?.total, `${name} ends`);
      const broken = new Error("of the callback");
      const throws = () => {
        throw broken;
      };
      ok((await rejection(() => call({ onProgress: throws }))) === broken, `${name}: a callback that throws`);
    }
    calls.searchExact = (options) => paged.searchExact(query, options);
    for (const [name, call] of Object.entries(calls)) {
      const reason = new Error("enough");
      const controller = new AbortController();
      const running = rejection(() => call({ signal: controller.signal }));
      controller.abort(reason);
      ok((await running) === reason, `${name} is aborted`);
      ok(
        (await rejection(() => call({ signal: AbortSignal.abort(reason) }))) === reason,
        `${name} does not begin`,
      );
    }
    equal((await paged.verify()).ok, true, "it goes on");
    await rejects(() => paged.get(-1), "ERR_INVALID_ARGUMENT");
    await rejects(() => paged.has(0.5), "ERR_INVALID_ARGUMENT");
    await rejects(() => paged.get(0, { signal: 1 } as never), "ERR_INVALID_ARGUMENT");
    await rejects(() => paged.searchExact(query.subarray(1)), "ERR_DIMENSION_MISMATCH");
    await rejects(() => paged.searchExact(query.map(() => Number.NaN)), "ERR_NOT_FINITE");
    await paged.close();
    for (const call of Object.values(calls)) await rejects(() => call({}), "ERR_CLOSED");
  });

  test("paged: searches go on beside a call that reads everything", async () => {
    const bytes = await build({ codes: "pq" });
    const resident = await subject.VectorIndex.open(bytes, { mode: "resident" });
    const paged = await open(subject, new Blob([bytes as Uint8Array<ArrayBuffer>]), 0);
    const queries = rowsOf(sampleOf("f32")(60, D, 2), D).map(([, query]) => query);
    const options = { k: 5, beamWidth: 4, pageSearch: true };
    const all = [paged.verify(), paged.searchExact(queries[0] as Float32Array), paged.get(5)] as const;
    const found = await Promise.all(queries.map((query) => paged.search(query, options)));
    equal(found, await Promise.all(queries.map((query) => resident.search(query, options))), "answers");
    equal(
      await Promise.all(all),
      [
        { ok: true, errors: [] },
        await resident.searchExact(queries[0] as Float32Array),
        await resident.get(5),
      ],
      "the others",
    );
    await Promise.all([paged.close(), resident.close()]);
  });
}

function saved(test: Test, subject: Subject, build: Build): void {
  const { files, handle, VectorIndex } = subject;
  if (files)
    test("paged: save copies the file, all or nothing, also onto itself", async () => {
      const bytes = await build({ codes: "pq" });
      const folder = await files.folder();
      const [from, to] = [files.join(folder, "from"), files.join(folder, "to")];
      await files.write(from, bytes);
      const paged = await open(subject, from);
      await paged.save(to);
      equal(await files.read(to), bytes, "a copy");
      await paged.save(from);
      equal(await files.read(from), bytes, "onto itself");
      equal((await paged.verify()).ok, true, "it goes on");
      const { pageBytes } = paged.stats().layout;
      await paged.close();
      await files.write(from, damage(bytes, pageBytes, 1));
      const damaged = await open(subject, from);
      await rejects(() => damaged.save(to), "ERR_CORRUPT", /page 1\b/);
      equal(await files.read(to), bytes, "what was there stays");
      equal((await files.list(folder)).sort(), ["from", "to"], "nothing is left behind");
      await damaged.close();
    });
  if (handle)
    test("paged: save to a handle", async () => {
      const bytes = await build();
      const paged = await open(subject, bytes);
      const file = await handle();
      await paged.save(file);
      const copy = await VectorIndex.open(file, { mode: "resident" });
      equal(await copy.toBytes(), bytes, "a copy");
      await Promise.all([copy.close(), paged.close()]);
    });
}
