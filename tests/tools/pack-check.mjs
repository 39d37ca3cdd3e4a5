/*
 * Packs the package as it would be published and looks at it: node tests/tools/pack-check.mjs
 * Ends with "N passed, N failed". That it works once installed is what tests/pack is for.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { HOST } from "./prebuild/targets.mjs";
import { say } from "./setup/say.mjs";
import { BUILD, ROOT } from "./setup/shell.mjs";

const WASM_GZIP_MAX = 100_000;
const ADDON_BYTES_MAX = 1_000_000;
const folder = join(BUILD, "pack-check");

let passed = 0;
let failed = 0;
function expect(good, name, more = "") {
  if (good) passed++;
  else failed++;
  (good ? say.done : say.failed)("pack", more === "" ? name : `${name}: ${more}`);
}

/** Packs, unpacks, and returns { tarball, files: [path], root }. */
function pack() {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const npm = spawnSync("npm", ["pack", "--pack-destination", folder], { cwd: ROOT, encoding: "utf8" });
  if (npm.status !== 0) throw new Error(`npm pack ended with ${npm.status}:\n${npm.stdout}${npm.stderr}`);
  const name = readdirSync(folder).find((file) => file.endsWith(".tgz"));
  const tarball = join(folder, name);
  execFileSync("tar", ["-xzf", tarball, "-C", folder]);
  const root = join(folder, "package");
  const entries = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  const files = entries.map((entry) =>
    join(entry.parentPath ?? entry.path, entry.name).slice(root.length + 1),
  );
  return { tarball, root, files };
}

function checkFiles({ root, files }) {
  const modules = ["dist/diskann.wasm", "dist/diskann-threads.wasm"];
  for (const wanted of ["README.md", "LICENSE", ...modules, `prebuilds/${HOST}/diskann.node`]) {
    expect(files.includes(wanted), `has ${wanted}`);
  }
  const surplus = files.filter(
    (file) => !/^(dist|prebuilds)\/|^(package\.json|README\.md|LICENSE)$/.test(file),
  );
  expect(surplus.length === 0, "has nothing else than dist and prebuilds", surplus.join(", "));
  for (const name of modules) {
    const wasm = gzipSync(readFileSync(join(root, name)), { level: 9 }).length;
    expect(wasm <= WASM_GZIP_MAX, `${name} is at most ${WASM_GZIP_MAX} bytes gzipped`, `${wasm}`);
  }
  for (const addon of files.filter((file) => file.endsWith(".node"))) {
    const { size } = statSync(join(root, addon));
    expect(size < ADDON_BYTES_MAX, `${addon} is below ${ADDON_BYTES_MAX} bytes`, `${size}`);
  }
}

function checkManifest({ root }) {
  const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const empty = (part) => Object.keys(manifest[part] ?? {}).length === 0;
  expect(empty("dependencies") && empty("optionalDependencies"), "depends on no other package");
  const hooks = ["preinstall", "install", "postinstall"].filter((name) => name in (manifest.scripts ?? {}));
  expect(hooks.length === 0 && manifest.gypfile === false, "installs without running anything");
  expect(manifest.sideEffects === false, "says that it has no side effects");
}

function checkByTool(name, args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: "utf8" });
  expect(status === 0, `${name} has no complaint`);
  if (status !== 0) say.note(`${stdout}${stderr}`.trim());
}

const packed = pack();
checkFiles(packed);
checkManifest(packed);
checkByTool("publint", ["node_modules/publint/src/cli.js", "--strict", packed.tarball]);
checkByTool("are the types wrong", [
  "node_modules/@arethetypeswrong/cli/dist/index.js",
  packed.tarball,
  "--exclude-entrypoints",
  "diskann.wasm",
]);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
