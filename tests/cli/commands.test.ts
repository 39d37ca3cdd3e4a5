import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { readTruth, recallAt, VectorFile, writeVectors } from "../../ts/cli/formats/index.js";
import type { IndexStats, VerifyReport } from "../../ts/core/types.js";
import { dataFolder } from "../support/data.js";
import { diskannCommand } from "./command.js";
import { DIMENSIONS, type FixtureFiles, QUERIES, ROWS, TRUTH_K, writeFixture } from "./fixture.js";
import { scratchFolder } from "./scratch.js";

interface BuildReport {
  index: string;
  pointsPerSecond: number;
  check?: { recall: number; k: number; queries: number };
  stats: IndexStats;
}
interface SearchReport {
  queries: number;
  k: number;
  exact: boolean;
  backend: string;
  results?: { query: number; hits: { id: number; distance: number }[] }[];
}
interface BenchmarkReport {
  truth: string;
  rows: {
    searchListSize: number;
    recall: number;
    queriesPerSecond: number;
    latencyMs: { mean: number; p50: number; p95: number; p99: number };
    distanceComputations: number;
    hops: number;
  }[];
}

const scratch = scratchFolder();
const diskann = diskannCommand();
const here = { cwd: scratch.folder };
let files: FixtureFiles;

beforeAll(async () => {
  files = await writeFixture(scratch.folder);
  const { code, stderr } = await diskann.run(
    ["build", "-i", "base.fvecs", "-o", "base.diskann", "--quiet"],
    here,
  );
  expect([code, stderr]).toEqual([0, ""]);
});

function truthIds(row: number, k: number): number[] {
  return Array.from(files.truth.ids.subarray(row * TRUTH_K, row * TRUTH_K + k));
}

