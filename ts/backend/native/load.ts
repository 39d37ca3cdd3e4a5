/** Finds and loads the addon. */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { DiskAnnError } from "../../core/errors.js";
import type { Binding } from "./binding.js";

/** Options of `diskann/native`, beside those of the index. */
export interface NativeOptions {
  /** The addon: a path to `diskann.node`, or what `require` of it returned. Default: the one of this package. */
  nativeBinding?: string | object | undefined;
}

const require = createRequire(import.meta.url);

function isBinding(value: unknown): value is Binding {
  return typeof (value as Partial<Binding> | null)?.connect === "function";
}

function unsupported(message: string, cause: unknown): DiskAnnError {
  return new DiskAnnError("ERR_UNSUPPORTED", message, { cause });
}

/** The folder of the package: the nearest one above this file that has a package.json. */
function packageFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "package.json"))) {
    const above = dirname(folder);
    if (above === folder) break;
    folder = above;
  }
  return folder;
}

/**
 * Where the addon may be. One that was built here comes before those of the package; of two C libraries, the wrong one's
 * does not load.
 */
function candidates(): string[] {
  const folder = packageFolder();
  const platform = `${process.platform}-${process.arch}`;
  const names = process.platform === "linux" ? [platform, `${platform}-musl`] : [platform];
  return [
    join(folder, "build", "Release", "diskann.node"),
    ...names.map((name) => join(folder, "prebuilds", name, "diskann.node")),
  ];
}

function loadFrom(path: string): Binding {
  const value: unknown = require(path);
  if (!isBinding(value)) throw new DiskAnnError("ERR_UNSUPPORTED", `${path} is not the addon of diskann`);
  return value;
}

function loadOwn(): Binding {
  const causes: unknown[] = [];
  for (const path of candidates()) {
    if (!existsSync(path)) continue;
    try {
      return loadFrom(path);
    } catch (error) {
      causes.push(error);
    }
  }
  const platform = `${process.platform}-${process.arch}`;
  const why =
    causes.length === 0
      ? "there is none in this package"
      : causes.map((cause) => (cause instanceof Error ? cause.message : String(cause))).join("; ");
  throw unsupported(
    `the native addon for ${platform} cannot be loaded (${why}): use "diskann/wasm", or build it and pass nativeBinding`,
    causes[0],
  );
}

let own: Binding | undefined;

/** Throws `ERR_UNSUPPORTED` where there is no addon for this machine. */
export function loadBinding(options: NativeOptions): Binding {
  const given = options.nativeBinding;
  if (given === undefined) {
    own ??= loadOwn();
    return own;
  }
  if (isBinding(given)) return given;
  if (typeof given !== "string") {
    throw new DiskAnnError(
      "ERR_INVALID_ARGUMENT",
      "nativeBinding must be a path to diskann.node or the loaded addon",
    );
  }
  try {
    return loadFrom(resolve(given));
  } catch (cause) {
    if (cause instanceof DiskAnnError) throw cause;
    throw unsupported(
      `the native addon cannot be loaded from ${given}: ${cause instanceof Error ? cause.message : String(cause)}`,
      cause,
    );
  }
}
