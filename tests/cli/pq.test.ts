import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { VectorFile, writeVectors } from "../../ts/cli/formats/index.js";
import { dataFolder } from "../support/data.js";
import { diskannCommand } from "./command.js";
import { DIMENSIONS, type FixtureFiles, ROWS, writeFixture } from "./fixture.js";
import { scratchFolder } from "./scratch.js";

interface TrainReport {
  pivots: string;
  dimensions: number;
  chunks: number;
  centroids: number;
  sample: number;
  backend: string;
  error?: { count: number; meanSquaredError: number; relative: number };
}

const scratch = scratchFolder();
const diskann = diskannCommand();
const here = { cwd: scratch.folder };
const TRAIN = ["pq", "train", "-i", "base.fvecs", "-c", "6"];
let files: FixtureFiles;

beforeAll(async () => {
  files = await writeFixture(scratch.folder);
  const { code, stderr } = await diskann.run([...TRAIN, "-o", "pivots.bin", "--quiet"], here);
  expect([code, stderr]).toEqual([0, ""]);
  const encode = ["pq", "encode", "-i", "base.fvecs", "-p", "pivots.bin", "-o", "codes.bin", "--quiet"];
  expect((await diskann.run(encode, here)).code).toBe(0);
});

/** The relative error of decoded vectors, from the files alone. */
async function lost(decoded: string): Promise<number> {
  const file = await VectorFile.open(scratch.path(decoded));
  const values = (await file.readAll()) as Float32Array;
  await file.close();
  let [error, norm] = [0, 0];
  files.base.values.forEach((value, i) => {
    error += (value - (values[i] as number)) ** 2;
    norm += value ** 2;
  });
  expect(values.length).toBe(files.base.values.length);
  return error / norm;
}

describe("pq train", () => {
  test("says what it found and what it loses", async () => {
    const { code, stdout } = await diskann.run([...TRAIN, "-o", "a.bin"], here);
    expect(code).toBe(0);
    expect(stdout).toContain("trained a.bin");
    expect(stdout).toMatch(/vectors +1,500 x 24 f32, 1,500 looked at/);
    expect(stdout).toMatch(/codes +6 bytes, 256 centroids each; 16\.0 times smaller than f32/);
    expect(stdout).toMatch(/error +\d+\.\d\d % lost, mean squared error [\d.]+ \(of 1,500 vectors\)/);
  });

  test("the same bytes for any threads and backend, other bytes for another seed", async () => {
    const expected = readFileSync(scratch.path("pivots.bin"));
    await diskann.run([...TRAIN, "-o", "t1.bin", "-j", "1", "--backend", "native"], here);
    await diskann.run([...TRAIN, "-o", "t2.bin", "--backend", "wasm"], here);
    await diskann.run([...TRAIN, "-o", "t3.bin", "--seed", "1"], here);
    expect(readFileSync(scratch.path("t1.bin")).equals(expected)).toBe(true);
    expect(readFileSync(scratch.path("t2.bin")).equals(expected)).toBe(true);
    expect(readFileSync(scratch.path("t3.bin")).equals(expected)).toBe(false);
  });

  test("options reach the training", async () => {
    const words = [...TRAIN, "-o", "o.bin", "--centroids", "16", "--sample", "500", "--iterations", "2"];
    const report = await diskann.json<TrainReport>([...words, "--no-center", "--check", "100"], here);
    expect(report).toMatchObject({ dimensions: DIMENSIONS, chunks: 6, centroids: 16, sample: 500 });
    expect(report.error?.count).toBe(100);
    expect(await diskann.json(["pq", "info", "o.bin"], here)).toMatchObject({
      kind: "pivots",
      dimensions: DIMENSIONS,
      chunks: 6,
      centroids: 16,
      centred: false,
    });
    const { error } = await diskann.json<TrainReport>([...TRAIN, "-o", "n.bin", "--check", "0"], here);
    expect(error).toBeUndefined();
  });
});