describe("build", () => {
  test("says what it built and checks it", async () => {
    const { code, stdout, stderr } = await diskann.run(
      ["build", "-i", "base.fvecs", "-o", "b.diskann"],
      here,
    );
    expect(code).toBe(0);
    expect(stdout).toContain("built b.diskann");
    expect(stdout).toMatch(/vectors +1,500 x 24 f32, l2/);
    expect(stdout).toMatch(/time .* points\/s/);
    const recall = Number(/recall@10 ([\d.]+) \(100 of its vectors/.exec(stdout)?.[1]);
    expect(recall).toBeGreaterThanOrEqual(0.99);
    expect(stderr).toContain("building from base.fvecs (1,500 x 24 f32), l2");
  });

  test("the same bytes for any threads, backend and format of the same vectors", async () => {
    await diskann.run(["convert", "-i", "base.fvecs", "-o", "same.npy"], here);
    await diskann.run(
      ["build", "-i", "same.npy", "-o", "s1.diskann", "-j", "1", "--backend", "native"],
      here,
    );
    await diskann.run(["build", "-i", "base.fvecs", "-o", "s2.diskann", "--backend", "wasm"], here);
    const expected = readFileSync(scratch.path("base.diskann"));
    for (const name of ["s1.diskann", "s2.diskann"])
      expect(readFileSync(scratch.path(name)).equals(expected)).toBe(true);
  });

  test("options reach the index", async () => {
    const args = ["build", "-i", "base.fvecs", "-o", "o.diskann", "-m", "cosine", "-R", "16", "-L", "40"];
    const more = ["--alpha", "1.1", "--seed", "7", "--check", "5"];
    const report = await diskann.json<BuildReport>([...args, ...more], here);
    expect(report.stats).toMatchObject({
      metric: "cosine",
      maxDegree: 16,
      buildListSize: 40,
      alpha: 1.1,
      seed: 7,
    });
    expect(report.stats.degree.max).toBeLessThanOrEqual(16);
    expect(report.check).toMatchObject({ k: 10, queries: 5 });
    expect(await diskann.json<IndexStats>(["info", "o.diskann"], here)).toMatchObject({
      metric: "cosine",
      maxDegree: 16,
      size: ROWS,
    });
  });

  test("bytes are converted", async () => {
    const report = await diskann.json<BuildReport>(["build", "-i", "base.u8bin", "-o", "u8.diskann"], here);
    expect(report.stats).toMatchObject({ size: ROWS, dataType: "f32" });
    const search = ["search", "-i", "u8.diskann", "-q", "base.u8bin", "-k", "1", "--limit", "20"];
    const { results } = await diskann.json<SearchReport>(search, here);
    for (const { hits } of results ?? []) expect(hits[0]?.distance).toBe(0);
  });

  test("--type stores vectors as such: the file shrinks, bytes answer as floats do", async () => {
    const found = new Map<string, SearchReport["results"]>();
    const bytes = new Map<string, number>();
    for (const type of ["f32", "f16", "i8", "u8"]) {
      const input = type === "i8" ? "base.i8bin" : "base.u8bin";
      const build = ["build", "-i", input, "-o", "typed.diskann", "--type", type];
      const report = await diskann.json<BuildReport>(build, here);
      expect(report.stats).toMatchObject({ size: ROWS, dataType: type });
      expect(report.check?.recall).toBeGreaterThanOrEqual(0.98);
      const info = await diskann.json<IndexStats>(["info", "typed.diskann"], here);
      expect(info).toMatchObject({ size: ROWS, dataType: type });
      bytes.set(type, info.memory.vectors);
      const search = ["search", "-i", "typed.diskann", "-q", input, "-k", "5", "--limit", "20", "--exact"];
      found.set(type, (await diskann.json<SearchReport>(search, here)).results);
    }
    expect(found.get("u8")).toEqual(found.get("f32"));
    expect(found.get("f16")).toEqual(found.get("f32"));
    expect(found.get("i8")).toEqual(found.get("f32"));
    const plain = ROWS * DIMENSIONS;
    expect([...bytes.values()]).toEqual([4 * plain, 2 * plain, plain, plain]);
  });

  test("says when a smaller type would hold the file as it is", async () => {
    const bytes = await diskann.run(["build", "-i", "base.u8bin", "-o", "u8.diskann"], here);
    expect(bytes.stderr).toContain("--type u8 would store the vectors as they are");
    const floats = await diskann.run(["build", "-i", "base.fvecs", "-o", "f32.diskann"], here);
    expect(floats.stderr).not.toContain("would store");
    const help = await diskann.run(["build", "--help"], here);
    expect(help.stdout).toMatch(/--type <type>.*(\n.*)?"f32", "f16", "i8", "u8"/);
  });

  test("own ids are what a search answers", async () => {
    const ids = Array.from({ length: ROWS }, (_, row) => 10_000_000_000 + 3 * row);
    scratch.write("ids.txt", `${ids.join("\n")}\n`);
    const report = await diskann.json<BuildReport>(
      ["build", "-i", "base.fvecs", "-o", "ids.diskann", "--ids", "ids.txt"],
      here,
    );
    expect(report.check?.recall).toBeGreaterThanOrEqual(0.99);
    const search = ["search", "-i", "ids.diskann", "-q", "query.fvecs", "-k", "5", "--exact"];
    const { results } = await diskann.json<SearchReport>(search, here);
    results?.forEach(({ hits }, row) => {
      expect(hits.map(({ id }) => (id - 10_000_000_000) / 3)).toEqual(truthIds(row, 5));
    });
    const info = await diskann.json<{ check: { recall: number } }>(["info", "ids.diskann", "--recall"], here);
    expect(info.check.recall).toBeGreaterThanOrEqual(0.99);
  });

  test("failures leave nothing behind, and say why", async () => {
    scratch.write("few.json", "[1, 2]");
    scratch.write("twice.json", JSON.stringify(Array.from({ length: ROWS }, (_, row) => row % 1000)));
    await writeVectors(scratch.path("nan.fvecs"), "f32", 2, Float32Array.of(1, 2, Number.NaN, 4));
    await writeVectors(scratch.path("far.fvecs"), "f32", 2, Float32Array.of(1, 2, 70000, 4));
    scratch.write("none.fbin", new Uint8Array([0, 0, 0, 0, 4, 0, 0, 0]));
    const cases: readonly [string[], string, string][] = [
      [["-i", "absent.fvecs"], "cannot read absent.fvecs: no such file or folder", "ERR_IO"],
      [
        ["-i", "base.fvecs", "--ids", "few.json"],
        "few.json has 2 ids, base.fvecs has 1500 vectors",
        "ERR_INVALID_ARGUMENT",
      ],
      [["-i", "base.fvecs", "--ids", "twice.json"], "", "ERR_DUPLICATE_ID"],
      [["-i", "nan.fvecs"], "row 1", "ERR_NOT_FINITE"],
      [["-i", "none.fbin"], "there are no vectors in it", "ERR_INVALID_ARGUMENT"],
      [["-i", "base.fvecs", "--type", "u8"], "base.fvecs: row 0, column 0 is ", "ERR_INVALID_ARGUMENT"],
      [["-i", "base.u8bin", "--type", "i8"], "not an integer in -128 .. 127", "ERR_INVALID_ARGUMENT"],
      [["-i", "far.fvecs", "--type", "f16"], "row 1 holds", "ERR_NOT_FINITE"],
    ];
    for (const [args, message, errorCode] of cases) {
      const { code, stdout, stderr } = await diskann.run(
        ["build", ...args, "-o", "fail.diskann", "--json"],
        here,
      );
      expect(code, stderr).toBe(1);
      expect(stderr).toContain(message);
      expect(JSON.parse(stdout)).toMatchObject({ error: { code: errorCode } });
      expect(existsSync(scratch.path("fail.diskann"))).toBe(false);
    }
    const folder = await diskann.run(["build", "-i", "base.fvecs", "-o", "no/where.diskann"], here);
    expect([folder.code, folder.stderr]).toEqual([1, expect.stringContaining("no such file or folder")]);
    expect(readdirSync(scratch.folder).filter((name) => name.includes(".tmp"))).toEqual([]);
  });
});

describe("search", () => {
  test("prints a line for each query, nearest first", async () => {
    const args = ["search", "-i", "base.diskann", "-q", "query.fvecs", "-k", "4", "-L", "100", "--exact"];
    const { code, stdout } = await diskann.run(args, here);
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split("\n");
    expect(lines).toHaveLength(QUERIES);
    lines.forEach((line, row) => {
      expect(line).toBe(`${row}: ${truthIds(row, 4).join(" ")}`);
    });
  });

  test("--show-distances", async () => {
    const args = ["search", "-i", "base.diskann", "-q", "query.fvecs", "-k", "1", "--limit", "1", "--exact"];
    const { stdout } = await diskann.run([...args, "--show-distances"], here);
    const [, id, distance] = /^0: (\d+) \(([\d.]+)\)\n$/.exec(stdout) ?? [];
    expect(Number(id)).toBe(files.truth.ids[0]);
    expect(Number(distance)).toBeCloseTo(files.truth.distances[0] as number, 3);
  });

  test("writes ids, ground truth and JSON, which agree", async () => {
    const search = ["search", "-i", "base.diskann", "-q", "query.fvecs", "-k", "7"];
    for (const name of ["a.ivecs", "a.bin", "a.json"]) {
      const { code, stdout } = await diskann.run([...search, "-o", name], here);
      expect(code).toBe(0);
      expect(stdout).toMatch(new RegExp(`^wrote ${name}: 40 queries x 7 in .* \\([\\d,]+ queries/s\\)\n$`));
    }
    const ivecs = await VectorFile.open(scratch.path("a.ivecs"));
    expect([ivecs.count, ivecs.dimensions]).toEqual([QUERIES, 7]);
    const ids = Array.from(await ivecs.readAll());
    await ivecs.close();
    const binary = await readTruth(scratch.path("a.bin"));
    expect(Array.from(binary.ids)).toEqual(ids);
    const json = JSON.parse(readFileSync(scratch.path("a.json"), "utf8")) as SearchReport;
    const results = json.results ?? [];
    expect(results.flatMap(({ hits }) => hits.map(({ id }) => id))).toEqual(ids);
    expect(results.flatMap(({ hits }) => hits.map(({ distance }) => distance))).toEqual(
      Array.from(binary.distances ?? []),
    );
  });

  test("both backends give the same answers", async () => {
    const search = ["search", "-i", "base.diskann", "-q", "query.fvecs", "-k", "10"];
    const wasm = await diskann.json<SearchReport>([...search, "--backend", "wasm"], here);
    const native = await diskann.json<SearchReport>([...search, "--backend", "native"], here);
    expect([wasm.backend, native.backend]).toEqual(["wasm", "native"]);
    expect(wasm.results).toEqual(native.results);
  });

  test("no more hits than there are vectors", async () => {
    await diskann.run(["convert", "-i", "base.fvecs", "-o", "five.fvecs", "--limit", "5"], here);
    await diskann.run(["build", "-i", "five.fvecs", "-o", "five.diskann"], here);
    const report = await diskann.json<SearchReport>(
      ["search", "-i", "five.diskann", "-q", "query.fvecs", "-k", "50", "--limit", "3"],
      here,
    );
    expect(report.k).toBe(5);
    for (const { hits } of report.results ?? []) expect(new Set(hits.map(({ id }) => id)).size).toBe(5);
  });

  test("queries of other dimensions, and ids too large for the file", async () => {
    await writeVectors(scratch.path("wrong.fvecs"), "f32", 3, Float32Array.of(1, 2, 3));
    const wrong = await diskann.run(["search", "-i", "base.diskann", "-q", "wrong.fvecs"], here);
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining("wrong.fvecs has 3 dimensions")]);
    const large = await diskann.run(
      ["search", "-i", "ids.diskann", "-q", "query.fvecs", "-o", "l.ivecs"],
      here,
    );
    expect([large.code, large.stderr]).toEqual([1, expect.stringContaining("write .json instead")]);
    expect(existsSync(scratch.path("l.ivecs"))).toBe(false);
  });
});

