/** Where the addon comes from, and which kernels it is told to use. */
import { createRequire } from "node:module";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadBinding } from "../../ts/backend/native/load.js";
import { VectorIndex } from "../../ts/native.js";
import { repositoryRoot } from "../support/data.js";
import { runProgram } from "./child.js";

const addon = join(repositoryRoot(), "build/Release/diskann.node");

test("nativeBinding: a path or the loaded addon", async () => {
  for (const nativeBinding of [addon, createRequire(import.meta.url)(addon) as object]) {
    await using index = await VectorIndex.create({ dimensions: 2, nativeBinding });
    expect(index.backend).toBe("native");
  }
});

test.each([
  ["/absent/diskann.node", "ERR_UNSUPPORTED", /cannot be loaded from \/absent\/diskann\.node/],
  [join(repositoryRoot(), "package.json"), "ERR_UNSUPPORTED", /is not the addon/],
  [{}, "ERR_INVALID_ARGUMENT", /must be a path/],
])("nativeBinding %j: %s", async (nativeBinding, code, message) => {
  await expect(VectorIndex.create({ dimensions: 2, nativeBinding })).rejects.toMatchObject({
    code,
    message: expect.stringMatching(message),
  });
});

const names = ["auto", "portable", "avx2", "avx512", "neon", "wasm128"];

test.each(names.map((name, simd) => [name, simd] as const))("DISKANN_SIMD=%s", async (name, simd) => {
  const { code, out } = await runProgram("kernels", [], { env: { DISKANN_SIMD: name } });
  expect(code, out).toBe(0);
  const said = JSON.parse(out) as { simd?: string; code?: string };
  const has = loadBinding({}).simdAvailable(simd);
  if (!has) expect(said).toEqual({ code: "ERR_UNSUPPORTED" });
  else expect(said.simd).toBe(name === "auto" ? names[loadBinding({}).simdBest()] : name);
});

test("every kernel family makes the same bytes", async () => {
  const families = names.filter((_, simd) => simd > 0 && loadBinding({}).simdAvailable(simd));
  const outs = await Promise.all(
    families.map((name) => runProgram("kernels", ["bytes"], { env: { DISKANN_SIMD: name } })),
  );
  const hashes = outs.map(({ out }) => (JSON.parse(out) as { hash: string }).hash);
  expect(hashes.length).toBeGreaterThan(0);
  expect(new Set(hashes).size).toBe(1);
});

test("an unknown name in DISKANN_SIMD is an error, not a guess", async () => {
  const { out } = await runProgram("kernels", [], { env: { DISKANN_SIMD: "fastest" } });
  expect(JSON.parse(out)).toEqual({ code: "ERR_INVALID_ARGUMENT" });
});
