/** Files of Microsoft's DiskANN: its own where they are, ours, and bytes that nobody means well with. */
import { existsSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hangRows } from "../../ts/api/microsoft-tree.js";
import { DiskAnnError } from "../../ts/core/errors.js";
import {
  exportIndex,
  importIndex,
  type MicrosoftDiskFile,
  readDiskFile,
  readDummyMap,
  readGraph,
  readLabelMap,
  readLabels,
  readMedoids,
  readUniversalLabel,
  writeDiskFile,
  writeGraph,
} from "../../ts/microsoft.js";
import { VectorIndex as Native } from "../../ts/native.js";
import { readBin, readTags, writeBin, writeTags } from "../../ts/storage/microsoft/bin.js";
import { VectorIndex as Wasm } from "../../ts/wasm.js";
import { dataFolder } from "../support/data.js";

const folder = `${dataFolder()}/microsoft`;
const SAMPLES = existsSync(folder)
  ? ([
      ["f32_1000x32", "f32"],
      ["i8_500x48", "i8"],
      ["f32_37x1100", "f32"],
    ] as const)
  : [];
if (SAMPLES.length === 0) console.log("no files of Microsoft's DiskANN here: only our own are tested");

const bytesOf = (name: string): Uint8Array => new Uint8Array(readFileSync(`${folder}/${name}`));
const rowsOf = (name: string, type: "f32" | "i8"): Float32Array =>
  Float32Array.from(readBin(bytesOf(name), type, name).elements);

const equalBytes = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

function codeOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    if (error instanceof DiskAnnError) return error.code;
    throw error;
  }
  return "";
}

/** Neighbours of each point, in order of their numbers. */
function listsOf({ degrees, neighbours }: { degrees: Uint32Array; neighbours: Uint32Array }): number[][] {
  let at = 0;
  return Array.from(degrees, (degree) => {
    at += degree;
    return Array.from(neighbours.subarray(at - degree, at)).sort((a, b) => a - b);
  });
}

describe.each(SAMPLES)("files that Microsoft's tools wrote: %s", (name, type) => {
  test("read and written again they are the same bytes", () => {
    const graph = bytesOf(`${name}.mem`);
    const disk = bytesOf(`${name}.disk_disk.index`);
    const data = bytesOf(`${name}.mem.data`);
    const vectors = readBin(data, type, "vectors");
    expect(equalBytes(writeGraph(readGraph(graph)), graph)).toBe(true);
    expect(equalBytes(writeDiskFile(readDiskFile(disk, type)), disk)).toBe(true);
    expect(equalBytes(writeBin(vectors.rows, vectors.columns, vectors.elements), data)).toBe(true);
  });

  test.each(["mem", "disk_disk.index"])("%s is imported, and exported with the same lists", async (file) => {
    const { index, changes } = await importIndex(Native, `${folder}/${name}.${file}`, { dataType: type });
    expect(changes).toEqual({ added: 0, dropped: 0, omitted: 0 });
    expect(await index.verify()).toEqual({ ok: true, errors: [] });
    const files = await exportIndex(index);
    await index.close();
    const before =
      file === "mem"
        ? readGraph(bytesOf(`${name}.mem`))
        : readDiskFile(bytesOf(`${name}.disk_disk.index`), type);
    const after = readGraph(files.get("") as Uint8Array);
    expect(listsOf(after)).toEqual(listsOf(before));
    expect([after.start, after.maxDegree]).toEqual([before.start, before.maxDegree]);
    expect(equalBytes(files.get(".data") as Uint8Array, bytesOf(`${name}.mem.data`))).toBe(true);
    expect([...files.keys()]).toEqual(["", ".data"]);
  });

  /** Its search adds floats in another order, so that they differ in the last bits; sums of bytes are exact. */
  test.each([
    ["the addon", Native],
    ["WebAssembly", Wasm],
  ])("%s finds where they are what its own search found, K 10, L 40, W 2", async (_, VectorIndex) => {
    const queries = rowsOf(`${name}.query.bin`, type);
    const ids = readBin(bytesOf(`${name}.diskres_40_idx_uint32.bin`), "u32", "ids").elements;
    const distances = readBin(bytesOf(`${name}.diskres_40_dists_float.bin`), "f32", "distances").elements;
    const index = await VectorIndex.open(`${folder}/${name}.disk_disk.index`, {
      ...{ mode: "paged", beamWidth: 2, pageSearch: false },
      microsoft: { dataType: type, pivots: `${folder}/${name}.disk_pq_pivots.bin` },
    });
    const batch = await index.searchBatch(queries, { k: 10, searchListSize: 40 });
    await index.close();
    expect(Array.from(batch.ids)).toEqual(Array.from(ids));
    batch.distances.forEach((distance, i) => {
      const theirs = distances[i] as number;
      if (type === "i8") expect(distance).toBe(theirs);
      else expect(Math.abs(distance - theirs)).toBeLessThanOrEqual(3e-7 * theirs);
    });
  });
});