/** Sets with a truth that others computed: ours always, those of the original where they are at hand. */
function foreignSets(): {
  name: string;
  base: string;
  query: string;
  truth: string;
  k: number;
  type: string;
}[] {
  const own = {
    name: "generated",
    base: "base.fvecs",
    query: "query.fvecs",
    truth: "truth.bin",
    k: TRUTH_K,
    type: "f32",
  };
  const folder = `${dataFolder()}/microsoft`;
  if (!existsSync(folder)) {
    console.log("no files of Microsoft's DiskANN here: only generated data are tested");
    return [own];
  }
  const theirs = ["f32_1000x32", "i8_500x48", "f32_37x1100"].map((name) => ({
    name,
    base: `${folder}/${name}.data.bin`,
    query: `${folder}/${name}.query.bin`,
    truth: `${folder}/${name}.gt10.bin`,
    k: 10,
    type: name.slice(0, name.indexOf("_")),
  }));
  return [own, ...theirs];
}

test.each(foreignSets())("brute force finds the truth that another program found: $name", async (set) => {
  const { base, query, k, type } = set;
  const build = ["build", "-i", base, "-o", "foreign.diskann", "--input-type", type];
  const { check } = await diskann.json<BuildReport>(build, here);
  expect(check?.recall).toBeGreaterThanOrEqual(0.99);
  const search = [
    "search",
    "-i",
    "foreign.diskann",
    "-q",
    query,
    "--input-type",
    type,
    "-k",
    String(k),
    "--exact",
  ];
  expect((await diskann.run([...search, "-o", "foreign.bin"], here)).code).toBe(0);
  const truth = await readTruth(resolve(scratch.folder, set.truth));
  const found = await readTruth(scratch.path("foreign.bin"));
  expect(recallAt(truth, found.ids, found.k, k)).toBe(1);
  const distances = Array.from(truth.distances ?? []);
  expect(distances.length).toBe(found.distances?.length);
  distances.forEach((distance, i) => {
    expect(Math.abs((found.distances?.[i] as number) - distance)).toBeLessThanOrEqual(
      1e-4 * Math.max(1, distance),
    );
  });
});

