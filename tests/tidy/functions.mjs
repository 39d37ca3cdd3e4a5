/* How long files and functions are. */
import ts from "typescript";
import { blankC, isC, isScript, lineAt } from "./sources.mjs";

const FILE_LINES_MAX = 600;
const FUNCTION_LINES_MAX = 80;

const countLines = (text) => text.split("\n").length - (text.endsWith("\n") ? 1 : 0);

/** Offsets of "{" and "}" of every function body of C or C++, with the offset where its head begins. */
export function functionsOfC(source) {
  const noDirectives = (text) =>
    text.replace(/^[ \t]*#(?:[^\n\\]|\\[^\n]|\\\n)*/gm, (d) => d.replace(/[^\n]/g, " "));
  const text = noDirectives(blankC(source));
  const found = [];
  const open = [];
  let head = 0;
  for (let at = 0; at < text.length; at++) {
    const c = text[at];
    if (c === "{") {
      const words = text.slice(head, at);
      const inside = open.some((scope) => scope.isFunction);
      const isType = /^\s*(typedef|struct|union|enum|class|namespace|extern\b|export)\b[^(]*$/.test(words);
      const isFunction = !inside && !isType && /\)/.test(words) && !/=\s*$/.test(words);
      open.push({ isFunction, head: head + words.search(/\S|$/), at });
      head = at + 1;
    } else if (c === "}") {
      const scope = open.pop();
      if (scope?.isFunction) found.push({ from: scope.head, to: at });
      head = at + 1;
    } else if (c === ";") head = at + 1;
  }
  return found;
}

function longFunctionsOfC({ path, text }) {
  return functionsOfC(text).flatMap(({ from, to }) => overlong(path, lineAt(text, from), lineAt(text, to)));
}

/* A function that registers tests is a list of them: the tests are looked at one by one, and not as part of it. */
function isCallbackOf(names, node, path) {
  if (!path.startsWith("tests/") || !ts.isCallExpression(node.parent)) return false;
  return names.test(node.parent.expression.getText());
}
const isSuite = (node, path) => isCallbackOf(/^(describe|suite)\b/, node, path);
const isTest = (node, path) => isCallbackOf(/^(test|it)\b/, node, path);

function longFunctionsOfScript({ path, text }) {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const found = [];
  const line = (offset) => file.getLineAndCharacterOfPosition(offset).line + 1;
  /* Visits what is below and returns the lines that belong to tests there. */
  const visit = (node) => {
    let ofTests = 0;
    ts.forEachChild(node, (child) => {
      ofTests += visit(child);
    });
    if (!ts.isFunctionLike(node) || node.body === undefined) return ofTests;
    const [first, last] = [line(node.getStart()), line(node.getEnd())];
    const own = last - first + 1 - ofTests;
    if (isSuite(node, path)) return ofTests + own;
    found.push(...overlong(path, first, first + own - 1));
    return isTest(node, path) ? ofTests + own : ofTests;
  };
  visit(file);
  return found;
}

function overlong(path, first, last) {
  const lines = last - first + 1;
  if (lines <= FUNCTION_LINES_MAX) return [];
  return [{ path, line: first, text: `a function of ${lines} lines, at most ${FUNCTION_LINES_MAX}` }];
}

const long = (count) => "\n".repeat(count);

export const rules = [
  {
    name: `no file has more than ${FILE_LINES_MAX} lines`,
    check: (sources) =>
      sources
        .filter((source) => isC(source) || isScript(source))
        .filter(({ text }) => countLines(text) > FILE_LINES_MAX)
        .map(({ path, text }) => ({ path, line: FILE_LINES_MAX, text: `${countLines(text)} lines` })),
    planted: [{ path: "ts/core/long.ts", text: long(601) }],
  },
  {
    name: `no C function has more than ${FUNCTION_LINES_MAX} lines`,
    check: (sources) => sources.filter(isC).flatMap(longFunctionsOfC),
    planted: [
      { path: "csrc/base/long.c", text: `int f(int a)\n{\n  if (a) {${long(80)}}\n}\n` },
      { path: "node/long.cc", text: `namespace n {\nclass C {\n  void f() {${long(80)}}\n};\n}\n` },
    ],
    clean: [
      { path: "csrc/base/table.c", text: `static const int table[] = {${long(90)}};\nint f(void)\n{\n}\n` },
    ],
  },
  {
    name: `no TypeScript function has more than ${FUNCTION_LINES_MAX} lines`,
    check: (sources) => sources.filter(isScript).flatMap(longFunctionsOfScript),
    planted: [
      { path: "ts/core/long.ts", text: `export class A { f() {${long(80)}} }` },
      { path: "tests/unit/long.test.ts", text: `test("a", () => {${long(80)}});` },
    ],
    clean: [
      {
        path: "tests/unit/a.test.ts",
        text: `describe("a", () => {\ntest("b", () => {${long(60)}});\ntest("c", () => {${long(60)}});\n});`,
      },
    ],
  },
];
