/** Indexes of Microsoft's DiskANN, as this library writes them: searched where they are, and taken over. */
import { exportIndex, type MicrosoftFiles } from "../../../ts/api/microsoft-export.js";
import { importIndex } from "../../../ts/api/microsoft-import.js";
import type { IndexOptions, IndexSource, MicrosoftDisk, OpenOptions } from "../../../ts/core/types.js";
import { readDiskFile } from "../../../ts/storage/microsoft/disk.js";
import { readGraph, writeGraph } from "../../../ts/storage/microsoft/graph.js";
import { openSink } from "../../../ts/storage/select.js";
import { equal, type Index, ids, ok, rejects, type Subject, type Test } from "../kit.js";
import { rowsOf, sampleOf } from "../model.js";

const D = 20;
const ROWS = 400;
const QUERIES = 5;
const K = 7;
const SHAPE = { dimensions: D, codes: "pq", codeBytes: 5, maxDegree: 12, buildListSize: 40 } as const;
/** All of it is looked at: the answers are those of brute force. */
const ALL = { k: K, searchListSize: ROWS };

let placeCount = 0;

/** An index, its vectors and its files of Microsoft's. */
interface Made {
  readonly rows: Float32Array;
  readonly files: MicrosoftFiles;
  readonly truth: readonly (readonly { id: number; distance: number }[])[];
}

type Make = (options?: Partial<IndexOptions>) => Promise<Made>;

function queriesOf(options: Partial<IndexOptions>): Float32Array[] {
  return rowsOf(sampleOf(options.dataType)(QUERIES, D, 1), D).map(([, query]) => query);
}

function maker({ VectorIndex, ProductQuantizer }: Subject): Make {
  const made = new Map<string, Promise<Made>>();
  const make = async (options: Partial<IndexOptions>): Promise<Made> => {
    const rows = sampleOf(options.dataType)(ROWS, D);
    const index = await VectorIndex.build(rows, { ...SHAPE, ...options });
    const files = await exportIndex(index, { kind: "disk", quantizer: ProductQuantizer, codeBytes: 5 });
    const truth = await Promise.all(queriesOf(options).map((query) => index.searchExact(query, { k: K })));
    await index.close();
    return { rows, files, truth };
  };
  return (options = {}) => {
    const key = JSON.stringify(options);
    const one = made.get(key) ?? make(options);
    made.set(key, one);
    return one;
  };
}

const file = (files: MicrosoftFiles, suffix: string): Uint8Array<ArrayBuffer> =>
  files.get(suffix) as Uint8Array<ArrayBuffer>;

/** The files somewhere; resolves to the disk index, and what `microsoft` has to say of the others. */
type Put = (files: MicrosoftFiles) => Promise<{ source: IndexSource; beside: MicrosoftDisk }>;

function putByName(write: (name: string, bytes: Uint8Array<ArrayBuffer>) => Promise<string>): Put {
  return async (files) => {
    const prefix = `microsoft-${placeCount++}`;
    let source = "";
    for (const [suffix, bytes] of files) {
      const written = await write(prefix + suffix, bytes as Uint8Array<ArrayBuffer>);
      if (suffix === "_disk.index") source = written;
    }
    return { source, beside: {} };
  };
}

function kinds({ backend, files, places = [], server }: Subject): Record<string, Put> {
  const all: Record<string, Put> = {};
  const others = (
    from: MicrosoftFiles,
    wrap: (bytes: Uint8Array<ArrayBuffer>) => IndexSource,
  ): MicrosoftDisk => {
    const norm = from.get("_disk.index_max_base_norm.bin");
    return {
      pivots: wrap(file(from, "_pq_pivots.bin")),
      codes: wrap(file(from, "_pq_compressed.bin")),
      maxBaseNorm: norm && new DataView(norm.buffer, norm.byteOffset).getFloat32(8, true),
    };
  };
  if (files) {
    const folder = files.folder();
    all.file = putByName(async (name, bytes) => {
      const path = files.join(await folder, name);
      await files.write(path, bytes);
      return path;
    });
  }
  if (backend === "native") return all; // the addon pages from paths only
  all.bytes = async (from) => ({ source: file(from, "_disk.index"), beside: others(from, (bytes) => bytes) });
  all.blob = async (from) => ({
    source: new Blob([file(from, "_disk.index")]),
    beside: others(from, (bytes) => new Blob([bytes])),
  });
  for (const kind of places)
    all[kind] = putByName(async (name, bytes) => {
      const sink = await openSink({ kind, name }, bytes.length);
      await sink.write(0, bytes);
      await sink.commit();
      return `${kind}:${name}`;
    });
  if (server)
    all.http = putByName(async (name, bytes) => {
      await fetch(server + name, { method: "PUT", body: bytes });
      return server + name;
    });
  return all;
}

