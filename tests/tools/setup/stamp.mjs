/* A step is done when its outputs are there and its inputs have the content they had when it last succeeded. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BUILD, ROOT } from "./shell.mjs";

const stampPath = (name) => join(BUILD, "stamps", `${name}.txt`);

/** All files below the given files and folders of the repository, sorted. Absent ones are left out. */
export function filesBelow(paths) {
  const found = [];
  const visit = (path) => {
    const stat = statSync(join(ROOT, path), { throwIfNoEntry: false });
    if (stat?.isFile()) found.push(path);
    if (!stat?.isDirectory()) return;
    for (const name of readdirSync(join(ROOT, path))) {
      if (name !== "node_modules" && !name.startsWith(".")) visit(`${path}/${name}`);
    }
  };
  for (const path of paths) visit(path);
  return found.sort();
}

/** One hash over the names and bytes of the inputs and over what else the step depends on. */
export function hashInputs(paths, extra = "") {
  const hash = createHash("sha256").update(extra);
  for (const path of filesBelow(paths)) {
    const bytes = readFileSync(join(ROOT, path));
    hash.update(`\0${path}\0${bytes.length}\0`).update(bytes);
  }
  return hash.digest("hex");
}

export function isFresh(name, hash, outputs) {
  if (!existsSync(stampPath(name)) || readFileSync(stampPath(name), "utf8").trim() !== hash) return false;
  return outputs.every((path) => existsSync(join(ROOT, path)));
}

export function writeStamp(name, hash) {
  mkdirSync(join(BUILD, "stamps"), { recursive: true });
  writeFileSync(stampPath(name), `${hash}\n`);
}

export function removeStamp(name) {
  rmSync(stampPath(name), { force: true });
}
