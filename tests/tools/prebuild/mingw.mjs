/*
 * The addon for Windows on x64, made on Linux. gyp cannot do that, so the units are compiled here one by one, with the
 * flags of sources.mjs for the core. The functions of Node-API come from the program that loads the addon, whatever its
 * name: an import library that binds late, and a hook that answers "node.exe" with the running program.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BUILD, ROOT, runLogged, which } from "../setup/shell.mjs";
import { nodeHeaders } from "../setup/steps.mjs";
import { FLAGS, sources, WARNINGS } from "../sources.mjs";

const PREFIX = "x86_64-w64-mingw32-";

/* The variant with std::thread. */
const withThreads = (tool) =>
  which(`${PREFIX}${tool}-posix`) ? `${PREFIX}${tool}-posix` : `${PREFIX}${tool}`;

function includeFolder() {
  const option = nodeHeaders()[0];
  return option === undefined ? undefined : join(option.slice("--nodedir=".length), "include/node");
}

/** Names of all functions of Node-API. */
export function nodeApiFunctions(folder) {
  const text = ["js_native_api.h", "node_api.h"]
    .map((name) => readFileSync(join(folder, name), "utf8"))
    .join("\n");
  return [
    ...new Set([...text.matchAll(/\bNAPI_CDECL\s+((?:napi|node_api)_\w+)\s*\(/g)].map((match) => match[1])),
  ];
}

/** Runs commands, two at a time; false when one failed. */
async function runAll(commands, log) {
  const queue = [...commands];
  let good = true;
  const worker = async () => {
    for (let words = queue.shift(); words !== undefined && good; words = queue.shift()) {
      if ((await runLogged(words[0], words.slice(1), log, { append: true })) !== 0) good = false;
    }
  };
  await Promise.all([worker(), worker()]);
  return good;
}

/* On Windows gcc puts 32- and 64-byte vectors on a stack that is aligned to 16 only; unaligned moves are right there. */
const UNALIGNED = "-Wa,-muse-unaligned-vector-move";

function compileCommands(folder, headers) {
  const common = ["-O3", "-ffp-contract=off", "-fvisibility=hidden", "-DNDEBUG", UNALIGNED, ...WARNINGS];
  const objectOf = (file) => join(folder, `${file.replaceAll("/", "-")}.o`);
  const core = sources("x64").map(({ file, flags }) => ({
    object: objectOf(file),
    words: [withThreads("gcc"), ...FLAGS, ...common, ...flags, "-c", file, "-o", objectOf(file)],
  }));
  const cxx = [
    "-std=c++17",
    ...common,
    "-Wno-cast-function-type",
    "-DBUILDING_NODE_EXTENSION",
    "-D_WIN32_WINNT=0x0A00",
  ];
  const api = [...gypDefines(), `-isystem${headers}`, `-isystem${join(ROOT, "node_modules/node-addon-api")}`];
  const names = readdirSync(join(ROOT, "node")).filter((name) => name.endsWith(".cc"));
  const files = [...names.map((name) => `node/${name}`), "tests/tools/prebuild/delay-load-hook.cc"];
  const glue = files.map((file) => ({
    object: objectOf(file),
    words: [withThreads("g++"), ...cxx, ...api, "-c", file, "-o", objectOf(file)],
  }));
  return [...core, ...glue];
}

/** The preprocessor's definitions of binding.gyp, for all files. */
function gypDefines() {
  const text = readFileSync(join(ROOT, "binding.gyp"), "utf8");
  const names = text.match(/\b(?:NAPI_VERSION=\d+|(?:NODE_ADDON_API|NAPI|NODE_API)_[A-Z_]+)\b/g) ?? [];
  return [...new Set(names)].map((name) => `-D${name}`);
}

/** The import library that binds Node-API late; undefined when that failed. */
async function makeImportLibrary(folder, headers, log) {
  const definition = join(folder, "node.def");
  writeFileSync(definition, `NAME node.exe\nEXPORTS\n${nodeApiFunctions(headers).join("\n")}\n`);
  const library = join(folder, "libnode-delayed.a");
  const words = ["-d", definition, "-D", "node.exe", "-y", library];
  const code = await runLogged(`${PREFIX}dlltool`, words, log, { append: true });
  return code === 0 ? library : undefined;
}

/** Resolves to the path of the addon, or undefined; what happened is in `log`. */
export async function buildByMingw(name, log) {
  const folder = join(BUILD, "prebuild", name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const headers = includeFolder();
  if (headers === undefined) {
    writeFileSync(log, "the headers of Node do not lie beside node\n");
    return undefined;
  }
  const library = await makeImportLibrary(folder, headers, log);
  const units = compileCommands(folder, headers);
  const commands = units.map(({ words }) => words);
  if (library === undefined || !(await runAll(commands, log))) return undefined;
  const output = join(folder, "diskann.node");
  const link = [
    withThreads("g++"),
    "-shared",
    "-static",
    "-s",
    "-o",
    output,
    ...units.map(({ object }) => object),
  ];
  return (await runAll([[...link, library, "-ldelayimp"]], log)) ? output : undefined;
}
