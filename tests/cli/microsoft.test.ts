/** `diskann import` and `diskann export`, there and back. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { readDiskFile, readGraph } from "../../ts/microsoft.js";
import { dataFolder } from "../support/data.js";
import { diskannCommand } from "./command.js";
import { DIMENSIONS, ROWS, writeFixture } from "./fixture.js";
import { scratchFolder } from "./scratch.js";

interface ImportReport {
  index: string;
  changes: { added: number; dropped: number; omitted: number };
  labels: string[];
  stats: { size: number; codes: string };
}
interface ExportReport {
  files: { path: string; bytes: number }[];
  labels: string[];
}

const scratch = scratchFolder();
const diskann = diskannCommand();
const here = { cwd: scratch.folder };
const read = (name: string): Uint8Array => new Uint8Array(readFileSync(scratch.path(name)));

beforeAll(async () => {
  await writeFixture(scratch.folder);
  const build = ["build", "-i", "base.fvecs", "-o", "a.diskann", "-R", "16", "--check", "0", "--quiet"];
  expect((await diskann.run(build, here)).code).toBe(0);
  scratch.write("a.diskann_labels.txt", "1\n".repeat(ROWS));
});

describe("export", () => {
  test("of a graph in memory, with its label files", async () => {
    const { code, stdout } = await diskann.run(["export", "-i", "a.diskann", "-o", "graph"], here);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/exported 1,500 x 24 f32, l2\n/)]);
    expect(stdout).toMatch(/labels +graph_labels\.txt/);
    expect(read("graph.data").length).toBe(8 + 4 * ROWS * DIMENSIONS);
    expect(readGraph(read("graph")).degrees.length).toBe(ROWS);
    expect(read("graph_labels.txt")).toEqual(read("a.diskann_labels.txt"));
    expect(existsSync(scratch.path("graph.tags"))).toBe(false);
  });

  test("of a disk index, whose codes are trained", async () => {
    const args = ["export", "-i", "a.diskann", "-o", "disk", "--kind", "disk", "--code-bytes", "8"];
    const { files, labels } = await diskann.json<ExportReport>(args, here);
    expect(files.map(({ path }) => path)).toEqual([
      ...["disk_disk.index", "disk_pq_pivots.bin", "disk_pq_compressed.bin"],
    ]);
    for (const { path, bytes } of files) expect(read(path).length).toBe(bytes);
    expect(labels).toEqual(["disk_disk.index_labels.txt"]);
    const graph = readGraph(read("graph"));
    expect(readDiskFile(read("disk_disk.index"), "f32")).toMatchObject({
      ...{ points: ROWS, start: graph.start, degrees: graph.degrees, neighbours: graph.neighbours },
    });
    expect(read("disk_pq_compressed.bin").length).toBe(8 + 8 * ROWS);
  });
});

describe("import", () => {
  test.each([
    ["graph", "graph", "none: all lists are as they were"],
    ["a disk index", "disk_disk.index", "none: all lists are as they were"],
  ])("of %s", async (_, input, changes) => {
    const { code, stdout } = await diskann.run(["import", "-i", input, "-o", "b.diskann"], here);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/imported b\.diskann\n/)]);
    expect(stdout).toMatch(new RegExp(`changes +${changes}`));
    expect(stdout).toMatch(/labels +b\.diskann_labels\.txt/);
    expect((await diskann.run(["verify", "b.diskann"], here)).code).toBe(0);
  });

  test("tells as JSON what it changed", async () => {
    writeFileSync(scratch.path("odd.data"), read("graph.data"));
    writeFileSync(scratch.path("odd"), read("graph"));
    writeFileSync(scratch.path("odd.del"), new Uint8Array(new Uint32Array([2, 1, 7, 9]).buffer));
    const args = ["import", "-i", "odd", "-o", "c.diskann", "--codes", "pq", "--code-bytes", "6"];
    const { changes, labels, stats } = await diskann.json<ImportReport>(args, here);
    expect(changes.omitted).toBe(2);
    expect(changes.dropped).toBeGreaterThan(0);
    expect(labels).toEqual([]);
    expect([stats.size, stats.codes]).toEqual([ROWS - 2, "pq"]);
  });

  test("what is wrong is told, with the file, and nothing is written", async () => {
    const fails = async (args: readonly string[], message: RegExp, exit = 1): Promise<void> => {
      const { code, stderr } = await diskann.run(["import", "-o", "d.diskann", "--quiet", ...args], here);
      expect([code, stderr]).toEqual([exit, expect.stringMatching(message)]);
      expect(existsSync(scratch.path("d.diskann"))).toBe(false);
    };
    await fails(["-i", "base.fvecs"], /base\.fvecs: .*graph.*\(ERR_CORRUPT\)/);
    await fails(["-i", "nowhere"], /nowhere.*ERR_IO/);
    await fails(["-i", "graph", "--type", "i8"], /graph.*elements make.*\(ERR_CORRUPT\)/);
    await fails(["-i", "graph", "-R", "4"], /maxDegree.*ERR_INVALID_ARGUMENT/);
    await fails(["-i", "graph", "--metric", "l1"], /--metric/, 2);
    scratch.write("graph_labels.txt", "1\n2,x\n");
    await fails(["-i", "graph"], /graph_labels\.txt: the labels, line 2: "x" is no number.*ERR_CORRUPT/);
    scratch.write("graph_labels.txt", "1\n".repeat(ROWS));
  });

  test("an index that cannot be exported", async () => {
    const build = ["build", "-i", "base.fvecs", "-o", "l1.diskann", "-m", "l1", "--check", "0", "--quiet"];
    expect((await diskann.run(build, here)).code).toBe(0);
    const { code, stderr } = await diskann.run(["export", "-i", "l1.diskann", "-o", "l1"], here);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/l1.*ERR_UNSUPPORTED/)]);
  });
});

interface Found {
  mode: string;
  reads: number;
  results: { hits: { id: number; distance: number }[] }[];
}

describe("a disk index in its place", () => {
  const search = ["search", "-i", "disk_disk.index", "-q", "query.fvecs", "-k", "5", "-L", "100"];

  test.each(["native", "wasm"])("search: the hits of the index that it was made of, %s", async (backend) => {
    const own = ["--backend", backend];
    const found = await diskann.json<Found>([...search, ...own], here);
    expect(found.mode).toBe("paged");
    expect(found.reads).toBeGreaterThan(1);
    const exact = ["search", "-i", "a.diskann", "-q", "query.fvecs", "-k", "5", "--exact", ...own];
    const { results } = await diskann.json<Found>(exact, here);
    const near = found.results.filter(({ hits }, i) => hits[0]?.id === results[i]?.hits[0]?.id);
    expect(near.length).toBeGreaterThanOrEqual(0.9 * results.length);
    const named = ["--microsoft", "f32", "--metric", "l2", "--pivots", "p.bin", "--pq-codes", "c.bin"];
    for (const [from, to] of [
      ["disk_disk.index", "renamed"],
      ["disk_pq_pivots.bin", "p.bin"],
      ["disk_pq_compressed.bin", "c.bin"],
    ] as const)
      writeFileSync(scratch.path(to), read(from));
    const renamed = ["search", "-i", "renamed", ...search.slice(3), ...named, ...own];
    expect((await diskann.json<Found>(renamed, here)).results).toEqual(found.results);
  });

  test("benchmark and info", async () => {
    const words = ["benchmark", "-i", "disk_disk.index", "-q", "query.fvecs", "-L", "40", "--repeat", "1"];
    const { rows } = await diskann.json<{ rows: { recall: number }[] }>([...words, "-g", "truth.bin"], here);
    expect(rows[0]?.recall).toBeGreaterThan(0.9);
    const info = await diskann.json<Record<string, unknown>>(["info", "disk_disk.index"], here);
    expect(info).toMatchObject({ kind: "microsoft", size: ROWS, dimensions: DIMENSIONS, codeBytes: 8 });
    const { stdout } = await diskann.run(["info", "disk_disk.index", "--microsoft", "f32"], here);
    expect(stdout).toMatch(/vectors +1,500 x 24 f32\n.*codes +8 bytes a vector/s);
  });

  test("what is wrong is told, with the file", async () => {
    const fails = async (args: readonly string[], message: RegExp, exit = 1): Promise<void> => {
      const { code, stderr } = await diskann.run(args, here);
      expect([code, stderr]).toEqual([exit, expect.stringMatching(message)]);
    };
    const others = ["--pivots", "disk_pq_pivots.bin", "--pq-codes", "disk_pq_compressed.bin"];
    const graph = ["search", "-i", "graph", ...search.slice(3), "--microsoft", ...others];
    await fails(graph, /graph: .*\(ERR_CORRUPT\)/);
    await fails([...search, "--pivots", "nowhere"], /nowhere.*\(ERR_IO\)/);
    await fails([...search, "--exact"], /diskann import/, 2);
    await fails([...search.slice(0, 2), "a.diskann", ...search.slice(3), "--metric", "l2"], /--microsoft/, 2);
    await fails(
      ["search", "-i", "renamed", ...search.slice(3), "--microsoft"],
      /microsoft\.pivots.*ERR_INVALID/,
    );
    await fails(["benchmark", ...search.slice(1)], /--truth/, 2);
    await fails(["info", "disk_disk.index", "--recall"], /diskann import/, 2);
  });
});

const sample = `${dataFolder()}/microsoft/f32_1000x32`;
if (!existsSync(`${sample}.mem`))
  console.log("no files of Microsoft's DiskANN here: only our own are tested");
test.each(existsSync(`${sample}.mem`) ? [sample] : [])("%s comes back as it was", async (path) => {
  expect((await diskann.run(["import", "-i", `${path}.mem`, "-o", "s.diskann"], here)).code).toBe(0);
  expect((await diskann.run(["export", "-i", "s.diskann", "-o", "s"], here)).code).toBe(0);
  expect(read("s.data")).toEqual(new Uint8Array(readFileSync(`${path}.mem.data`)));
  const [before, after] = [new Uint8Array(readFileSync(`${path}.mem`)), read("s")].map(readGraph);
  expect(after?.degrees).toEqual(before?.degrees);
});

const searched = ["f32_1000x32", "i8_500x48", "f32_37x1100"].filter(() => existsSync(`${sample}.mem`));
test.each(searched)("%s in its place: the answers of Microsoft's own search", async (name) => {
  const prefix = `${dataFolder()}/microsoft/${name}`;
  const type = name.slice(0, name.indexOf("_"));
  const words = [
    "search",
    "-i",
    `${prefix}.disk_disk.index`,
    "-q",
    `${prefix}.query.bin`,
    "-k",
    "10",
    "-L",
    "40",
  ];
  const how = ["-W", "2", "--microsoft", type, "--input-type", type, "--no-page-search"];
  const { results } = await diskann.json<Found>([...words, ...how], here);
  const theirs = readFileSync(`${prefix}.diskres_40_idx_uint32.bin`);
  const ids = new Uint32Array(theirs.buffer.slice(theirs.byteOffset + 8, theirs.byteOffset + theirs.length));
  expect(results.flatMap(({ hits }) => hits.map(({ id }) => id))).toEqual([...ids]);
});
