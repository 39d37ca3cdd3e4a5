/** The example programs, each in the runtime that it is for. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build as bundle } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { VectorIndex } from "../../ts/wasm.js";
import { runtime } from "../tools/runtimes.mjs";
import { checkTypes, output, root } from "./run.js";

const DEMO_MS = 300_000;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "diskann-examples-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it("has examples whose types fit the package as it is built", async () => {
  expect(await checkTypes("examples")).toBe("");
});

describe("Node", () => {
  it("runs the quickstart", async () => {
    const lines = (await output(process.execPath, "examples/node-quickstart/quickstart.mjs")).split("\n");
    expect(lines[0]).toMatch(/^nearest: \{ id: 42, distance: .+ \}$/);
    expect(lines.slice(1, 3)).toEqual(["added: 1000000 size: 1001", "nearest to row 7: 7"]);
    expect(lines[3]).toMatch(/^recall@10: (0\.9|1)$/);
    expect(lines[4]).toMatch(/^opened: 1001 vectors, backend: (native|wasm)$/);
  });

  it("runs the quickstart in TypeScript", async () => {
    const outfile = join(root, "build/quickstart-test.mjs");
    const entryPoints = [join(root, "examples/node-quickstart/quickstart.ts")];
    await bundle({ entryPoints, outfile, format: "esm", platform: "node", logLevel: "silent" });
    const lines = (await output(process.execPath, outfile)).trim().split("\n");
    expect(lines[0]).toMatch(/^\w+: \d+ of \d+$/);
    expect(lines.slice(-4)).toEqual([
      "search 0.000",
      "with 0.976",
      "nearest 0.983",
      "ERR_DIMENSION_MISMATCH",
    ]);
  });

  it("searches a file ten times larger than its cache", async () => {
    const lines = (await output(process.execPath, "examples/paged/paged.mjs")).split("\n");
    const fileMegabytes = Number(/^file: ([\d.]+) MB in pages of \d+ bytes$/.exec(lines[0] ?? "")?.[1]);
    const [, reads, rounds] = (
      /^reads: ([\d.]+) a query, in ([\d.]+) rounds$/.exec(lines[1] ?? "") ?? []
    ).map(Number);
    const [, total, cached] = (/^memory: ([\d.]+) MB, of which ([\d.]+) MB/.exec(lines[2] ?? "") ?? []).map(
      Number,
    );
    expect(reads).toBeGreaterThan(rounds ?? Number.NaN);
    expect(cached).toBeLessThanOrEqual(fileMegabytes / 10 + 0.1);
    expect(total).toBeLessThan(fileMegabytes / 5);
    expect(lines[3]).toBe("same answers as in memory: true");
    expect(lines.slice(4).join(" ")).toMatch(/^one search: \{.*reads: \d+,.*bytesRead: \d+/);
  });

  it(
    "runs the demo, with both backends",
    async () => {
      const text = await output(
        process.execPath,
        "examples/demo/demo.mjs",
        "draw a progress bar in the terminal",
      );
      const recalls = [...text.matchAll(/^recall@10 (\d\.\d{3}) .* (\w+)$/gm)];
      expect(recalls.map(([, , name]) => name)).toEqual(["native", "wasm"]);
      for (const [, recall] of recalls) expect(Number(recall)).toBeGreaterThanOrEqual(0.9);
      expect(text.match(/^ {2}\d\.\d{3} {2}cli-progress: /gm)?.length).toBeGreaterThanOrEqual(2);
      expect(text).toContain("every search below walks the graph");
      expect(text).toContain("native and WebAssembly gave the same answers, to the last bit");
    },
    DEMO_MS,
  );
});

describe("Deno and Bun", () => {
  const expected = "wasm, 500 vectors, nearest: 0\n143360 bytes, undamaged, nearest: 0\n";

  it("run the same program", async () => {
    const source = await readFile(join(root, "examples/deno-bun/search.ts"), "utf8");
    const [deno, bun] = [...source.matchAll(/^ \* {5}((?:deno|bun) .+)$/gm)].map(([, words]) =>
      words?.split(" "),
    );
    expect(await output(await runtime("deno"), ...(deno?.slice(1) ?? []))).toBe(expected);
    expect(await output(await runtime("bun"), ...(bun?.slice(1) ?? []))).toBe(expected);
  });
});

describe("C", () => {
  it("is compiled by the commands the example names, and does the whole round", async () => {
    const source = await readFile(join(root, "examples/c/search.c"), "utf8");
    const commands = [...source.matchAll(/^ \* {5}(.+)$/gm)].map(([, words]) => words ?? "");
    expect(commands).toHaveLength(3);
    const script = join(folder, "commands.sh");
    await writeFile(script, ["set -e", ...commands].join("\n").replaceAll(/(?<=^| )build\//gm, `${folder}/`));
    const lines = (await output("sh", script)).trim().split("\n");
    expect(lines).toHaveLength(14);
    expect(lines[1]).toBe("  42 at 0.0000");
    expect(lines.slice(8)).toEqual(lines.slice(1, 7));

    // a file of the C program is a file of the package
    const index = await VectorIndex.open(join(folder, "example.diskann"));
    const row = (await index.get(42)) ?? new Float32Array();
    const hits = await index.search(row, { k: 5 });
    expect(hits.map(({ id, distance }) => `  ${id} at ${distance.toFixed(4)}`)).toEqual(lines.slice(1, 6));
    expect((await index.verify()).ok).toBe(true);
    await index.close();
  });
});