async function withDisk(
  { VectorIndex }: Subject,
  { source, beside }: Awaited<ReturnType<Put>>,
  microsoft: MicrosoftDisk,
  options: OpenOptions,
  body: (index: Index) => Promise<void>,
): Promise<void> {
  const index = await VectorIndex.open(source, { ...options, microsoft: { ...beside, ...microsoft } });
  try {
    await body(index);
  } finally {
    await index.close();
  }
}

const answersOf = (index: Index, queries: readonly Float32Array[]) =>
  Promise.all(queries.map((query) => index.search(query, ALL)));

function searching(test: Test, subject: Subject, make: Make): void {
  for (const [kind, put] of Object.entries(kinds(subject)))
    test(`microsoft, ${kind}: a disk index is searched where it is, to the bit as by brute force`, async () => {
      const { files, truth } = await make();
      const placed = await put(files);
      for (const cacheBytes of [0, 2 ** 30])
        await withDisk(subject, placed, {}, { mode: "paged", cacheBytes }, async (index) => {
          equal([index.size, index.dimensions, index.stats().mode], [ROWS, D, "paged"], "shape");
          equal(await answersOf(index, queriesOf({})), truth, "one by one");
          const batch = await index.searchBatch(queriesOf({}), ALL);
          equal(
            truth.map((_, row) => batch.hits(row)),
            truth,
            "as a batch",
          );
        });
    });
}

/** Distances of vectors that were scaled there are only nearly those of the vectors. */
function near(
  hits: readonly { id: number; distance: number }[],
  truth: readonly { id: number; distance: number }[],
): void {
  equal(ids(hits), ids(truth), "ids");
  hits.forEach(({ distance }, i) => {
    const wanted = truth[i]?.distance ?? Number.NaN;
    ok(Math.abs(distance - wanted) <= 1e-5 * Math.max(1, Math.abs(wanted)), `${distance} for ${wanted}`);
  });
}

function typing(test: Test, subject: Subject, make: Make, put: Put): void {
  for (const dataType of ["i8", "u8"] as const)
    test(`microsoft: vectors of ${dataType}`, async () => {
      const { files, truth } = await make({ dataType });
      await withDisk(subject, await put(files), { dataType }, {}, async (index) => {
        equal(index.dataType, dataType, "type");
        equal(await answersOf(index, queriesOf({ dataType })), truth, "answers");
      });
    });

  test("microsoft: cosine", async () => {
    const { files, truth } = await make({ metric: "cosine" });
    await withDisk(subject, await put(files), { metric: "cosine" }, {}, async (index) => {
      equal(index.metric, "cosine", "metric");
      (await answersOf(index, queriesOf({}))).forEach((hits, i) => void near(hits, truth[i] ?? []));
    });
  });

  if (subject.ProductQuantizer)
    test("microsoft: inner products, of vectors as they were before they were scaled", async () => {
      const { files, truth } = await make({ metric: "ip" });
      const placed = await put(files);
      await withDisk(subject, placed, { metric: "ip" }, {}, async (index) => {
        equal([index.metric, index.dimensions], ["ip", D], "shape");
        (await answersOf(index, queriesOf({}))).forEach((hits, i) => void near(hits, truth[i] ?? []));
        const batch = await index.searchBatch(queriesOf({}), ALL);
        near(batch.hits(1), truth[1] ?? []);
      });
      await withDisk(subject, placed, { metric: "ip", maxBaseNorm: 2 }, {}, async (index) => {
        equal(
          ids(await index.search(queriesOf({})[0] as Float32Array, ALL)),
          ids(truth[0] ?? []),
          "other scale",
        );
      });
    });
}