/* ---- our own ---- */

const GRAPH = {
  ...{ maxDegree: 3, start: 1, frozen: 0 },
  degrees: Uint32Array.of(2, 1, 3),
  neighbours: Uint32Array.of(1, 2, 0, 0, 1, 2),
};

function diskFile(change: Partial<MicrosoftDiskFile> = {}): MicrosoftDiskFile {
  const points = change.points ?? 30;
  const dimensions = change.dimensions ?? 5;
  return {
    ...{
      variant: "c++",
      blockBytes: 4096,
      points,
      dimensions,
      start: 2,
      maxDegree: 4,
      frozen: 0,
      frozenAt: 0,
    },
    vectors: Float32Array.from({ length: points * dimensions }, (_, i) => Math.sin(i)),
    degrees: Uint32Array.from({ length: points }, (_, i) => i % 5),
    neighbours: Uint32Array.from({ length: (points / 5) * 10 }, (_, i) => (7 * i) % points),
    ...change,
  };
}

function changed(bytes: Uint8Array, at: number, value: number): Uint8Array {
  const copy = bytes.slice();
  new DataView(copy.buffer).setUint32(at, value, true);
  return copy;
}

describe("graphs", () => {
  test("are what was written, byte by byte", () => {
    const bytes = writeGraph(GRAPH);
    expect(Array.from(new Uint32Array(bytes.buffer))).toEqual([
      ...[60, 0, 3, 1, 0, 0],
      ...[2, 1, 2, 1, 0, 3, 0, 1, 2],
    ]);
    expect(readGraph(bytes)).toEqual(GRAPH);
  });

  test("that cannot be are ERR_CORRUPT", () => {
    const bytes = writeGraph(GRAPH);
    for (let length = 0; length < bytes.length; length++)
      expect(codeOf(() => readGraph(bytes.slice(0, length)))).toBe("ERR_CORRUPT");
    for (const [at, value] of [
      ...[[0, 61] as const, [8, 2] as const, [12, 3] as const, [16, 4] as const, [20, 0xffffffff] as const],
      ...[[24, 4] as const, [24, 0xffffffff] as const, [28, 3] as const, [44, 2] as const],
    ])
      expect([at, codeOf(() => readGraph(changed(bytes, at, value)))]).toEqual([at, "ERR_CORRUPT"]);
  });
});

