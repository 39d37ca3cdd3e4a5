/** The numbers and strings of ts/core against csrc/include/diskann.h. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { PQ_LIMITS } from "../../ts/api/pq-options.js";
import { CODES, DATA_TYPES, LIMITS, METRICS, SIMD_FAMILIES, SQ8 } from "../../ts/core/constants.js";
import { repositoryRoot } from "../support/data.js";

const header = ["diskann.h", "diskann_paged.h", "diskann_pq.h"]
  .map((name) => readFileSync(join(repositoryRoot(), "csrc/include", name), "utf8"))
  .join("");

function numberOf(name: string): number {
  const found = new RegExp(`\\bDISKANN_${name} = (\\d+)`).exec(header);
  if (!found) throw new Error(`the header has no ${name}`);
  return Number(found[1]);
}

test.each([
  ["metrics", METRICS, ["L2", "COSINE", "IP", "L1"], "METRIC_COUNT"],
  ["data types", [...DATA_TYPES, "sq8"], ["F32", "F16", "I8", "U8", "SQ8"], "DATA_TYPE_COUNT"],
  [
    "kernel families",
    SIMD_FAMILIES,
    ["SIMD_AUTO", "SIMD_PORTABLE", "SIMD_AVX2", "SIMD_AVX512", "SIMD_NEON", "SIMD_WASM128"],
    "SIMD_COUNT",
  ],
])("%s", (_title, strings, names, count) => {
  expect(strings.length).toBe(numberOf(count));
  expect(names.map(numberOf)).toEqual([...names.keys()]);
  expect(strings.map((text) => text.toLowerCase())).toEqual(
    names.map((name) => name.replace(/^SIMD_/, "").toLowerCase()),
  );
});

test("quantised floats", () => {
  expect(SQ8).toBe(numberOf("SQ8"));
});

test("codes", () => {
  expect(CODES.map((name) => numberOf(`CODES_${name.toUpperCase()}`))).toEqual([...CODES.keys()]);
});

test("limits", () => {
  expect({
    dimensionsMin: LIMITS.dimensionsMin,
    dimensionsMax: LIMITS.dimensionsMax,
    maxDegreeMin: LIMITS.maxDegreeMin,
    maxDegreeDefault: LIMITS.maxDegreeDefault,
    maxDegreeMax: LIMITS.maxDegreeMax,
    listSizeMin: LIMITS.listSizeMin,
    buildListSizeDefault: LIMITS.buildListSizeDefault,
    listSizeMax: LIMITS.listSizeMax,
    kMax: LIMITS.kMax,
    beamWidthMax: LIMITS.beamWidthMax,
    threadsMax: LIMITS.threadsMax,
  }).toEqual({
    dimensionsMin: numberOf("DIMENSIONS_MIN"),
    dimensionsMax: numberOf("DIMENSIONS_MAX"),
    maxDegreeMin: numberOf("MAX_DEGREE_MIN"),
    maxDegreeDefault: numberOf("MAX_DEGREE_DEFAULT"),
    maxDegreeMax: numberOf("MAX_DEGREE_MAX"),
    listSizeMin: numberOf("LIST_SIZE_MIN"),
    buildListSizeDefault: numberOf("BUILD_LIST_SIZE_DEFAULT"),
    listSizeMax: numberOf("LIST_SIZE_MAX"),
    kMax: numberOf("K_MAX"),
    beamWidthMax: numberOf("BEAM_WIDTH_MAX"),
    threadsMax: numberOf("WORKERS_MAX"),
  });
  expect(/DISKANN_ALPHA_DEFAULT ([\d.]+)f/.exec(header)?.[1]).toBe(String(LIMITS.alphaDefault));
  expect(header).toContain("DISKANN_ID_MAX ((UINT64_C(1) << 53) - 1)");
  expect(LIMITS.idMax).toBe(2 ** 53 - 1);
});

test("limits of product quantisation", () => {
  expect(PQ_LIMITS).toEqual({
    centroidsMax: numberOf("PQ_CENTROIDS_MAX"),
    iterationsDefault: numberOf("PQ_ITERATIONS_DEFAULT"),
    iterationsMax: numberOf("PQ_ITERATIONS_MAX"),
    sampleDefault: numberOf("PQ_SAMPLE_DEFAULT"),
    sampleMax: numberOf("PQ_SAMPLE_MAX"),
  });
});
