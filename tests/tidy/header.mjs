/* The public header, the implementation and the TypeScript side say the same. */

import { functionsOfC } from "./functions.mjs";
import { blankC, isCore, lineAt } from "./sources.mjs";

const HEADER = "csrc/include/diskann.h";
const FOLDER = "csrc/include/";

/** Names of the functions that the header declares. */
export function declaredFunctions(text) {
  const plain = blankC(text).replace(/^[ \t]*#(?:[^\n\\]|\\[^\n]|\\\n)*/gm, (found) =>
    found.replace(/[^\n]/g, " "),
  );
  const found = plain.matchAll(/^[a-z][\w \t]*[ *](diskann_\w+)\s*\(/gm);
  return [...found].map((match) => ({ name: match[1], line: lineAt(text, match.index) }));
}

/** Names of the diskann_ functions that a C file defines. */
function definedFunctions({ path, text }) {
  const plain = blankC(text);
  return functionsOfC(text).flatMap(({ from, to }) => {
    const head = plain.slice(from, plain.indexOf("{", from));
    const name = /^(?!static\b)[\w \t\n*]*?\b(diskann_\w+)\s*\(/.exec(head)?.[1];
    return name === undefined || to < from ? [] : [{ name, path, line: lineAt(text, from) }];
  });
}

function checkDefinitions(sources) {
  const declared = sources
    .filter(({ path }) => path.startsWith(FOLDER))
    .flatMap(({ path, text }) => declaredFunctions(text).map((one) => ({ ...one, path })));
  if (declared.length === 0) return [];
  const defined = sources
    .filter((source) => isCore(source) && source.path.endsWith(".c"))
    .flatMap(definedFunctions);
  const times = (name) => defined.filter((one) => one.name === name).length;
  const names = new Set(declared.map(({ name }) => name));
  return [
    ...declared
      .filter(({ name }) => times(name) !== 1)
      .map(({ name, path, line }) => ({ path, line, text: `${name} is defined ${times(name)} times` })),
    ...defined
      .filter(({ name }) => !names.has(name))
      .map(({ name, path, line }) => ({ path, line, text: `${name} is not in the header` })),
  ];
}

/** Rows of the status table: [name, value]. */
export function statusTable(text) {
  return [...text.matchAll(/\bX\(((?:OK|RUN|IO|ERR_\w+)), (-?\d+), "/g)].map((match) => [
    match[1],
    Number(match[2]),
  ]);
}

/** [name, value] wherever TypeScript writes a code with its number, and where it lists the codes in their order. */
function codesOfScript({ path, text }) {
  const pairs = [...text.matchAll(/\b(?:STATUS_)?(ERR_[A-Z_]+)["']?\s*[:=]\s*(-\d+)/g)];
  const lists = [...text.matchAll(/"ERR_[A-Z_]+"(?:,\s*"ERR_[A-Z_]+"){4,}/g)];
  const listed = lists.flatMap((list) =>
    [...list[0].matchAll(/ERR_[A-Z_]+/g)].map(([name], at) => ({
      name,
      value: -(at + 1),
      offset: list.index,
    })),
  );
  return pairs
    .map((match) => ({ name: match[1], value: Number(match[2]), offset: match.index }))
    .concat(listed)
    .map((code) => ({ ...code, path, line: lineAt(text, code.offset) }));
}

/* ERR_CANCELLED never reaches a user: an aborted call rejects with the signal's reason. */
function checkCodes(sources) {
  const header = sources.find(({ path }) => path === HEADER);
  if (header === undefined) return [];
  const table = new Map(statusTable(header.text).filter(([name]) => name.startsWith("ERR_")));
  const scripts = sources.filter(({ path }) => /^ts\/(core|backend)\/.*\.ts$/.test(path));
  const types = scripts.filter(({ path }) => path.startsWith("ts/core/"));
  const union = new Set(types.flatMap(({ text }) => text.match(/(?<=")ERR_[A-Z_]+(?=")/g) ?? []));
  const wrong = scripts
    .flatMap(codesOfScript)
    .filter(({ name, value }) => table.get(name) !== value)
    .map(({ path, line, name, value }) => ({
      path,
      line,
      text: `${name} is ${table.get(name)}, not ${value}`,
    }));
  const absent = [...table.keys()]
    .filter((name) => name !== "ERR_CANCELLED" && !union.has(name))
    .map((name) => ({ path: HEADER, line: 1, text: `${name} is not an error code of ts/core` }));
  const unknown = [...union]
    .filter((name) => !table.has(name))
    .map((name) => ({ path: HEADER, line: 1, text: `ts/core has ${name}, the table has not` }));
  return [...wrong, ...absent, ...unknown];
}

export const rules = [
  {
    name: "every function of the header is defined once, every public definition is in the header",
    check: checkDefinitions,
    planted: [
      { path: HEADER, text: "int diskann_a(int x);\n" },
      { path: "csrc/api/a.c", text: "int diskann_b(void)\n{\n}\n" },
    ],
    together: true,
    clean: [
      { path: HEADER, text: "/* int diskann_old(void); */\nconst char *diskann_a(int x,\n    int y);\n" },
      { path: "csrc/api/a.c", text: "const char *diskann_a(int x, int y)\n{\n    return 0;\n}\n" },
    ],
  },
  {
    name: "the status table and the error codes of TypeScript agree",
    check: checkCodes,
    planted: [
      { path: HEADER, text: 'X(ERR_A, -1, "a") X(ERR_B, -2, "b")' },
      { path: "ts/core/types.ts", text: 'type ErrorCode = "ERR_A" | "ERR_C"; const STATUS_ERR_B = -3;' },
    ],
    together: true,
    clean: [
      { path: HEADER, text: 'X(ERR_A, -1, "a") X(ERR_CANCELLED, -2, "b")' },
      { path: "ts/core/types.ts", text: 'type ErrorCode = "ERR_A"; const s = { ERR_A: -1 };' },
    ],
  },
];
