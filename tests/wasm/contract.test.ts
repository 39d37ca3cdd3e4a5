/** The C shims, the exports of the built module and what TypeScript believes of them are three lists of the same things. */
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { BATCHED } from "../../ts/backend/wasm/batch-exchange.js";
import * as exchange from "../../ts/backend/wasm/exchange.js";
import { NEEDS } from "../../ts/backend/wasm/file-exchange.js";
import * as paged from "../../ts/backend/wasm/paged-exchange.js";

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url));
const shared = read("wasm/exports.c").toString();
const shims = shared + read("wasm/exports_more.c").toString();
const threadedShims = read("wasm/exports_threads.c").toString();
const types = read("ts/backend/wasm/exchange.ts").toString();
const threadedTypes = read("ts/backend/wasm/batch-exchange.ts").toString();
const bytes = read("dist/diskann.wasm");
const threadedBytes = read("dist/diskann-threads.wasm");
const module = new WebAssembly.Module(bytes);

/** Exported functions of C: name -> number of parameters. */
const exportsOf = (text: string): Map<string, number> =>
  new Map(
    [...text.matchAll(/\bEXPORT\((\w+)\)\(([^)]*)\)/g)].map(([, name, parameters]) => [
      name as string,
      parameters === "void" ? 0 : (parameters as string).split(",").length,
    ]),
  );
const inC = exportsOf(shims);

/** Functions of an interface, without those of the C library and the toolchain. */
function functionsOfInterface(text: string): Map<string, number> {
  const body = /interface \w*Exports[^{]*\{([\s\S]*?)\n\}/.exec(text)?.[1] ?? "";
  const found = [...body.matchAll(/^ {2}(\w+)\(([^)]*)\)/gm)].map(
    ([, name, parameters]) => [name as string, (parameters as string).match(/\w+:/g)?.length ?? 0] as const,
  );
  return new Map(found.filter(([name]) => !["_initialize", "malloc", "free"].includes(name)));
}

const camel = (name: string) => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());

/** The last word of what is written: `(double)stats.config.seed` -> "seed". */
const fieldOf = (expression: string) => /(\w+)\W*$/.exec(expression)?.[1] ?? "";

/** What each function that is marked `exchange: name` writes, in order of slots. */
function writtenSlots(): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const [, name, body] of (shims + threadedShims).matchAll(
    /exchange: (\w+)[\s\S]*?\n\{\n([\s\S]*?)\n\}/g,
  )) {
    const writes = [...(body as string).matchAll(/(?:exchange_slots\[(\d+)\]|\*slot\+\+) = ([^;]+);/g)];
    writes.forEach(([, slot], i) => {
      if (slot !== undefined) expect(Number(slot)).toBe(i);
    });
    found.set(
      name as string,
      writes.map(([, , value]) => camel(fieldOf(value as string))),
    );
  }
  return found;
}

describe("the WebAssembly module", () => {
  it("imports nothing but the notice of memory growth", () => {
    const imports = WebAssembly.Module.imports(module).map((entry) => `${entry.module}.${entry.name}`);
    expect(imports).toEqual(["env.emscripten_notify_memory_growth"]);
  });

  it("exports what the C file says, and beside it only what the toolchain adds", () => {
    const names = WebAssembly.Module.exports(module).map(({ name }) => name);
    expect(inC.size).toBeGreaterThan(25);
    expect(names).toEqual(expect.arrayContaining([...inC.keys(), "memory", "_initialize", "malloc", "free"]));
    const more = names.filter(
      (name) => !inC.has(name) && !/^(_?_\w+|stack(Save|Restore|Alloc)|malloc|free|memory)$/.test(name),
    );
    expect(more).toEqual([]);
  });

  it("is known to TypeScript by the same names and numbers of parameters", () => {
    expect(Object.fromEntries(functionsOfInterface(types))).toEqual(Object.fromEntries(inC));
    expect(Object.fromEntries(functionsOfInterface(threadedTypes))).toEqual(
      Object.fromEntries(exportsOf(threadedShims)),
    );
  });

  it("writes the slots of the exchange in the order TypeScript reads them", () => {
    const expected: Record<string, Readonly<Record<string, number>>> = {
      stats: exchange.STATS,
      searched: exchange.SEARCHED,
      batched: BATCHED,
      advance: paged.ADVANCE,
      answered: paged.ANSWERED,
      needs: NEEDS,
      stage: exchange.STAGE,
      request: exchange.REQUEST,
      failure: exchange.FAILURE,
      findings: exchange.FINDINGS,
      finding: exchange.FINDING,
    };
    const written = writtenSlots();
    expect([...written.keys()].sort()).toEqual(Object.keys(expected).sort());
    // Counters are sums here, the core's fields elsewhere: only these are named otherwise.
    const renamed: Record<string, string> = {
      distanceCount: "distances",
      hopCount: "hops",
      roundCount: "rounds",
    };
    for (const [name, fields] of written) {
      const slots = Object.entries(expected[name] ?? {}).sort(([, a], [, b]) => a - b);
      expect(fields.map((field) => renamed[field] ?? field)).toEqual(slots.map(([field]) => field));
    }
  });

  it("is there once more for threads: the functions that builds and batches want, over a memory of the host's", () => {
    const threaded = new WebAssembly.Module(threadedBytes);
    const imports = WebAssembly.Module.imports(threaded).map((entry) => `${entry.module}.${entry.name}`);
    expect(imports.sort()).toEqual(["env.emscripten_resize_heap", "env.memory"]);
    const names = WebAssembly.Module.exports(threaded).map(({ name }) => name);
    const own = ["__stack_pointer", "__tls_size", "__wasm_init_tls", "__wasm_call_ctors", "malloc", "free"];
    const wanted = exportsOf(shared + threadedShims).keys();
    expect(names.sort()).toEqual([...wanted, ...own].sort());
    expect(gzipSync(threadedBytes, { level: 9 }).length).toBeLessThanOrEqual(100_000);
  });

  it("stays below its budget", () => {
    expect(gzipSync(bytes, { level: 9 }).length).toBeLessThanOrEqual(100_000);
  });
});
