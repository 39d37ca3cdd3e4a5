/* What the core's compiled units define and want: no mutable globals, no library calls beyond a short list. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FLAGS, sources as unitsOf, WARNINGS } from "../tools/sources.mjs";
import { blankC, isCore, lineAt, ROOT } from "./sources.mjs";

/* The only file that may call the platform's allocator. */
const MEMORY = "csrc/base/memory.c";

const FORBIDDEN =
  /\b(malloc|calloc|realloc|free|aligned_alloc|posix_memalign|alloca|qsort|bsearch|v?f?s?n?printf|puts|putchar|fopen|fread|fwrite|time|clock|clock_gettime|gettimeofday|rand|srand|random|getrandom|assert|abort|exit|getenv|setlocale|pthread_\w+|thrd_\w+|fma|fmaf|sqrtf?_approx|pow|powf|exp|expf|log|logf|sin|cos|tan)\s*\(/g;

/* Symbols that an object may leave to the C library and the compiler. */
const LIBRARY = new Set([
  "memcpy",
  "memset",
  "memmove",
  "memcmp",
  "memchr",
  "strlen",
  "sqrt",
  "sqrtf",
  "floor",
  "floorf",
  "rint",
  "rintf",
  "fabs",
  "fabsf",
  "__stack_chk_fail",
  "__cpu_model",
  "__cpu_indicator_init",
]);
const LIBRARY_OF_MEMORY = new Set([...LIBRARY, "aligned_alloc", "posix_memalign", "free"]);

function checkCalls(sources) {
  return sources
    .filter((source) => isCore(source) && source.path !== MEMORY)
    .flatMap(({ path, text }) =>
      [...blankC(text).matchAll(FORBIDDEN)].map((match) => ({
        path,
        line: lineAt(text, match.index),
        text: `calls ${match[1]}`,
      })),
    );
}

function run(command, args) {
  return new Promise((resolve) => {
    let out = "";
    const child = spawn(command, args, { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
    child.stdout.on("data", (chunk) => (out += chunk));
    child.stderr.on("data", (chunk) => (out += chunk));
    child.on("error", (error) => resolve({ code: 127, out: error.message }));
    child.on("close", (code) => resolve({ code, out }));
  });
}

/** Symbols of one compiled unit: { symbols }, or { error }: what the compiler said. Kept by content in build/tidy. */
async function symbolsOf({ path, text, flags }, headers, folder) {
  const key = createHash("sha256").update(`${path}\0${text}\0${flags}\0${headers}`).digest("hex");
  const kept = join(ROOT, "build/tidy", `${key}.txt`);
  if (existsSync(kept)) return parseSymbols(readFileSync(kept, "utf8"));
  const object = join(folder, `${key}.o`);
  // without position-independent code a constant table with pointers lies in .rodata, where it belongs
  const words = [...FLAGS, ...WARNINGS, "-O1", "-fno-pic", ...flags, "-c", path, "-o", object];
  const compiled = await run("gcc", words);
  if (compiled.code !== 0) return { error: compiled.out };
  const listed = await run("nm", [object]);
  mkdirSync(join(ROOT, "build/tidy"), { recursive: true });
  writeFileSync(kept, listed.out);
  return parseSymbols(listed.out);
}

function parseSymbols(text) {
  const lines = [...text.matchAll(/^(?:[0-9a-f]+)?\s+([a-zA-Z]) (\S+)$/gm)];
  return { symbols: lines.map((match) => ({ kind: match[1], name: match[2] })) };
}

/** [{ path, error } | { path, symbols }] of every unit of the core, two compilers at a time. */
async function compileCore(sources) {
  const texts = new Map(sources.filter(isCore).map(({ path, text }) => [path, text]));
  const units = unitsOf(process.arch === "arm64" ? "arm64" : "x64")
    .filter(({ file }) => texts.has(file))
    .map(({ file, flags }) => ({ path: file, text: texts.get(file), flags }));
  const headers = sources.filter(({ path }) => path.startsWith("csrc/") && path.endsWith(".h"));
  const hash = createHash("sha256")
    .update(headers.map(({ path, text }) => `${path}\0${text}`).join("\0"))
    .digest("hex");
  const folder = mkdtempSync(join(tmpdir(), "diskann-tidy-"));
  const results = [];
  const queue = [...units];
  const worker = async () => {
    for (let unit = queue.shift(); unit !== undefined; unit = queue.shift()) {
      results.push({ path: unit.path, ...(await symbolsOf(unit, hash, folder)) });
    }
  };
  await Promise.all([worker(), worker()]);
  rmSync(folder, { recursive: true, force: true });
  return results;
}

/** What is wrong with compiled units. */
export function checkSymbols(units) {
  const defined = new Set(
    units.flatMap(({ symbols = [] }) =>
      symbols.filter(({ kind }) => kind === "T" || kind === "R").map(({ name }) => name),
    ),
  );
  return units.flatMap(({ path, symbols = [], error }) => {
    if (error !== undefined) return [{ path, line: 1, text: `does not compile:\n${error}` }];
    const library = path === MEMORY ? LIBRARY_OF_MEMORY : LIBRARY;
    const mutable = symbols.filter(({ kind }) => "dDbBCsSgG".includes(kind));
    const wanted = symbols.filter(
      ({ kind, name }) => kind === "U" && !defined.has(name) && !library.has(name),
    );
    return [
      ...mutable.map(({ name }) => ({ path, line: 1, text: `${name} is a mutable global` })),
      ...wanted.map(({ name }) => ({
        path,
        line: 1,
        text: `wants ${name}, which the core neither has nor may call`,
      })),
    ];
  });
}

export const rules = [
  {
    name: "the core calls no allocator, clock, random source, stdio or assert",
    check: checkCalls,
    planted: [
      { path: "csrc/op/a.c", text: "void f(void)\n{\n    void *p = malloc(1);\n}\n" },
      { path: "csrc/op/a.c", text: "    qsort(a, n, 1, f);\n" },
      { path: "csrc/base/a.h", text: "    assert(a);\n" },
    ],
    clean: [
      { path: MEMORY, text: "    free(memory);\n" },
      { path: "csrc/op/a.c", text: '/* never malloc() */ page_free(p); const char *t = "time()";\n' },
    ],
  },
  {
    name: "the core compiles without a warning, has no mutable global and wants nothing else from the library",
    check: async (sources) => checkSymbols(await compileCore(sources)),
    planted: [
      { path: "csrc/base/a.c", text: "int counter;\n" },
      { path: "csrc/base/a.c", text: "int f(void)\n{\n    static int calls = 1;\n    return ++calls;\n}\n" },
      { path: "csrc/base/a.c", text: "int other(void);\nint f(void)\n{\n    return other();\n}\n" },
      { path: "csrc/base/a.c", text: "int f(void)\n{\n    int unused;\n    return 0;\n}\n" },
    ],
    // the planted units are not in the tree, so the rule is tried on what a compiler says about them
    checkPlanted: async (sources) => checkSymbols(await compilePlanted(sources)),
    clean: [
      {
        path: "csrc/base/a.c",
        text: 'const char *const names[] = {"a"};\nint f(int a)\n{\n    return a;\n}\n',
      },
    ],
  },
];

async function compilePlanted(sources) {
  const folder = mkdtempSync(join(tmpdir(), "diskann-planted-"));
  const results = [];
  for (const { path, text } of sources) {
    const file = join(folder, "unit.c");
    writeFileSync(file, text);
    const object = join(folder, "unit.o");
    const flags = ["-std=c11", "-O1", "-fno-pic", "-Wall", "-Wextra", "-Werror"];
    const { code, out } = await run("gcc", [...flags, "-c", file, "-o", object]);
    results.push(
      code === 0 ? { path, ...parseSymbols((await run("nm", [object])).out) } : { path, error: out },
    );
  }
  rmSync(folder, { recursive: true, force: true });
  return results;
}
