/** The published package, installed without scripts, in every runtime that needs no bundler. */
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ProductQuantizer } from "../../ts/pq-wasm.js";
import { DiskAnnError, VectorIndex } from "../../ts/wasm.js";
import { runtime } from "../tools/runtimes.mjs";
import { program } from "./apps/program.mjs";
import { quantize } from "./apps/quantize.mjs";
import { type Installed, install, root, runIn } from "./installed.js";

let native: Installed;
let bare: Installed;
/** What the sources answer; every installation must say the same. */
let expected: Awaited<ReturnType<typeof program>>["answers"];

beforeAll(async () => {
  [native, bare] = await Promise.all([install({ withAddon: true }), install({ withAddon: false })]);
  expected = (await program({ VectorIndex, DiskAnnError })).answers;
});
afterAll(async () => {
  await native?.remove();
  await bare?.remove();
});

type Backends = Record<string, "native" | "wasm">;

/** Runs the test's program; `backends`: the entries to use, and what each must run on. */
async function expectAnswers(where: Installed, command: string, words: string[], backends: Backends) {
  const { stdout, stderr } = await runIn(where.folder, command, [...words, ...Object.keys(backends)]);
  const results = Object.entries(backends).map(([name, backend]) => [name, { backend, answers: expected }]);
  expect(JSON.parse(stdout)).toEqual(Object.fromEntries(results));
  return stderr;
}

const everywhere: Backends = { inline: "wasm", wasm: "wasm", worker: "wasm" };

describe("the answers", () => {
  it("are worth comparing", () => {
    expect(expected).toMatchObject({ sameAsExact: true, ok: true, progress: true, added: 1200 });
    expect(expected.failure).toBe("ERR_CORRUPT");
    expect(expected.hits[0]).toMatchObject({ id: 7 });
    expect(expected.hits).toHaveLength(5);
  });
});

describe("Node", () => {
  const all: Backends = { ...everywhere, diskann: "native", native: "native" };
  it("imports every entry, and ends by itself", async () => {
    expect(await expectAnswers(native, process.execPath, ["main.mjs"], all)).toBe("");
  });
  it("requires every entry", async () => {
    expect(await expectAnswers(native, process.execPath, ["main.cjs"], all)).toBe("");
  });
  it("falls back to WebAssembly with one notice where there is no addon", async () => {
    const some: Backends = { diskann: "wasm", wasm: "wasm" };
    for (const file of ["main.mjs", "main.cjs"]) {
      const stderr = await expectAnswers(bare, process.execPath, [file], some);
      expect(stderr.match(/DiskAnnWarning/g)).toHaveLength(1);
    }
  });
  it("says what is missing when the addon itself is asked for", async () => {
    const failure = runIn(bare.folder, process.execPath, ["main.mjs", "native"]);
    await expect(failure).rejects.toMatchObject({ stderr: expect.stringMatching(/ERR_UNSUPPORTED/) });
  });
  it("has the program", async () => {
    const { stdout } = await runIn(native.folder, process.execPath, [
      join(native.package, "dist/cli.js"),
      "--version",
    ]);
    const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
    expect(stdout.trim()).toBe(version);
    const { stdout: linked } = await runIn(native.folder, join(native.folder, "node_modules/.bin/diskann"), [
      "--help",
    ]);
    expect(linked).toMatch(/benchmark/);
  });
});

describe("product quantisation", () => {
  it("answers the same everywhere, by the addon in Node and in WebAssembly elsewhere", async () => {
    const [bun, deno] = [await runtime("bun"), await runtime("deno")];
    const runs: [Installed, string, string[], string][] = [
      [native, process.execPath, ["pq.mjs"], "native"],
      [native, process.execPath, ["pq.cjs"], "native"],
      [bare, process.execPath, ["pq.mjs"], "wasm"],
      [bare, bun, ["pq.mjs"], "wasm"],
      [bare, deno, ["run", "--no-prompt", "--allow-read", "pq.mjs"], "wasm"],
    ];
    const { answers: quantized } = await quantize({ ProductQuantizer, DiskAnnError });
    expect(quantized).toMatchObject({ same: true, code: "ERR_CORRUPT" });
    for (const [where, command, words, backend] of runs) {
      const { stdout } = await runIn(where.folder, command, words);
      expect(JSON.parse(stdout)).toEqual({ backend, answers: quantized });
    }
  });
});

describe("Bun", () => {
  it("imports and requires the entries", async () => {
    const bun = await runtime("bun");
    await expectAnswers(bare, bun, ["main.mjs"], { ...everywhere, diskann: "wasm" });
    await expectAnswers(bare, bun, ["main.cjs"], { ...everywhere, diskann: "wasm" });
  });
});

describe("Deno", () => {
  it("imports the entries with no right but to read", async () => {
    const deno = await runtime("deno");
    const words = ["run", "--no-prompt", "--allow-read", "main.mjs"];
    await expectAnswers(bare, deno, words, { ...everywhere, diskann: "wasm" });
  });
});

describe("TypeScript", () => {
  const options = {
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    skipLibCheck: false,
    target: "ES2022",
    lib: ["ES2022"],
    types: [],
  };
  it.each([
    ["node16", "node16"],
    ["bundler", "esnext"],
  ])(
    "compiles with moduleResolution %s, without DOM and without types of Node",
    async (resolution, module) => {
      const names = ["types.mts", "types.cts"];
      const source = await readFile(join(bare.folder, "types.ts"));
      for (const name of names) await writeFile(join(bare.folder, name), source);
      const config = { compilerOptions: { ...options, module, moduleResolution: resolution }, files: names };
      await writeFile(join(bare.folder, "tsconfig.json"), JSON.stringify(config));
      const tsc = join(root, "node_modules/typescript/bin/tsc");
      const { stdout } = await runIn(bare.folder, process.execPath, [tsc, "-p", "."]).catch((error) => error);
      expect(stdout).toBe("");
    },
  );
});

describe("the installed files", () => {
  it("import no package: neither libraries nor declarations", async () => {
    const dist = join(bare.package, "dist");
    const files = await readdir(dist, { recursive: true });
    const foreign =
      /(?:from\s*|import\s*\(\s*|require\s*\(\s*|import\s+)["'](?!node:|\.\.?\/|url["'])([^"'\s]+)["']/g;
    const found: string[] = [];
    for (const file of files.filter((name) => /\.(c?js|d\.c?ts)$/.test(name) && !name.startsWith("cli"))) {
      const text = (await readFile(join(dist, file), "utf8")).replace(/^\s*(\*|\/\/|\/\*).*$/gm, "");
      for (const [, name] of text.matchAll(foreign)) found.push(`${file}: ${name}`);
    }
    expect(files.length).toBeGreaterThan(20);
    expect(found).toEqual([]);
  });
});
