/*
 * The C sources of the core and the flags of each: the one list for the C tests, the WebAssembly build and every other
 * script. binding.gyp cannot import it and mirrors it: one static library per entry of ISA below, the rest in one,
 * and the defines of `HAVE` for all files of csrc/simd (a test compares the two).
 *
 *     import { sources, FLAGS } from "./sources.mjs";
 *     for (const { file, flags } of sources("x64")) cc(...FLAGS, ...flags, "-c", file);
 */
import { readdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** What every unit is compiled with, whatever the target; -ffp-contract=off keeps sums the same everywhere. */
export const FLAGS = ["-std=c11", "-ffp-contract=off"];
export const WARNINGS = ["-Wall", "-Wextra", "-Werror"];

/** Files that are for one architecture, and the instructions that file - and no other - may use. */
export const ISA = {
  "csrc/simd/crc32c_sse42.c": { arch: "x64", flags: ["-msse4.2"] },
  "csrc/simd/avx2.c": { arch: "x64", flags: ["-mavx2", "-mf16c"] },
  "csrc/simd/avx512.c": {
    arch: "x64",
    flags: ["-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl"],
  },
  "csrc/simd/avx2_vnni.c": { arch: "x64", flags: ["-mavx2"] },
  "csrc/simd/avx512_vnni.c": {
    arch: "x64",
    flags: ["-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mavx512vnni"],
  },
  "csrc/simd/nearest_avx2.c": { arch: "x64", flags: ["-mavx2"] },
  "csrc/simd/nearest_avx512.c": {
    arch: "x64",
    flags: ["-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl"],
  },
  "csrc/simd/neon.c": { arch: "arm64", flags: [] },
  "csrc/simd/neon_dot.c": { arch: "arm64", flags: ["-march=armv8.2-a+dotprod"] },
  "csrc/simd/crc32c_arm.c": { arch: "arm64", flags: ["-march=armv8-a+crc"] },
  "csrc/simd/wasm128.c": { arch: "wasm32", flags: [] },
};

/** Says to the files of csrc/simd which of the files above are there; see csrc/simd/families.h. */
export const HAVE = {
  x64: ["DISKANN_HAVE_SSE42", "DISKANN_HAVE_AVX2", "DISKANN_HAVE_AVX512"],
  arm64: ["DISKANN_HAVE_ARM_CRC", "DISKANN_HAVE_ARM_DOT"],
  wasm32: [],
};

/** Flags of a whole target, for every file. */
export const TARGET_FLAGS = { x64: [], arm64: [], wasm32: ["-msimd128"] };

/** Debian's emcc looks for its JavaScript packages there only when told. */
export const EMSCRIPTEN_ENVIRONMENT = {
  NODE_PATH: [process.env.NODE_PATH, "/usr/share/nodejs"].filter(Boolean).join(delimiter),
};

function filesBelow(folder) {
  return readdirSync(join(ROOT, folder), { recursive: true })
    .map((name) => `${folder}/${name.replaceAll("\\", "/")}`)
    .sort();
}

/**
 * The units of the core for a target, paths relative to the root, in a fixed order.
 *
 * @param {"x64" | "arm64" | "wasm32"} arch
 * @returns {{ file: string, flags: string[] }[]}
 */
export function sources(arch) {
  if (HAVE[arch] === undefined) throw new Error(`no such architecture: ${arch}`);
  return filesBelow("csrc")
    .filter((file) => file.endsWith(".c") && (ISA[file] === undefined || ISA[file].arch === arch))
    .map((file) => {
      const defines = file.startsWith("csrc/simd/") ? HAVE[arch].map((name) => `-D${name}`) : [];
      return { file, flags: [...defines, ...(ISA[file]?.flags ?? [])] };
    });
}

/** All headers of the core: what a cache has to look at beside a unit. */
export function headers() {
  return filesBelow("csrc").filter((file) => file.endsWith(".h"));
}
