/*
 * Builds C objects, a library of the core, and programs, for one build of c-variants.mjs. The name of a product holds
 * a hash of all that went into it, so what is there is up to date; products of older inputs are removed.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { basename, join } from "node:path";
import { HAVE, headers, ROOT, sources } from "./sources.mjs";

const FOLDER = join(ROOT, "build/c-tests");

const free = { processes: Math.max(1, availableParallelism()), waiting: [] };

/** Runs a program when a core is free for it, those that wait longest first; resolves as `spawned`. */
export async function run(command, args, options) {
  if (free.processes > 0) free.processes--;
  else await new Promise((resolve) => free.waiting.push(resolve));
  try {
    return await spawned(command, args, options);
  } finally {
    const next = free.waiting.shift();
    if (next === undefined) free.processes++;
    else next();
  }
}

/** Resolves to { code, text, ms }, `code` a number or the name of a signal. */
function spawned(command, args, { environment = {}, seconds = 600 } = {}) {
  const started = performance.now();
  return new Promise((resolve) => {
    let text = "";
    const child = spawn(command, args, {
      cwd: ROOT,
      env: { ...process.env, ...environment },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: seconds * 1000,
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (chunk) => {
        text += chunk;
      });
    }
    child.on("error", (error) => resolve({ code: "absent", text: error.message, ms: 0 }));
    child.on("close", (code, signal) =>
      resolve({ code: code ?? signal, text, ms: performance.now() - started }),
    );
  });
}

function hashOf(parts) {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part).update("\0");
  return hash.digest("hex").slice(0, 16);
}

const read = (file) => readFileSync(join(ROOT, file));

function testHeaders() {
  const below = (folder) => readdirSync(join(ROOT, folder)).map((name) => `${folder}/${name}`);
  return ["tests/c", "tests/c/emulated", "tests/support", "tests/bench/layout"]
    .flatMap(below)
    .filter((file) => file.endsWith(".h"))
    .sort();
}

/** Every header at once: small, and never wrong. */
let headerHash;
function hashHeaders() {
  headerHash ??= hashOf([...headers(), ...testHeaders()].flatMap((file) => [file, read(file)]));
  return headerHash;
}

const products = new Map();

/** Makes `<folder>/<stem>-<key><suffix>` by `make(temporary path)` unless it is there; once for all who want it at a time. */
function product(folder, stem, key, suffix, make) {
  const path = join(folder, `${stem}-${key}${suffix}`);
  if (!products.has(path)) products.set(path, makeProduct(folder, stem, suffix, path, make));
  return products.get(path);
}

async function makeProduct(folder, stem, suffix, path, make) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), '{ "type": "commonjs" }\n'); // for programs that are scripts
  if (existsSync(path)) return { path, text: "" };
  const temporary = join(folder, `${process.pid}-${stem}${suffix}`);
  const { code, text } = await make(temporary);
  if (code !== 0) return { path: undefined, text };
  for (const name of readdirSync(folder)) {
    const rest = name.startsWith(`${stem}-`) ? name.slice(stem.length + 1) : "";
    if (/^[0-9a-f]{16}(\.\w+)?$/.test(rest)) rmSync(join(folder, name), { force: true });
  }
  renameSync(temporary, path);
  return { path, text };
}

/**
 * An object of one unit: { path, text }, path undefined when it does not compile. It lies in the folder of the build, or of
 * the one whose `objects` this build shares, or in the unit's own.
 */
export function compile(build, { file, flags, folder = build.objects ?? build.name }) {
  const words = [...build.flags, ...flags];
  const key = hashOf([build.cc, build.version ?? "", ...words, hashHeaders(), read(file)]);
  const stem = file.replaceAll("/", "-").replace(/\.c$/, "");
  return product(join(FOLDER, folder), stem, key, ".o", (out) =>
    run(build.cc, [...words, "-c", file, "-o", out], { environment: build.environment }),
  );
}

/** Calls `work` for all items, on `width` at a time, and keeps the order of the results. */
export async function inParallel(items, width, work) {
  const results = [];
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const at = next++;
      results[at] = await work(items[at]);
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  return results;
}

/**
 * The core as a library: { path, broken }, broken the units that do not compile, with what the compiler said. A build
 * with `unit` has others in place of some.
 */
export async function buildCore(build, width) {
  const units = sources(build.arch).map(build.unit ?? ((unit) => unit));
  const objects = await inParallel(units, width, (unit) => compile(build, unit));
  const broken = units
    .map(({ file }, at) => ({ file, text: objects[at].text, path: objects[at].path }))
    .filter(({ path }) => path === undefined);
  const paths = objects.map(({ path }) => path).filter((path) => path !== undefined);
  const library = await product(
    join(FOLDER, build.name),
    "core",
    hashOf(paths.map((path) => basename(path))),
    ".a",
    (out) => run(build.ar, ["rcs", out, ...paths], { environment: build.environment }),
  );
  return { path: library.path, broken };
}

/** A program of one test file and the core: { path, text }. */
export async function buildProgram(build, file, library) {
  const object = await compile(build, { file, flags: HAVE[build.arch].map((name) => `-D${name}`) });
  if (object.path === undefined) return object;
  const words = [...build.flags, ...(build.link ?? [])];
  const key = hashOf([basename(object.path), basename(library), ...words]);
  const inputs = [object.path, library];
  return product(join(FOLDER, build.name), basename(file, ".c"), key, build.suffix ?? "", (out) =>
    run(build.cc, [...words, ...inputs, "-o", out, "-lm", "-lpthread"], {
      environment: build.environment,
    }),
  );
}