describe("benchmark", () => {
  const args = ["benchmark", "-i", "base.diskann", "-q", "query.fvecs", "-L", "10,40,160", "--repeat", "1"];

  test("a row for each list size, with counters", async () => {
    const { rows, truth } = await diskann.json<BenchmarkReport>([...args, "-g", "truth.bin"], here);
    expect(truth).toBe("truth.bin");
    expect(rows.map((row) => row.searchListSize)).toEqual([10, 40, 160]);
    for (const row of rows) {
      expect(row.queriesPerSecond).toBeGreaterThan(0);
      expect(row.latencyMs.p50).toBeLessThanOrEqual(row.latencyMs.p95);
      expect(row.latencyMs.p95).toBeLessThanOrEqual(row.latencyMs.p99);
    }
    const [first, second, third] = rows as [
      BenchmarkReport["rows"][0],
      BenchmarkReport["rows"][0],
      BenchmarkReport["rows"][0],
    ];
    expect(third.recall).toBeGreaterThanOrEqual(0.99);
    expect(first.recall).toBeLessThanOrEqual(third.recall);
    expect(first.distanceComputations).toBeLessThan(second.distanceComputations);
    expect(second.distanceComputations).toBeLessThan(third.distanceComputations);
    expect(first.hops).toBeGreaterThanOrEqual(10);
    expect(third.hops).toBeGreaterThanOrEqual(160);
  });

  test("every form of truth, and none, gives the same recall", async () => {
    const forms = [["-g", "truth.bin"], ["-g", "plain.bin"], ["-g", "truth.ivecs"], []];
    const reports = await Promise.all(
      forms.map((form) => diskann.json<BenchmarkReport>([...args, ...form], here)),
    );
    const recalls = reports.map(({ rows }) => rows.map((row) => row.recall));
    for (const recall of recalls) expect(recall).toEqual(recalls[0]);
    expect(reports[3]?.truth).toBe("brute force");
  });

  test("a table and a plot", async () => {
    const { code, stdout, stderr } = await diskann.run([...args, "-g", "truth.bin", "--plot", "p.svg"], here);
    expect(code).toBe(0);
    const lines = stdout.split("\n");
    expect(lines[0]).toContain("base.diskann (1,500 x 24 f32, l2), 40 queries");
    expect(lines[2]?.trim().split(/ {2,}/)).toEqual([
      "L",
      "recall@10",
      "QPS",
      "mean us",
      "p50 us",
      "p95 us",
      "p99 us",
      "distances",
      "hops",
    ]);
    expect(new Set(lines.slice(2, 6).map((line) => line.length)).size).toBe(1);
    expect(stdout).toContain("one search() call at a time");
    expect(stderr).toContain("plot: p.svg");
    const svg = readFileSync(scratch.path("p.svg"), "utf8");
    expect(svg.match(/<circle /g)).toHaveLength(3);
  });

  test("list sizes below k are raised to it", async () => {
    const { rows } = await diskann.json<BenchmarkReport>(
      ["benchmark", "-i", "base.diskann", "-q", "query.fvecs", "-L", "30,5,10", "-k", "15", "--repeat", "1"],
      here,
    );
    expect(rows.map((row) => row.searchListSize)).toEqual([15, 30]);
  });

  test("truth in ids that the index does not hold, and vectors in its place, are refused", async () => {
    const ids = Array.from({ length: ROWS }, (_, row) => row + 1_000_000);
    scratch.write("far.json", JSON.stringify(ids));
    await diskann.run(
      ["build", "-i", "base.fvecs", "-o", "far.diskann", "--ids", "far.json", "--check", "0"],
      here,
    );
    const far = ["benchmark", "-i", "far.diskann", "-q", "query.fvecs", "-g", "truth.bin"];
    const other = await diskann.run(far, here);
    expect([other.code, other.stderr]).toEqual([
      1,
      expect.stringContaining("in other ids, or no ground truth"),
    ]);
    const vectors = await diskann.run([...args, "-g", "base.u8bin"], here);
    expect([vectors.code, vectors.stderr]).toEqual([
      1,
      expect.stringContaining("holds vectors, not ground truth"),
    ]);
  });

  test("truth of other queries or with fewer neighbours is refused", async () => {
    const narrow = await diskann.run([...args, "-g", "truth.bin", "-k", "21"], here);
    expect([narrow.code, narrow.stderr]).toEqual([1, expect.stringContaining("the ground truth has 20")]);
    await diskann.run(["convert", "-i", "query.fvecs", "-o", "q39.fvecs", "--limit", "39"], here);
    const other = ["benchmark", "-i", "base.diskann", "-q", "q39.fvecs", "-g", "truth.bin"];
    const { code, stderr } = await diskann.run(other, here);
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining("truth.bin is for 40 queries, q39.fvecs has 39"),
    ]);
  });
});