describe("disk indexes", () => {
  test.each([
    ["some nodes in a block", {}],
    ["a node in two blocks", { dimensions: 1100 }],
    ["the layout of Rust, from its description", { variant: "rust", blockBytes: 8192 }],
    ["a frozen point", { frozen: 1, frozenAt: 29 }],
  ] as const)("are what was written: %s", (_, change) => {
    const file = diskFile(change);
    const bytes = writeDiskFile(file);
    expect(readDiskFile(bytes, "f32")).toEqual(file);
    expect(bytes.length % file.blockBytes).toBe(0);
    expect(new DataView(bytes.buffer).getInt32(0, true)).toBe(file.variant === "c++" ? 9 : 96);
  });

  test("that cannot be are refused, whatever byte is wrong", () => {
    const bytes = writeDiskFile(diskFile());
    for (const length of [0, 100, 4095, 4096, bytes.length - 1])
      expect(codeOf(() => readDiskFile(bytes.slice(0, length), "f32"))).toBe("ERR_CORRUPT");
    for (const at of [0, 4, 8, 12, 16, 20, 28, 36, 40, 44, 52, 72, 76])
      expect([at, codeOf(() => readDiskFile(changed(bytes, at, 0x01020304), "f32"))]).toEqual([
        at,
        "ERR_CORRUPT",
      ]);
    expect(codeOf(() => readDiskFile(changed(bytes, 32, 41), "f32"))).toBe("ERR_CORRUPT");
    expect(codeOf(() => readDiskFile(changed(bytes, 32, 4 * 600), "f32"))).toBe("ERR_UNSUPPORTED"); // its degree
    expect(codeOf(() => readDiskFile(changed(bytes, 64, 1), "f32"))).toBe("ERR_UNSUPPORTED");
    expect(codeOf(() => readDiskFile(changed(bytes, 4096 + 20, 5), "f32"))).toBe("ERR_CORRUPT");
    expect(codeOf(() => readDiskFile(changed(bytes, 4096 + 40 + 24, 30), "f32"))).toBe("ERR_CORRUPT");
    expect(codeOf(() => readDiskFile(bytes, "u8"))).toBe("ERR_CORRUPT");
    const rust = writeDiskFile(diskFile({ variant: "rust" }));
    expect(codeOf(() => readDiskFile(changed(rust, 96, 2), "f32"))).toBe("ERR_VERSION");
    expect(codeOf(() => readDiskFile(changed(rust, 80, 8), "f32"))).toBe("ERR_UNSUPPORTED");
    expect(codeOf(() => readDiskFile(changed(rust, 88, 4000), "f32"))).toBe("ERR_CORRUPT");
  });

  test("noise is an error of ours, or an index", () => {
    const bytes = writeDiskFile(diskFile());
    const noise = fc.array(fc.tuple(fc.nat(8200), fc.nat(255)), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(noise, (places) => {
        const copy = bytes.slice();
        for (const [at, value] of places) copy[at % copy.length] = value;
        codeOf(() => readDiskFile(copy, "f32"));
      }),
      { seed: 1, numRuns: 300 },
    );
  });
});

test("tags are of 4 or of 8 bytes", () => {
  for (const [tags, width] of [
    [[5, 0, 4294967295], 4],
    [[5, 0, 2 ** 53 - 1], 8],
  ] as const)
    expect(readTags(writeTags(tags, width), 3)).toEqual({ tags: Float64Array.from(tags), width });
  const large = writeTags([1, 2, 3], 8).fill(255, 8, 16);
  expect(codeOf(() => readTags(large, 3))).toBe("ERR_CORRUPT");
  expect(codeOf(() => readTags(writeTags([1, 2, 3], 4), 4))).toBe("ERR_CORRUPT");
});

describe("label files", () => {
  const text = (value: string): Uint8Array => new TextEncoder().encode(value);
  const messageOf = (call: () => unknown): string => {
    try {
      call();
    } catch (error) {
      return error instanceof DiskAnnError ? `${error.code} ${error.message}` : String(error);
    }
    return "";
  };

  test("are read", () => {
    expect(readLabels(text("1,2\n3\r\n"), 2)).toEqual([[1, 2], [3]]);
    expect(readLabelMap(text("a b\t1\nc\td\t2\n"))).toEqual(
      new Map([
        ["a b", 1],
        ["c\td", 2],
      ]),
    );
    expect(readMedoids(text("1, 5\n7, 7, 0\n"), 6)).toEqual(
      new Map([
        [1, [5]],
        [7, [7, 0]], // of a merged index: the label once more
      ]),
    );
    expect(readUniversalLabel(text("0\n"))).toBe(0);
    expect(readDummyMap(text("10,2\n11,3"))).toEqual(
      new Map([
        [10, 2],
        [11, 3],
      ]),
    );
  });

  test("say in which line they are wrong", () => {
    const cases: readonly (readonly [() => unknown, RegExp])[] = [
      [() => readLabels(text("1\n2,x\n")), /labels, line 2: "x" is no number/],
      [() => readLabels(text("1\n\n")), /line 2: a point has no label/],
      [() => readLabels(text("1\n2")), /line 2: the last line does not end/],
      [() => readLabels(text("1\n4294967296\n")), /line 2: "4294967296" is no number/],
      [() => readLabels(text("1\n"), 2), /1 lines for 2 points/],
      [() => readLabels(Uint8Array.of(0xff)), /UTF-8/],
      [() => readLabelMap(text("a\t1\nb\n")), /line 2: a text, a tab/],
      [() => readLabelMap(text("a\t1\nb\t1\n")), /line 2: "b" or 1 is there twice/],
      [() => readMedoids(text("1, 2\n3\n")), /line 2: label 3 has no medoid/],
      [() => readMedoids(text("1, 2\n1, 3\n")), /line 2: label 1 is there twice/],
      [() => readMedoids(text("9, 9\n"), 6), /line 1: point 9 is named, but there are 6/],
      [() => readUniversalLabel(text("1\n2\n")), /one line is wanted/],
      [() => readDummyMap(text("1,2\n1\n")), /line 2: two numbers/],
    ];
    for (const [call, message] of cases) {
      expect(messageOf(call)).toMatch(/^ERR_CORRUPT /);
      expect(messageOf(call)).toMatch(message);
    }
  });
});

