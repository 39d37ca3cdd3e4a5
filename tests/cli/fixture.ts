/** A small set of vectors with queries and the truth, as files. */
import { join } from "node:path";
import { writeTruth, writeVectors } from "../../ts/cli/formats/index.js";
import type { Vectors } from "../support/data.js";
import { generate } from "../support/generate.js";
import { exactTruth, type Truth } from "../support/truth.js";

export const DIMENSIONS = 24;
export const ROWS = 1500;
export const QUERIES = 40;
export const TRUTH_K = 20;

export interface FixtureFiles {
  readonly base: Vectors;
  readonly queries: Vectors;
  readonly truth: Truth;
}

/** Writes base.fvecs, base.u8bin (other data), base.i8bin (the same, less 128), query.fvecs, truth.bin (with distances), plain.bin and truth.ivecs. */
export async function writeFixture(folder: string): Promise<FixtureFiles> {
  const make = (rows: number, stream: number): Vectors => ({
    rows,
    dimensions: DIMENSIONS,
    values: generate({ dimensions: DIMENSIONS, rows, stream }),
  });
  const base = make(ROWS, 0);
  const queries = make(QUERIES, 1);
  const truth = exactTruth(base, queries, "l2", TRUTH_K);
  const { distances, ...plain } = truth;
  await writeVectors(join(folder, "base.fvecs"), "f32", DIMENSIONS, base.values);
  await writeVectors(join(folder, "query.fvecs"), "f32", DIMENSIONS, queries.values);
  await writeTruth(join(folder, "truth.bin"), { ...plain, distances });
  await writeTruth(join(folder, "plain.bin"), plain);
  await writeVectors(join(folder, "truth.ivecs"), "i32", TRUTH_K, Int32Array.from(truth.ids));
  const bytes = Uint8Array.from(base.values, (value) =>
    Math.max(0, Math.min(255, Math.round(128 + 16 * value))),
  );
  await writeVectors(join(folder, "base.u8bin"), "u8", DIMENSIONS, bytes);
  await writeVectors(
    join(folder, "base.i8bin"),
    "i8",
    DIMENSIONS,
    Int8Array.from(bytes, (byte) => byte - 128),
  );
  return { base, queries, truth };
}