describe("convert", () => {
  test("there and back through every format is the same file", async () => {
    const chain = ["base.u8bin", "c.bvecs", "c.npy", "c.fbin", "c.fvecs", "c.f16bin", "c.bin", "end.u8bin"];
    for (let i = 1; i < chain.length; i++) {
      const args = ["convert", "-i", chain[i - 1] as string, "-o", chain[i] as string];
      const { code, stdout, stderr } = await diskann.run(args, here);
      expect(code, stderr).toBe(0);
      expect(stdout).toContain(`wrote ${chain[i]}: 1,500 x 24`);
    }
    const expected = readFileSync(scratch.path("base.u8bin"));
    expect(readFileSync(scratch.path("end.u8bin")).equals(expected)).toBe(true);
  });

  test("--skip, --limit, --type, --normalize", async () => {
    const args = [
      "convert",
      "-i",
      "base.fvecs",
      "-o",
      "part.npy",
      "--skip",
      "10",
      "--limit",
      "3",
      "--normalize",
    ];
    const report = await diskann.json<{ output: { count: number; type: string } }>(
      [...args, "--type", "f32"],
      here,
    );
    expect(report.output).toMatchObject({ count: 3, type: "f32" });
    const part = await VectorFile.open(scratch.path("part.npy"));
    const values = (await part.readAll()) as Float32Array;
    await part.close();
    const row = files.base.values.subarray(10 * DIMENSIONS, 11 * DIMENSIONS);
    const length = Math.hypot(...row);
    for (const [i, value] of row.entries()) expect(values[i]).toBeCloseTo(value / length, 6);
    const beyond = await diskann.json<{ output: { count: number } }>(
      ["convert", "-i", "base.fvecs", "-o", "beyond.fbin", "--skip", "9999"],
      here,
    );
    expect(beyond.output.count).toBe(0);
  });

  test("what does not fit is refused with its row; the output stays as it was", async () => {
    writeFileSync(scratch.path("old.u8bin"), "before");
    const { code, stderr } = await diskann.run(["convert", "-i", "base.fvecs", "-o", "old.u8bin"], here);
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/base\.fvecs: row 0, column \d+ is .* not an integer/),
    ]);
    expect(readFileSync(scratch.path("old.u8bin"), "utf8")).toBe("before");
    expect(readdirSync(scratch.folder).filter((name) => name.includes(".tmp"))).toEqual([]);
  });

  test("a name and a type that contradict each other, and fractions in whole numbers", async () => {
    const named = await diskann.run(["convert", "-i", "base.fvecs", "-o", "x.fvecs", "--type", "u8"], here);
    expect([named.code, named.stderr]).toEqual([
      1,
      expect.stringContaining("a .fvecs file holds f32, not u8"),
    ]);
    const whole = await diskann.run(["convert", "-i", "base.u8bin", "-o", "x.bvecs", "--normalize"], here);
    expect([whole.code, whole.stderr]).toEqual([2, expect.stringContaining("write f32 or f16")]);
  });
});

