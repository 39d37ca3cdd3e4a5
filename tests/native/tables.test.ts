/** What is written twice - in C and in TypeScript, in the build file and in the list of sources - says the same. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { expect, test } from "vitest";
import { codeOf, findingText, phaseText } from "../../ts/backend/failure.js";
import type { Binding } from "../../ts/backend/native/binding.js";
import { loadBinding } from "../../ts/backend/native/load.js";
import { simdName } from "../../ts/core/constants.js";
import { repositoryRoot } from "../support/data.js";

const binding: Binding = loadBinding({});

test("findings, phases and codes are those of the core", () => {
  const { findings, phases, codes } = binding.texts();
  expect(findings.length).toBeGreaterThan(10);
  expect(findings.map((_, kind) => findingText(kind))).toEqual(findings);
  expect(phases.slice(1).map((_, i) => phaseText(i + 1))).toEqual(phases.slice(1));
  expect(phaseText(0)).toBe("");
  const cancelled = codes.indexOf("ERR_CANCELLED");
  expect(cancelled).toBeGreaterThan(0);
  codes.forEach((code, i) => {
    expect(codeOf(-i)).toBe(i === cancelled ? undefined : code);
  });
});

test("the kernel families this machine has include the best and the portable one", () => {
  expect(binding.simdAvailable(1)).toBe(true);
  expect(binding.simdAvailable(binding.simdBest())).toBe(true);
  expect(binding.simdAvailable(5)).toBe(false);
  expect(simdName(binding.simdBest())).not.toBe("wasm128");
});

interface Target {
  readonly target_name: string;
  readonly sources: readonly string[];
  readonly cflags?: readonly string[];
}
type Conditional = readonly [
  string,
  { readonly targets?: readonly Target[]; readonly defines?: readonly string[] },
];
interface Gyp {
  readonly target_defaults: {
    readonly cflags: readonly string[];
    readonly conditions: readonly Conditional[];
  };
  readonly conditions: readonly Conditional[];
}

/** A gyp file is Python; ours is JSON but for its comments. */
function readGyp(): Gyp {
  const text = readFileSync(join(repositoryRoot(), "binding.gyp"), "utf8");
  return JSON.parse(text.replace(/^#.*$/gm, "")) as Gyp;
}

interface Sources {
  readonly ISA: Readonly<Record<string, { readonly arch: string; readonly flags: readonly string[] }>>;
  readonly HAVE: Readonly<Record<string, readonly string[]>>;
}

test.each(["x64", "arm64"])(
  "binding.gyp gives the %s files the flags of the list of sources",
  async (arch) => {
    const { ISA, HAVE } = (await import("../tools/sources.mjs" as string)) as Sources;
    const gyp = readGyp();
    const when = `target_arch=='${arch}'`;
    const targets = gyp.conditions.find(([condition]) => condition === when)?.[1].targets ?? [];
    const libraries = targets.map(({ sources, cflags }) => ({ sources, flags: cflags ?? [] }));
    const wanted = Object.entries(ISA)
      .filter(([, isa]) => isa.arch === arch)
      .map(([file, { flags }]) => ({ sources: [file], flags }));
    expect(wanted.length).toBeGreaterThan(1);
    expect(new Set(libraries)).toEqual(new Set(wanted));
    const defines = gyp.target_defaults.conditions.find(([condition]) => condition === when)?.[1].defines;
    expect(defines).toEqual(HAVE[arch]);
    expect(gyp.target_defaults.cflags).toContain("-ffp-contract=off");
  },
);

test("the addon is one that can be loaded anywhere", () => {
  const require = createRequire(import.meta.url);
  const again = require(join(repositoryRoot(), "build/Release/diskann.node")) as object;
  expect(again).toBe(binding);
  expect(readFileSync(join(repositoryRoot(), "build/Release/diskann.node")).length).toBeLessThan(2 ** 20);
});
