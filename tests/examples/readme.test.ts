/** README.md: its programs compile and run as they stand there, its links and its options are real. */
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { build as bundle } from "esbuild";
import * as vite from "vite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { VectorIndex } from "../../ts/native.js";
import { launchChromium, serveFolder } from "../pack/browser.js";
import { runtime } from "../tools/runtimes.mjs";
import { checkTypes, output, outputIn, root } from "./run.js";

const PAGE_MS = 60_000;
const README = await readFile(join(root, "README.md"), "utf8");

/** The first program below a heading. */
function programBelow(heading: string): string {
  const section = README.split(`\n### ${heading}\n`)[1]?.split(/\n##+ /)[0] ?? "";
  const program = /```ts\n([\s\S]*?)```/.exec(section)?.[1];
  if (program === undefined) throw new Error(`README.md has no program below "${heading}"`);
  return program;
}

/** Within the repository: there `diskann` is the package as it is built, by its own exports map. */
let folder: string;

beforeAll(async () => {
  await mkdir(join(root, "build"), { recursive: true });
  folder = await mkdtemp(join(root, "build/readme-"));
  await writeFile(join(folder, "node.ts"), programBelow("Node"));
  await writeFile(join(folder, "codes.ts"), programBelow("Codes"));
  await writeFile(join(folder, "paged.ts"), programBelow("Larger than memory"));
  await writeFile(join(folder, "budget.ts"), programBelow("Built with less memory than the vectors take"));
  await writeFile(join(folder, "microsoft.ts"), programBelow("Microsoft's files"));
  await writeFile(join(folder, "page.ts"), programBelow("A browser page"));
  await writeFile(join(folder, "kept.ts"), programBelow("Kept in the browser"));
  await writeFile(join(folder, "deno-bun.ts"), programBelow("Deno and Bun"));
  const tsconfig = { extends: "../../tsconfig.json", include: ["*.ts"] };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify(tsconfig));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("the programs", () => {
  it("are all there are, and their types are right", async () => {
    expect(README.match(/^```(?!sh$|$).*$/gm)).toEqual(Array(8).fill("```ts"));
    expect(await checkTypes(folder)).toBe("");
  });

  it("run in Node", async () => {
    const outfile = join(folder, "node.mjs");
    await bundle({ entryPoints: [join(folder, "node.ts")], outfile, format: "esm", logLevel: "silent" });
    const lines = (await outputIn(folder, process.execPath, outfile)).trim().split("\n");
    expect(lines).toHaveLength(6);
    expect(lines[0]).toMatch(/^0 -?\d/);
    expect(lines[5]).toBe("10001 native");
  });

  it("build into a file", async () => {
    const outfile = join(folder, "budget.mjs");
    const entryPoints = [join(folder, "budget.ts")];
    await bundle({ entryPoints, outfile, format: "esm", platform: "node", logLevel: "silent" });
    expect(await outputIn(folder, process.execPath, outfile)).toMatch(/^5000 \d+\n$/);
    expect(existsSync(join(folder, "built.diskann"))).toBe(true);
  });

  it("make codes", async () => {
    const outfile = join(folder, "codes.mjs");
    const entryPoints = [join(folder, "codes.ts")];
    await bundle({ entryPoints, outfile, format: "esm", platform: "node", logLevel: "silent" });
    const lines = (await outputIn(folder, process.execPath, outfile)).trim().split("\n");
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatch(/^\[ 0, \d+, \d+, \d+, \d+ \]$/);
    expect(lines[1]).toMatch(/^80000 bytes, \d+\.\d % lost$/);
    expect(lines[2]).toBe("5000 16");
  });

  it("take over and search Microsoft's files", async () => {
    const outfile = join(folder, "microsoft.mjs");
    const entryPoints = [join(folder, "microsoft.ts")];
    const packages = "external";
    await bundle({ entryPoints, outfile, format: "esm", platform: "node", packages, logLevel: "silent" });
    const lines = (await outputIn(folder, process.execPath, outfile)).trim().split("\n");
    expect(lines).toEqual(["2000 { added: 0, dropped: 0, omitted: 0 }", "paged { id: 0, distance: 0 }"]);
  });

  it("search a file that is larger than its cache", async () => {
    const outfile = join(folder, "paged.mjs");
    const entryPoints = [join(folder, "paged.ts")];
    await bundle({
      entryPoints,
      outfile,
      format: "esm",
      platform: "node",
      packages: "external",
      logLevel: "silent",
    });
    const lines = (await outputIn(folder, process.execPath, outfile)).trim().split("\n");
    expect(lines[0]).toMatch(/^paged \d+ of \d+ bytes$/);
    const [, bytes, all] = (/(\d+) of (\d+)/.exec(lines[0] ?? "") ?? []).map(Number);
    expect(bytes).toBeLessThanOrEqual(2 ** 20);
    expect(all).toBeGreaterThan(4 * 2 ** 20);
    expect(lines[1]).toMatch(/^0 [1-9]\d* reads$/);
  });

  it("run in a page", async () => {
    const html =
      '<link rel="icon" href="data:,"><script type="module" src="./page.ts"></script><script type="module" src="./kept.ts"></script>';
    await writeFile(join(folder, "index.html"), html);
    const docs = await VectorIndex.build(new Float32Array(400).fill(1), { dimensions: 4 });
    await mkdir(join(folder, "public"));
    await docs.save(join(folder, "public/docs.diskann"));
    await docs.close();
    await vite.build({ root: folder, configFile: false, logLevel: "silent", build: { target: "es2022" } });
    const server = await serveFolder(join(folder, "dist"));
    const browser = await launchChromium();
    try {
      const page = await browser.context.newPage();
      const logged = [/^2000 wasm$/, /^check 100 %$/, /^opfs (true|false) \d+ of \d+ bytes$/].map((words) =>
        page.waitForEvent("console", {
          timeout: PAGE_MS,
          predicate: (message) => words.test(message.text()),
        }),
      );
      await page.goto(`${server.origin}/`);
      await Promise.all(logged);
      expect(await page.innerText("body")).toMatch(/^\d+ at \d\.\d{3}(, \d+ at \d\.\d{3}){4}$/);
      expect(await page.title()).toMatch(/^\w+: \d+ %$/);
    } finally {
      await browser.close();
      server.close();
    }
  });

  it("run in Deno and in Bun", async () => {
    const program = join(folder, "deno-bun.ts");
    const texts = [
      await output(await runtime("deno"), "run", "--allow-read", program),
      await output(await runtime("bun"), program),
    ];
    for (const text of texts) expect(text).toMatch(/id: 0,\s+distance: 0\.0(2|19999)\d*/);
  });
});

describe("the words", () => {
  it("link to files that are there", () => {
    const links = [...README.matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map(([, path]) => path ?? "");
    expect(links.length).toBeGreaterThanOrEqual(3);
    for (const path of links)
      expect({ path, there: existsSync(join(root, path)) }).toEqual({ path, there: true });
  });

  it("name npm scripts, imports and commands that exist", async () => {
    const { scripts, exports } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as {
      scripts: Record<string, string>;
      exports: Record<string, unknown>;
    };
    for (const [, name = ""] of README.matchAll(/npm run ([\w:]+)/g)) expect(scripts).toHaveProperty([name]);
    for (const [, name] of README.matchAll(/^\| `diskann(\/[\w-]+)?` \|/gm)) {
      expect(exports).toHaveProperty([`.${name ?? ""}`]);
    }
    const help = await output(process.execPath, "dist/cli.js", "--help");
    const rows = [...README.matchAll(/^\| `(\w+) (?:-i|docs)[^|]*\|/gm)].map(([, name]) => name);
    const commands = [...new Set(rows)];
    expect(commands).toEqual([
      "build",
      "search",
      "benchmark",
      "convert",
      "info",
      "verify",
      "import",
      "export",
    ]);
    for (const name of [...commands, "pq"]) expect(help).toMatch(new RegExp(`^  ${name} `, "m"));
  });
});
