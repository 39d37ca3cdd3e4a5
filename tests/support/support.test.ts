import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readTruth, readVectors, repositoryRoot } from "./data.js";
import { type GenerateOptions, generate } from "./generate.js";
import { Random } from "./random.js";
import { exactTruth, recallAt } from "./truth.js";

function inFolder<T>(use: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "diskann-support-"));
  try {
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** FNV-1a over the bytes, as generate_dump.c has it. */
function hashOf(values: Float32Array): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new Uint8Array(values.buffer, values.byteOffset, values.byteLength)) {
    hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn;
  }
  return hash.toString(16).padStart(16, "0");
}

function randomLines(seed: bigint): string[] {
  const random = new Random(seed);
  const lines = Array.from({ length: 1000 }, () => random.bits().toString(16).padStart(16, "0"));
  for (const bound of [1, 2, 3, 10, 1000, 2097152, 2097153, 4294967296, 9007199254740991]) {
    for (let i = 0; i < 100; i++) {
      lines.push(String(random.below(bound)));
    }
  }
  return lines;
}

describe("random numbers and generated data", () => {
  test("are the C core's, to the bit", () => {
    const printed = inFolder((folder) => {
      const program = join(folder, "generate_dump");
      const source = join(repositoryRoot(), "tests/support/generate_dump.c");
      const flags = ["-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-ffp-contract=off"];
      execFileSync(process.env.CC ?? "cc", [...flags, source, "-lm", "-o", program], { stdio: "inherit" });
      return execFileSync(program, { encoding: "utf8" }).trimEnd().split("\n");
    });
    const made = [...randomLines(0n), ...randomLines(0xfedcba9876543210n)];
    made.push(hashOf(generate({ shape: "image", dimensions: 128, rows: 500 })));
    made.push(hashOf(generate({ shape: "image", dimensions: 37, rows: 100, first: 99, stream: 1 })));
    made.push(hashOf(generate({ shape: "text", dimensions: 384, rows: 200, first: 4294967200 })));
    expect(made).toEqual(printed);
  });

  test("follow the published sequence of splitmix64", () => {
    const random = new Random(0);
    expect(random.bits()).toBe(0xe220a8397b1dcdafn);
    expect(random.bits()).toBe(0x6e789e6aa1b965f4n);
  });

  test("deviates have mean 0 and variance 1, uniforms fill [0, 1)", () => {
    const random = new Random(5);
    let sum = 0;
    let square = 0;
    let uniform = 0;
    for (let i = 0; i < 100_000; i++) {
      const value = random.deviate();
      sum += value;
      square += value * value;
      uniform += random.uniform();
    }
    expect(Math.abs(sum / 100_000)).toBeLessThan(0.01);
    expect(Math.abs(square / 100_000 - 1)).toBeLessThan(0.015);
    expect(Math.abs(uniform / 100_000 - 0.5)).toBeLessThan(0.003);
  });

  test("a piece of a set is that piece, whatever is made around it", () => {
    const options: GenerateOptions = { shape: "image", dimensions: 20, rows: 100, seed: 3 };
    const whole = generate(options);
    const piece = generate({ ...options, first: 40, rows: 10 });
    expect(piece).toEqual(whole.slice(40 * 20, 50 * 20));
    expect(generate({ ...options, stream: 1 })).not.toEqual(whole);
    expect(generate({ ...options, seed: 4 })).not.toEqual(whole);
  });

  test("text has rows of length 1", () => {
    const values = generate({ shape: "text", dimensions: 50, rows: 20 });
    for (let row = 0; row < 20; row++) {
      const square = values.subarray(row * 50, row * 50 + 50).reduce((sum, x) => sum + x * x, 0);
      expect(square).toBeCloseTo(1, 5);
    }
  });
});

describe("data files and truth", () => {
  test("readers honour the header and refuse another length", () => {
    inFolder((folder) => {
      const path = join(folder, "a.u8bin");
      const header = Uint8Array.of(2, 0, 0, 0, 3, 0, 0, 0);
      writeFileSync(path, Uint8Array.of(...header, 1, 2, 3, 4, 5, 255));
      const all = readVectors(path);
      expect(all).toEqual({ rows: 2, dimensions: 3, values: Float32Array.of(1, 2, 3, 4, 5, 255) });
      expect(readVectors(path, 1).values).toEqual(Float32Array.of(1, 2, 3));
      writeFileSync(path, Uint8Array.of(...header, 1, 2, 3, 4, 5));
      expect(() => readVectors(path)).toThrow("13 bytes");
      const truth = join(folder, "gt.bin");
      writeFileSync(truth, new Uint8Array(Uint32Array.of(1, 2, 7, 9, 0x3f800000, 0x40000000).buffer));
      const read = readTruth(truth);
      expect([...read.ids, ...read.distances]).toEqual([7, 9, 1, 2]);
    });
  });

  test("brute force finds the nearest, ties by id", () => {
    const base = { rows: 4, dimensions: 1, values: Float32Array.of(3, 1, 2, 1) };
    const queries = { rows: 2, dimensions: 1, values: Float32Array.of(0, 3) };
    const truth = exactTruth(base, queries, "l2", 3);
    expect([...truth.ids]).toEqual([1, 3, 2, 0, 2, 1]);
    expect([...truth.distances]).toEqual([1, 1, 4, 0, 1, 4]);
  });

  test("brute force agrees with sorting everything", () => {
    const values = generate({ dimensions: 45, rows: 300 });
    const base = { rows: 300, dimensions: 45, values };
    const queries = { rows: 1, dimensions: 45, values: generate({ dimensions: 45, rows: 1, stream: 1 }) };
    const at = (row: number, i: number) => (values[row * 45 + i] as number) - (queries.values[i] as number);
    const distance = (row: number) =>
      Array.from({ length: 45 }, (_, i) => at(row, i) ** 2).reduce((s, x) => s + x);
    const sorted = Array.from({ length: 300 }, (_, row) => row).sort((a, b) => distance(a) - distance(b));
    expect([...exactTruth(base, queries, "l2", 50).ids]).toEqual(sorted.slice(0, 50));
  });

  test("recall counts hits that tie with the k-th, and no hit twice", () => {
    const ids = Uint32Array.of(4, 5, 6, 7);
    const truth = { queries: 1, k: 4, ids, distances: Float32Array.of(1, 2, 2, 3) };
    expect(recallAt(2, truth, [4, 5])).toBe(1);
    expect(recallAt(2, truth, [4, 6])).toBe(1);
    expect(recallAt(2, truth, [4, 7])).toBe(0.5);
    expect(recallAt(2, truth, [4, 4])).toBe(0.5);
    expect(recallAt(2, truth, [Number.NaN, 6])).toBe(0.5);
    expect(recallAt(1, truth, [4, 9, 9], 3)).toBe(1);
    expect(() => recallAt(5, truth, [4, 5, 6, 7, 8])).toThrow("recall@5");
  });
});
