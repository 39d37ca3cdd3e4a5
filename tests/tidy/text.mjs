/* What no file may say. */
import { isC, isScript, lineAt } from "./sources.mjs";

const FILE_BYTES_MAX = 1_000_000;

/* Spelled apart, so that this file keeps its own rules. */
const UNFINISHED = new RegExp(
  `\\b(${["TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK"].join("|")})\\b`,
  "g",
);
const MACHINE = new RegExp(
  `(?<![\\w.~-])/(${["ro" + "ot", "ho" + "me", "wo" + "rk", "Us" + "ers"].join("|")})/[\\w.-]`,
  "g",
);

function find(sources, pattern, say) {
  return sources.flatMap(({ path, text }) =>
    [...text.matchAll(pattern)].map((match) => ({
      path,
      line: lineAt(text, match.index),
      text: say(match[0]),
    })),
  );
}

const written = (source) => source.path !== "package-lock.json";
const code = (source) => isC(source) || isScript(source);

export const rules = [
  {
    name: "nothing is marked as unfinished",
    check: (sources) => find(sources.filter(written), UNFINISHED, (word) => `says ${word}`),
    planted: [{ path: "ts/core/a.ts", text: `// ${"TO" + "DO"}: later\n` }],
  },
  {
    name: "no path of somebody's machine",
    check: (sources) => find(sources.filter(written), MACHINE, (path) => `names ${path}...`),
    planted: [{ path: "README.md", text: `see ${"/ho" + "me"}/someone/diskann\n` }],
    clean: [{ path: "README.md", text: "see https://example.org/home/page and ./work/a\n" }],
  },
  {
    name: "the lock file names no registry",
    check: (sources) =>
      find(
        sources.filter(({ path }) => path === "package-lock.json"),
        /"resolved":/g,
        () => "has a resolved address",
      ),
    planted: [{ path: "package-lock.json", text: '"resolved": "https://registry.example/a.tgz"' }],
  },
  {
    name: "no tab, no space at the end of a line, one line end at the end of a file",
    check: (sources) =>
      find(
        sources.filter(code),
        /\t|[ \r]+$|\n\n$|[^\n]$(?![\s\S])/gm,
        (found) => `has ${JSON.stringify(found)}`,
      ),
    planted: [
      { path: "ts/core/a.ts", text: "a \nb\n" },
      { path: "csrc/base/a.c", text: "\tint a;\n" },
      { path: "csrc/base/a.c", text: "int a;" },
      { path: "csrc/base/a.c", text: "int a;\n\n" },
    ],
    clean: [{ path: "csrc/base/a.c", text: "int a;\n\nint b;\n" }],
  },
  {
    name: "no C line is longer than 128 columns (aim: 110)",
    check: (sources) => find(sources.filter(isC), /^.{129,}$/gm, (line) => `has ${line.length} columns`),
    planted: [{ path: "csrc/base/a.c", text: `${"a".repeat(129)}\n` }],
  },
  {
    name: "no build product and no data is tracked",
    check: (sources) =>
      sources
        .filter(({ path, bytes }) => bytes > FILE_BYTES_MAX || /\.(o|so|a|node|wasm|tgz)$/.test(path))
        .map(({ path, bytes }) => ({ path, line: 1, text: `${bytes} bytes` })),
    planted: [
      { path: "a.wasm", text: "", bytes: 1 },
      { path: "a.fbin", text: "", bytes: 2_000_000 },
    ],
  },
];