function telling(test: Test, subject: Subject, make: Make, put: Put): void {
  test("microsoft: stats, counters and the cache are those of any paged index", async () => {
    const { files } = await make();
    const disk = readDiskFile(file(files, "_disk.index"), "f32");
    const query = queriesOf({})[0] as Float32Array;
    await withDisk(subject, await put(files), {}, { cacheBytes: 0 }, async (index) => {
      const { layout, maxDegree, codes, codeBytes, memory } = index.stats();
      equal([maxDegree, codes, codeBytes], [disk.maxDegree, "pq", 5], "graph and codes");
      const recordBytes = 4 * (D + 1 + disk.maxDegree);
      const recordsPerPage = Math.floor(4096 / recordBytes);
      const pages = Math.ceil(ROWS / recordsPerPage);
      const waste = 1 - (recordsPerPage * recordBytes) / 4096;
      const fileBytes = 4096 * (1 + pages);
      equal(layout, { recordBytes, pageBytes: 4096, recordsPerPage, pages, fileBytes, waste }, "layout");
      ok(memory.codes >= 5 * ROWS && memory.total >= memory.codes, "codes are in memory");
      const { counters } = await index.search(query, { k: 1, searchListSize: 5, counters: true });
      ok(counters && counters.reads > 0 && counters.hops >= 5, "it read and hopped");
      equal(counters?.bytesRead, 4096 * (counters?.reads ?? 0), "bytes");
      equal(index.stats().cache?.bytesRead, counters?.bytesRead, "bytes of the cache");
    });
  });

  test("microsoft: it cannot be changed, saved or opened in memory", async () => {
    const { files, rows } = await make();
    const placed = await put(files);
    await withDisk(subject, placed, {}, {}, async (index) => {
      await rejects(() => index.add(rows.subarray(0, D)), "ERR_UNSUPPORTED");
      await rejects(() => index.toBytes(), "ERR_UNSUPPORTED");
    });
    const open = () => withDisk(subject, placed, {}, { mode: "resident" }, async () => {});
    await rejects(open, "ERR_UNSUPPORTED", /import/);
  });
}