describe("pq encode and decode", () => {
  test("go there and back, losing what train said", async () => {
    const { error } = await diskann.json<TrainReport>([...TRAIN, "-o", "again.bin"], here);
    const decode = ["pq", "decode", "-i", "codes.bin", "-p", "pivots.bin", "-o", "decoded.npy"];
    const { code, stdout } = await diskann.run(decode, here);
    expect([code, stdout]).toEqual([0, expect.stringContaining("wrote decoded.npy: 1,500 x 24 f32")]);
    expect(await lost("decoded.npy")).toBeCloseTo(error?.relative as number, 9);
    expect(error?.relative).toBeLessThan(0.2);
    expect(readFileSync(scratch.path("codes.bin")).length).toBe(8 + 6 * ROWS);
  });

  test("say what is in a file", async () => {
    expect((await diskann.run(["pq", "info", "codes.bin"], here)).stdout).toMatch(/1,500 codes of 6 bytes/);
    const { stdout } = await diskann.run(["pq", "info", "pivots.bin"], here);
    expect(stdout).toMatch(/24 dimensions, centred/);
    expect(stdout).toMatch(/6 bytes: chunks of 4 dimensions, 256 centroids each/);
  });

  test("Microsoft's own codes come out of Microsoft's own pivots", async () => {
    const folder = `${dataFolder()}/microsoft`;
    if (!existsSync(folder)) {
      console.log("no files of Microsoft's DiskANN here: only our own are tested");
    }
    const names = existsSync(folder) ? ["f32_1000x32", "i8_500x48", "f32_37x1100"] : [];
    for (const name of names) {
      const type = name.slice(0, name.indexOf("_"));
      const pivots = ["-p", `${folder}/${name}.disk_pq_pivots.bin`];
      const input = ["-i", `${folder}/${name}.data.bin`, "--input-type", type];
      const { code } = await diskann.run(["pq", "encode", ...input, ...pivots, "-o", "theirs.bin"], here);
      expect(code).toBe(0);
      const codes = readFileSync(`${folder}/${name}.disk_pq_compressed.bin`);
      expect(readFileSync(scratch.path("theirs.bin")).equals(codes)).toBe(true);
    }
    expect(names.length).toBe(existsSync(folder) ? 3 : 0);
  });
});

describe("what cannot be", () => {
  const encode = ["pq", "encode", "-i", "base.fvecs", "-p", "pivots.bin", "-o", "x.bin"];
  test.each<[string, string[], number, RegExp]>([
    ["no command", ["pq"], 2, /Usage: diskann pq/],
    ["no chunks", ["pq", "train", "-i", "base.fvecs", "-o", "x.bin"], 2, /--chunks/],
    [
      "more chunks than dimensions",
      [...TRAIN.slice(0, 4), "-c", "25", "-o", "x.bin"],
      1,
      /25 chunks are more/,
    ],
    ["too many centroids", [...TRAIN, "-o", "x.bin", "--centroids", "257"], 2, /1 \.\. 256/],
    [
      "pivots that are none",
      [...encode.slice(0, 4), "-p", "base.fvecs", "-o", "x.bin"],
      1,
      /base\.fvecs: .*pivots/,
    ],
    [
      "vectors of another length",
      [...encode.slice(0, 2), "-i", "other.fvecs", ...encode.slice(4)],
      1,
      /3 dimensions/,
    ],
    [
      "a row that is not finite",
      [...encode.slice(0, 2), "-i", "nan.fvecs", ...encode.slice(4)],
      1,
      /row 30000/,
    ],
    [
      "codes of another length",
      ["pq", "decode", "-i", "short.bin", "-p", "pivots.bin", "-o", "x.npy"],
      1,
      /5 bytes/,
    ],
    [
      "codes cut short",
      ["pq", "decode", "-i", "cut.bin", "-p", "pivots.bin", "-o", "x.npy"],
      1,
      /cut\.bin: .*6 bytes/,
    ],
    [
      "a name that says no format",
      ["pq", "decode", "-i", "codes.bin", "-p", "pivots.bin", "-o", "x"],
      1,
      /unknown kind/,
    ],
    [
      "a name that says another type",
      ["pq", "decode", "-i", "codes.bin", "-p", "pivots.bin", "-o", "x.bvecs"],
      1,
      /u8/,
    ],
    ["a file that is not there", ["pq", "info", "nothing.bin"], 1, /no such file/],
    ["a file that is neither", ["pq", "info", "base.fvecs"], 1, /base\.fvecs: /],
  ])("is said: %s", async (_what, words, expected, message) => {
    await writeVectors(scratch.path("other.fvecs"), "f32", 3, new Float32Array(6));
    const many = new Float32Array(40_000 * DIMENSIONS);
    many[30_000 * DIMENSIONS + 5] = Number.NaN;
    if (words.includes("nan.fvecs")) await writeVectors(scratch.path("nan.fvecs"), "f32", DIMENSIONS, many);
    writeFileSync(scratch.path("short.bin"), Uint8Array.of(1, 0, 0, 0, 5, 0, 0, 0, 1, 2, 3, 4, 5));
    writeFileSync(scratch.path("cut.bin"), readFileSync(scratch.path("codes.bin")).subarray(0, 100));
    const { code, stderr, stdout } = await diskann.run(words, here);
    expect([code, stderr]).toEqual([expected, expect.stringMatching(message)]);
    expect(stdout).toBe("");
    expect(existsSync(scratch.path("x.bin"))).toBe(false);
  });
});