/* ---- a tree in any graph ---- */

/** What a build wants of lists; returns the edges. */
function checkHung(hung: ReturnType<typeof hangRows>, entry: number, maxDegree: number): Set<string> {
  const rows = hung.degrees.length;
  const parents = new Array<number>(rows).fill(-1);
  const edges = new Set<string>();
  let at = 0;
  for (let row = 0; row < rows; row++) {
    const list = hung.neighbours.subarray(at, at + (hung.degrees[row] as number));
    const children = hung.children[row] as number;
    at += list.length;
    expect(list.length).toBeLessThanOrEqual(maxDegree);
    expect(children).toBeLessThanOrEqual(Math.min(list.length, Math.floor(maxDegree / 2)));
    expect(new Set(list).size).toBe(list.length);
    list.forEach((neighbour, i) => {
      expect(neighbour !== row && neighbour < rows).toBe(true);
      edges.add(`${row}-${neighbour}`);
      if (i >= children) return;
      expect(parents[neighbour]).toBe(-1);
      parents[neighbour] = row;
    });
  }
  expect(parents[entry]).toBe(-1);
  for (let row = 0; row < rows; row++) {
    let [up, steps] = [row, 0];
    while (up !== entry && steps++ < rows) up = parents[up] as number;
    expect(up).toBe(entry);
  }
  return edges;
}

test("every graph gets its tree, with edges added only where none leads to a row", () => {
  const graphs = fc
    .record({
      rows: fc.integer({ min: 1, max: 40 }),
      maxDegree: fc.integer({ min: 4, max: 7 }),
      seed: fc.nat(),
    })
    .chain(({ rows, maxDegree }) =>
      fc.record({
        maxDegree: fc.constant(maxDegree),
        entry: fc.nat(rows - 1),
        lists: fc.array(fc.uniqueArray(fc.nat(rows - 1), { maxLength: maxDegree }), {
          minLength: rows,
          maxLength: rows,
        }),
      }),
    );
  fc.assert(
    fc.property(graphs, ({ maxDegree, entry, lists }) => {
      const clean = lists.map((list, row) => list.filter((neighbour) => neighbour !== row));
      const degrees = Uint32Array.from(clean, (list) => list.length);
      const hung = hangRows(degrees, Uint32Array.from(clean.flat()), entry, maxDegree);
      const edges = checkHung(hung, entry, maxDegree);
      const given = clean.flatMap((list, row) => list.map((neighbour) => `${row}-${neighbour}`));
      const kept = given.filter((edge) => edges.has(edge)).length;
      expect(given.length - kept).toBe(hung.displaced);
      expect(edges.size - kept).toBe(hung.added);
      if (isReachable(clean, entry) && clean.every((list) => list.length <= maxDegree / 2))
        expect(hung.added).toBe(0);
    }),
    { seed: 7, numRuns: 400 },
  );
});

function isReachable(lists: readonly (readonly number[])[], entry: number): boolean {
  const found = new Set([entry]);
  for (const row of found) for (const neighbour of lists[row] ?? []) found.add(neighbour);
  return found.size === lists.length;
}

test("a star, in which all hang on one, keeps what lists can hold", () => {
  const rows = 100;
  const degrees = new Uint32Array(rows);
  degrees[0] = 4;
  const hung = hangRows(degrees, Uint32Array.of(1, 2, 3, 4), 0, 4);
  checkHung(hung, 0, 4);
  expect([hung.added - hung.displaced, hung.displaced]).toEqual([97, 0]);
});