function misusing(test: Test, subject: Subject, make: Make, put: Put): void {
  const { VectorIndex } = subject;
  test("microsoft: options that make no sense", async () => {
    const placed = await put((await make()).files);
    const open = (microsoft: object) => () =>
      withDisk(subject, placed, microsoft as MicrosoftDisk, {}, async () => {});
    await rejects(open({ metric: "l1" }), "ERR_INVALID_ARGUMENT", /metric/);
    await rejects(open({ dataType: "f64" }), "ERR_INVALID_ARGUMENT", /dataType/);
    await rejects(open({ maxBaseNorm: 2 }), "ERR_INVALID_ARGUMENT", /maxBaseNorm/);
    await rejects(open({ metric: "ip", maxBaseNorm: 0 }), "ERR_INVALID_ARGUMENT", /maxBaseNorm/);
    await rejects(() => VectorIndex.open(placed.source, { microsoft: 7 as never }), "ERR_INVALID_ARGUMENT");
    if (subject.backend === "wasm") {
      const bytes = file((await make()).files, "_disk.index");
      await rejects(() => VectorIndex.open(bytes, { microsoft: {} }), "ERR_INVALID_ARGUMENT", /pivots/);
    }
  });

  test("microsoft: files that do not belong together, or are damaged", async () => {
    const { files } = await make();
    const open = async (change: (copies: Map<string, Uint8Array>) => void, microsoft: MicrosoftDisk = {}) => {
      const copies = new Map([...files].map(([suffix, bytes]) => [suffix, bytes.slice()]));
      change(copies);
      return withDisk(subject, await put(copies), microsoft, {}, async (index) => {
        await answersOf(index, queriesOf({}));
      });
    };
    const bend = (suffix: string, at: number, value: number) => (copies: Map<string, Uint8Array>) => {
      const bytes = copies.get(suffix) as Uint8Array;
      new DataView(bytes.buffer).setUint32(at, value, true);
    };
    const cut = (suffix: string, bytes: number) => (copies: Map<string, Uint8Array>) =>
      void copies.set(suffix, (copies.get(suffix) as Uint8Array).slice(0, bytes));
    await open(() => {});
    for (const at of [0, 4, 8, 16, 32, 40, 72])
      await rejects(() => open(bend("_disk.index", at, 3)), "ERR_CORRUPT");
    await rejects(() => open(bend("_disk.index", 64, 1)), "ERR_UNSUPPORTED");
    await rejects(() => open(bend("_disk.index", 48, 1)), "ERR_UNSUPPORTED");
    for (const bytes of [100, 4096, 8192])
      await rejects(() => open(cut("_disk.index", bytes)), "ERR_CORRUPT");
    const degree = await rejects(
      () => open(bend("_disk.index", 4096 + 4 * D, 99)),
      "ERR_CORRUPT",
      /more neighbours/,
    );
    equal(degree.page, 0, "page");
    await rejects(() => open(bend("_disk.index", 4096 + 4 * D + 4, ROWS)), "ERR_CORRUPT", /edge/);
    await rejects(() => open(bend("_disk.index", 4096, 0x7fc00000)), "ERR_CORRUPT");
    await rejects(() => open(bend("_pq_compressed.bin", 0, ROWS - 1)), "ERR_CORRUPT");
    await rejects(() => open(cut("_pq_compressed.bin", 8 + 5 * (ROWS - 1))), "ERR_CORRUPT");
    await rejects(() => open(cut("_pq_pivots.bin", 5000)), "ERR_CORRUPT");
    const fewer = (copies: Map<string, Uint8Array>): void => {
      cut("_pq_compressed.bin", 8 + 5 * (ROWS - 1))(copies);
      bend("_pq_compressed.bin", 0, ROWS - 1)(copies);
    };
    await rejects(() => open(fewer), "ERR_CORRUPT");
  });
}

/** Neighbours of each point, in order of their numbers. */
function listsOf({ degrees, neighbours }: { degrees: Uint32Array; neighbours: Uint32Array }): number[][] {
  let at = 0;
  return Array.from(degrees, (degree) => {
    at += degree;
    return Array.from(neighbours.subarray(at - degree, at)).sort((a, b) => a - b);
  });
}

