/* Who may know whom. A file uses its own folder and the folders named here, nothing else. */
import { posix } from "node:path";
import ts from "typescript";
import { blankC, isC, isScript, lineAt } from "./sources.mjs";

/* Every floor of the core may also include the public header: its types and limits are everyone's. */
const CORE = {
  base: [],
  simd: ["base"],
  quant: ["base", "simd"],
  record: ["base", "simd"],
  graph: ["base", "simd", "quant", "record"],
  store: ["base", "record"],
  op: ["base", "simd", "quant", "record", "graph", "store"],
  api: ["base", "simd", "quant", "record", "graph", "store", "op"],
  include: [],
};

const SCRIPTS = {
  core: [],
  storage: ["core"],
  backend: ["core", "storage"],
  worker: ["core", "storage", "backend"],
  api: ["core", "storage", "backend", "worker"],
  cli: ["core", "storage", "backend", "worker", "api"],
  server: ["core", "storage", "backend", "worker", "api"],
};

const HEADER = "csrc/include/diskann.h";

/** The repository path that an #include names: beside the file, or below csrc or its include folder. */
function resolveInclude(from, name, known) {
  const places = [posix.dirname(from), "csrc", "csrc/include"];
  const paths = places.map((place) => posix.normalize(posix.join(place, name)));
  return paths.find((path) => known.has(path)) ?? paths[0];
}

function includesOf({ path, text }, known) {
  const found = blankC(text, { strings: false }).matchAll(/^[ \t]*#[ \t]*include[ \t]*"([^"]+)"/gm);
  return [...found].map((match) => ({
    to: resolveInclude(path, match[1], known),
    line: lineAt(text, match.index),
  }));
}

function mayInclude(from, to) {
  if (to === HEADER) return true;
  const [top, floor] = from.split("/");
  const [toTop, toFloor] = to.split("/");
  if (top === "csrc") return toTop === "csrc" && (toFloor === floor || (CORE[floor] ?? []).includes(toFloor));
  return toTop === top;
}

function checkIncludes(sources) {
  const known = new Set(sources.map(({ path }) => path).concat(HEADER));
  const subject = sources.filter((source) => isC(source) && /^(csrc|wasm|node)\//.test(source.path));
  return subject.flatMap((source) =>
    includesOf(source, known)
      .filter(({ to }) => !mayInclude(source.path, to))
      .map(({ to, line }) => ({ path: source.path, line, text: `must not include ${to}` })),
  );
}

/** Relative modules that a TypeScript file names: import, export from, import(), import types. */
export function importsOf({ path, text }) {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const found = [];
  const note = (literal) => {
    if (literal === undefined || !ts.isStringLiteralLike(literal)) return;
    const line = file.getLineAndCharacterOfPosition(literal.getStart()).line + 1;
    found.push({ name: literal.text, line });
  };
  const visit = (node) => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) note(node.moduleSpecifier);
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
      note(node.arguments[0]);
    if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) note(node.argument.literal);
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

function mayImport(from, to) {
  const [, floor, ...rest] = from.split("/");
  if (rest.length === 0) return to.startsWith("ts/") || to === "package.json"; // an entry wires the floors together
  const [top, toFloor, ...toRest] = to.split("/");
  if (to === "package.json") return true;
  return top === "ts" && toRest.length > 0 && (toFloor === floor || (SCRIPTS[floor] ?? []).includes(toFloor));
}

function checkImports(sources) {
  const subject = sources.filter((source) => isScript(source) && source.path.startsWith("ts/"));
  return subject.flatMap((source) =>
    importsOf(source)
      .filter(({ name }) => name.startsWith("."))
      .map(({ name, line }) => ({ to: posix.normalize(posix.join(posix.dirname(source.path), name)), line }))
      .filter(({ to }) => !mayImport(source.path, to))
      .map(({ to, line }) => ({ path: source.path, line, text: `must not import ${to}` })),
  );
}

/** A folder that no table names would escape the rule. */
function checkFolders(sources) {
  return sources.flatMap(({ path }) => {
    const [top, floor, ...rest] = path.split("/");
    if (rest.length === 0 || (top !== "csrc" && top !== "ts")) return [];
    const table = top === "csrc" ? CORE : SCRIPTS;
    return floor in table ? [] : [{ path, line: 1, text: `${top}/${floor} is no floor` }];
  });
}

export const rules = [
  {
    name: "C files include their own and lower floors only",
    check: checkIncludes,
    planted: [
      { path: "csrc/base/a.c", text: '#include "../graph/graph.h"\n' },
      { path: "csrc/store/a.c", text: '#include "../simd/simd.h"\n' },
      { path: "node/a.cc", text: '#include "../csrc/op/op.h"\n' },
    ],
    clean: [{ path: "csrc/op/a.c", text: '#include "../base/memory.h"\n#include "op.h"\n' }],
  },
  {
    name: "TypeScript files import their own and lower floors only",
    check: checkImports,
    planted: [
      { path: "ts/core/a.ts", text: 'import type { A } from "../api/index.js";\n' },
      { path: "ts/backend/wasm/a.ts", text: 'const m = await import("../../worker/a.js");\n' },
      { path: "ts/api/a.ts", text: 'export * from "../index.js";\n' },
    ],
    clean: [
      { path: "ts/api/a.ts", text: 'import { A } from "../core/a.js";\nexport { b } from "./b.js";\n' },
    ],
  },
  {
    name: "every folder of csrc and ts is a floor of the table",
    check: checkFolders,
    planted: [{ path: "ts/util/a.ts", text: "" }],
  },
];