describe("info", () => {
  test("of an index with 1-bit codes, as build made it", async () => {
    const build = ["build", "-i", "base.fvecs", "-o", "coded.diskann", "--codes", "1bit"];
    const report = await diskann.json<BuildReport>(build, here);
    expect(report.stats).toMatchObject({ codes: "1bit", memory: { codes: 64 * 16 } }); // the navigator
    expect(report.stats.layout.recordBytes).toBe(24 * 4 + 16 + 32 * 4 + 32 * (64 / 8 + 8));
    expect(report.check?.recall).toBeGreaterThanOrEqual(0.99);
    expect((await diskann.run(["info", "coded.diskann"], here)).stdout).toMatch(/built with .*, codes 1bit/);
    const wrong = await diskann.run(["build", "-i", "base.fvecs", "-o", "x", "--codes", "2bit"], here);
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining("none, 8bit, auto, 1bit, pq")]);
  });

  test("of an index", async () => {
    const { code, stdout } = await diskann.run(["info", "base.diskann", "--recall"], here);
    expect(code).toBe(0);
    for (const line of [
      /index +base\.diskann/,
      /vectors +1,500 x 24 f32/,
      /metric +l2/,
      /built with +R 32, L 100, alpha 1\.2, seed 0/,
      /graph +degree [\d.]+ on average, \d+ at most/,
      /file +[\d.]+ KiB, [\d,]+ bytes/,
      /sections +superblock 4,096 bytes, node pages [\d,]+ bytes/,
      /pages +\d+ of [\d,]+ bytes, \d+ records of \d+ bytes in each, [\d.]+ % unused/,
      /memory +[\d.]+ KiB: records/,
      /check +recall@10 (1\.000|0\.99\d)/,
    ])
      expect(stdout).toMatch(line);
    const { layout } = await diskann.json<IndexStats>(["info", "base.diskann"], here);
    expect(layout.fileBytes).toBe(readFileSync(scratch.path("base.diskann")).length);
  });

  test("of an index whose name is that of a vector file", async () => {
    writeFileSync(scratch.path("index.bin"), readFileSync(scratch.path("base.diskann")));
    expect(await diskann.json(["info", "index.bin"], here)).toMatchObject({ kind: "index", size: ROWS });
  });

  test("of vectors and of ground truth", async () => {
    expect(await diskann.json(["info", "base.u8bin"], here)).toMatchObject({
      kind: "vectors",
      format: ".u8bin",
      type: "u8",
      count: ROWS,
      dimensions: DIMENSIONS,
    });
    expect(await diskann.json(["info", "truth.bin"], here)).toMatchObject({
      kind: "truth",
      queries: QUERIES,
      k: TRUTH_K,
      distances: true,
    });
    const { stdout } = await diskann.run(["info", "base.fvecs"], here);
    expect(stdout).toMatch(/shape +1,500 x 24 f32/);
    expect(stdout).toMatch(/index +about 352 KiB in memory .*, 1\.1 MiB with --codes 1bit/);
    const recall = await diskann.run(["info", "base.fvecs", "--recall"], here);
    expect([recall.code, recall.stderr]).toEqual([2, expect.stringContaining("--recall is for an index")]);
  });
});