function importing(test: Test, subject: Subject, make: Make): void {
  const { VectorIndex } = subject;
  test("microsoft: what was exported is imported, and the other way round", async () => {
    const { files, rows, truth } = await make();
    const disk = readDiskFile(file(files, "_disk.index"), "f32");
    const { index, changes } = await importIndex(VectorIndex, file(files, "_disk.index"), { kind: "disk" });
    equal(changes, { added: 0, dropped: 0, omitted: 0 }, "changes");
    equal((await index.verify()).errors, [], "findings");
    equal(
      await Promise.all(queriesOf({}).map((query) => index.searchExact(query, { k: K }))),
      truth,
      "vectors",
    );
    const back = await exportIndex(index);
    await index.close();
    equal([...back.keys()], ["", ".data"], "files");
    equal(file(back, ".data").slice(8), new Uint8Array(rows.buffer), "vectors");
    const graph = readGraph(file(back, ""));
    equal([graph.start, graph.maxDegree, graph.frozen], [disk.start, disk.maxDegree, 0], "head of the graph");
    equal(listsOf(graph), listsOf(disk), "lists");
    const again = await importIndex(VectorIndex, file(back, ""), {
      data: file(back, ".data"),
      codes: "none",
    });
    equal(again.changes, { added: 0, dropped: 0, omitted: 0 }, "changes");
    equal((await again.index.verify()).errors, [], "findings");
    await again.index.close();
  });

  test("microsoft: an export does not depend on codes in the file", async () => {
    const built = await VectorIndex.build(sampleOf()(1100, D), {
      ...SHAPE,
      codes: "1bit",
      codeBytes: undefined,
    });
    const files = await exportIndex(built);
    for (const codes of ["none", "pq"] as const) {
      const other = await VectorIndex.open(await built.toBytes({ codes }), { mode: "resident" });
      equal(await exportIndex(other), files, `codes ${codes}`);
      await other.close();
    }
    await built.close();
  });

  test("microsoft: ids are tags; deleted and frozen points are left out, and what they held together is mended", async () => {
    const rows = sampleOf()(6, D);
    const data = new Uint8Array(8 + rows.byteLength);
    new Uint32Array(data.buffer, 0, 2).set([6, D]);
    data.set(new Uint8Array(rows.buffer), 8);
    const lists = [[1], [2, 2, 1], [0, 3], [5], [0], [1, 4]]; // 5 is frozen, the start; 3 deleted; nobody leads to 4 then
    const graph = writeGraph({
      ...{ maxDegree: 3, start: 5, frozen: 1, degrees: Uint32Array.from(lists, (list) => list.length) },
      neighbours: Uint32Array.from(lists.flat()),
    });
    const tags = new Uint8Array(new Uint32Array([6, 1, 10, 30, 20, 77, 40, 0]).buffer);
    const deleted = new Uint8Array(new Uint32Array([1, 1, 3]).buffer);
    const { index, changes } = await importIndex(VectorIndex, graph, { data, tags, deleted });
    equal(changes, { added: 1, dropped: 6, omitted: 2 }, "changes");
    equal((await index.verify()).errors, [], "findings");
    equal(await index.get(30), rows.slice(D, 2 * D), "vector of a tag");
    const found = await index.search(rows.subarray(0, D), { k: 9, scan: false });
    equal(
      ids(found).sort((a, b) => a - b),
      [10, 20, 30, 40],
      "all are found",
    );
    const back = await exportIndex(index);
    equal(file(back, ".tags"), new Uint8Array(new Uint32Array([4, 1, 10, 20, 30, 40]).buffer), "tags");
    await index.close();
  });

  test("microsoft: a graph for build is checked", async () => {
    const rows = sampleOf()(5, D);
    const u32 = (...numbers: number[]): Uint32Array => Uint32Array.from(numbers);
    const good = {
      degrees: u32(2, 1, 1, 1, 0),
      children: u32(2, 1, 1, 0, 0),
      neighbours: u32(1, 2, 3, 4, 0),
    };
    const build = (graph: object) => async () => {
      const index = await VectorIndex.build(rows, { dimensions: D, maxDegree: 4, graph: graph as never });
      const { errors } = await index.verify();
      await index.close();
      equal(errors, [], "findings");
    };
    await build(good)();
    await rejects(build({ ...good, degrees: [2, 1, 1, 1, 0] }), "ERR_INVALID_ARGUMENT", /Uint32Array/);
    await rejects(build({ ...good, degrees: u32(2, 1, 1, 1) }), "ERR_INVALID_ARGUMENT", /rows/);
    await rejects(build({ ...good, neighbours: u32(1, 2) }), "ERR_INVALID_ARGUMENT", /neighbours/);
    await rejects(build({ ...good, children: u32(2, 1, 0, 0, 0) }), "ERR_INVALID_ARGUMENT", /tree/);
    await rejects(build({ ...good, neighbours: u32(1, 2, 3, 5, 0) }), "ERR_INVALID_ARGUMENT", /row 2/);
    await rejects(build({ ...good, neighbours: u32(1, 1, 3, 4, 0) }), "ERR_INVALID_ARGUMENT", /row 0/);
    await rejects(build(7 as never), "ERR_INVALID_ARGUMENT");
  });
}

export function microsoft(test: Test, subject: Subject): void {
  const make = maker(subject);
  const [put] = Object.values(kinds(subject));
  importing(test, subject, make);
  if (!put) return;
  searching(test, subject, make);
  typing(test, subject, make, put);
  telling(test, subject, make, put);
  misusing(test, subject, make, put);
}
