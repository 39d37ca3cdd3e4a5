/** Indexes that stay in their files, on the command line. */
import { beforeAll, expect, test } from "vitest";
import type { IndexStats } from "../../ts/core/types.js";
import { diskannCommand } from "./command.js";
import { writeFixture } from "./fixture.js";
import { scratchFolder } from "./scratch.js";

const scratch = scratchFolder();
const diskann = diskannCommand();
const here = { cwd: scratch.folder };
const WASM = ["--backend", "wasm"];

interface Found {
  readonly mode: string;
  readonly reads?: number;
  readonly bytesRead?: number;
  readonly results: unknown;
}
interface Measured {
  readonly mode: string;
  readonly beamWidth: number;
  readonly pageSearch: boolean;
  readonly cache?: { readonly limit: number };
  readonly rows: { readonly recall: number; readonly reads?: number; readonly bytesRead?: number }[];
}

beforeAll(async () => {
  await writeFixture(scratch.folder);
  for (const codes of ["1bit", "none"]) {
    const words = ["build", "-i", "base.fvecs", "-o", `${codes}.diskann`, "--codes", codes, "--check", "0"];
    const { code, stderr } = await diskann.run([...words, "--quiet", ...WASM], here);
    expect([code, stderr]).toEqual([0, ""]);
  }
});

const search = (...words: string[]): Promise<Found> =>
  diskann.json<Found>(["search", "-q", "query.fvecs", "-k", "5", ...WASM, ...words], here);

test("search: the same hits from the file as from memory, and the reads of a query", async () => {
  const place = ["-i", "1bit.diskann", "-W", "3", "--page-search"];
  const resident = await search(...place, "--mode", "resident");
  const paged = await search(...place, "--mode", "paged", "--cache", "0");
  const cached = await search(...place, "--mode", "paged", "--cache", "16M");
  expect([resident.mode, paged.mode, cached.mode]).toEqual(["resident", "paged", "paged"]);
  expect(paged.results).toEqual(resident.results);
  expect(cached.results).toEqual(resident.results);
  expect([resident.reads, resident.bytesRead]).toEqual([undefined, undefined]);
  expect(paged.reads).toBeGreaterThan(1);
  expect(paged.bytesRead).toBeGreaterThan(4096);
  expect(cached.reads).toBeLessThan(paged.reads ?? 0);
  const words = ["search", "-i", "1bit.diskann", "-q", "query.fvecs", "-o", "hits.ivecs", "--mode", "paged"];
  const { stdout } = await diskann.run([...words, ...WASM], here);
  expect(stdout).toMatch(/queries\/s; [\d.,]+ reads of [\d.]+ \w+ a query\)/);
});

test("search: auto is paged where the file is larger than the cache, and never for --exact", async () => {
  expect((await search("-i", "1bit.diskann", "--cache", "10K")).mode).toBe("paged");
  expect((await search("-i", "1bit.diskann")).mode).toBe("resident");
  expect((await search("-i", "none.diskann", "--cache", "10K")).mode).toBe("resident");
  expect((await search("-i", "1bit.diskann", "--cache", "10K", "--exact")).mode).toBe("resident");
});

test("benchmark: recall, reads and bytes of a query; truth must be given", async () => {
  const words = [
    "benchmark",
    "-i",
    "1bit.diskann",
    "-q",
    "query.fvecs",
    "-L",
    "10,40",
    "--repeat",
    "1",
    ...WASM,
  ];
  const paged = ["--mode", "paged", "--cache", "40K", "-W", "2", "--no-page-search"];
  const report = await diskann.json<Measured>([...words, ...paged, "-g", "truth.ivecs"], here);
  expect([report.mode, report.beamWidth, report.pageSearch]).toEqual(["paged", 2, false]);
  expect(report.cache?.limit).toBeLessThanOrEqual(40 * 1024);
  const [narrow, wide] = report.rows;
  expect(wide?.recall).toBeGreaterThan(0.9);
  expect(wide?.reads).toBeGreaterThan(narrow?.reads ?? Number.NaN);
  expect((wide?.bytesRead ?? 0) / (wide?.reads ?? 1) / 4096).toBeGreaterThanOrEqual(1);
  const table = await diskann.run([...words, ...paged, "-g", "truth.ivecs"], here);
  expect(table.stdout).toMatch(/hops +reads +read/);
  const refused = await diskann.run([...words, ...paged], here);
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("--truth")]);
  const { rows } = await diskann.json<Measured>(words, here);
  expect(rows[0]?.reads).toBeUndefined();
});

test("info says whether a file can be searched where it is", async () => {
  for (const [file, possible] of [
    ["1bit.diskann", true],
    ["none.diskann", false],
  ] as const) {
    const info = await diskann.json<IndexStats & { canBePaged: boolean }>(["info", file, ...WASM], here);
    expect([info.canBePaged, info.mode]).toEqual([possible, "resident"]);
    const { stdout } = await diskann.run(["info", file, ...WASM], here);
    expect(stdout).toMatch(possible ? /paged +possible/ : /paged +not possible.*--codes 1bit/);
  }
});

test("wrong words are wrong usage, and what cannot be paged says why", async () => {
  const words = ["search", "-q", "query.fvecs", "-i"];
  for (const wrong of [
    ["--cache", "16X"],
    ["--cache", "-1"],
    ["--cache", "2T"],
    ["--mode", "disk"],
  ])
    expect((await diskann.run([...words, "1bit.diskann", ...wrong], here)).code).toBe(2);
  const { code, stderr } = await diskann.run([...words, "none.diskann", "--mode", "paged", ...WASM], here);
  expect([code, stderr]).toEqual([1, expect.stringContaining("none.diskann")]);
});
