/* The files that the rules look at: what git tracks or would track, with their text. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../../", import.meta.url)).replace(/[\\/]$/, "");

const binary = /\.(bin|fbin|u8bin|i8bin|png|ico|wasm|node|tgz|npy|fvecs|bvecs|ivecs|index)$/;

/** [{ path, text, bytes }], paths relative to the repository, with forward slashes. */
export function readSources() {
  const args = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
  const listed = execFileSync("git", args, { cwd: ROOT, encoding: "utf8", maxBuffer: 1 << 26 });
  const paths = [...new Set(listed.split("\0"))].filter(
    (path) => path !== "" && existsSync(join(ROOT, path)),
  );
  return paths.sort().map((path) => readSource(path));
}

function readSource(path) {
  const bytes = statSync(join(ROOT, path)).size;
  return { path, bytes, text: binary.test(path) ? "" : readFileSync(join(ROOT, path), "utf8") };
}

export const isC = ({ path }) => /\.(c|h|cc|cpp|hpp)$/.test(path);
export const isScript = ({ path }) => /\.(ts|tsx|mts|mjs|js)$/.test(path);
export const isCore = ({ path }) => path.startsWith("csrc/");

/** 1-based line of an offset. */
export function lineAt(text, offset) {
  let line = 1;
  for (let at = text.indexOf("\n"); at >= 0 && at < offset; at = text.indexOf("\n", at + 1)) line++;
  return line;
}

/** C text with comments, and if wanted strings, blanked; lines and offsets stay where they are. */
export function blankC(text, { strings = true } = {}) {
  const pattern = /\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'/g;
  return text.replace(pattern, (found) => {
    const isText = found[0] === '"' || found[0] === "'";
    if (isText && !strings) return found;
    return found.replace(/[^\n]/g, isText ? "_" : " ");
  });
}