describe("verify", () => {
  test("a sound index", async () => {
    const { code, stdout } = await diskann.run(["verify", "base.diskann"], here);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^ok base\.diskann: .*1,500 vectors/)]);
    expect(await diskann.json(["verify", "base.diskann"], here)).toMatchObject({
      ok: true,
      errors: [],
      size: ROWS,
    });
  });

  test("any damage ends with 1 and tells where", async () => {
    const bytes = readFileSync(scratch.path("base.diskann"));
    for (const at of [0, 40, 4096, bytes.length >> 1, bytes.length - 1]) {
      const damaged = Buffer.from(bytes);
      damaged[at] = (damaged[at] as number) ^ 0x10;
      writeFileSync(scratch.path("bad.diskann"), damaged);
      const { code, stdout } = await diskann.run(["verify", "bad.diskann", "--json"], here);
      expect(code, `byte ${at}`).toBe(1);
      const report = JSON.parse(stdout) as VerifyReport;
      expect(report.ok).toBe(false);
      expect(report.errors.length).toBeGreaterThan(0);
    }
    const { stdout } = await diskann.run(["verify", "bad.diskann"], here);
    expect(stdout).toMatch(/^damaged bad\.diskann\n {2}.*page \d+.*\(ERR_CORRUPT\)\n$/);
    writeFileSync(scratch.path("bad.diskann"), bytes.subarray(0, bytes.length - 100));
    expect((await diskann.run(["verify", "bad.diskann"], here)).code).toBe(1);
    expect((await diskann.run(["search", "-i", "bad.diskann", "-q", "query.fvecs"], here)).code).toBe(1);
  });

  test("what is no index", async () => {
    const { code, stdout } = await diskann.run(["verify", "base.fvecs"], here);
    expect([code, stdout]).toEqual([
      1,
      expect.stringMatching(/^damaged base\.fvecs\n.*does not begin as one/),
    ]);
    const absent = await diskann.run(["verify", "absent"], here);
    expect([absent.code, absent.stderr]).toEqual([1, expect.stringContaining("no such file")]);
  });
});
