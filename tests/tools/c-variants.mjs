/*
 * The ways C tests are built and run. A variant is a compiler with flags, and what runs its programs; two variants
 * with the same `build` share their objects. `expect` names the kernel families that must be there, no more, no less.
 */
import { SIMDE } from "./setup/debian.mjs";
import { EMSCRIPTEN_ENVIRONMENT, FLAGS, TARGET_FLAGS, WARNINGS } from "./sources.mjs";

const native = process.arch === "arm64" ? "arm64" : "x64";
const clang = process.platform === "linux" ? "clang-14" : "clang";
const debug = ["-g", "-O1", "-fno-omit-frame-pointer", "-fno-sanitize-recover=all"];

/*
 * Wide instructions in plain C (tests/c/emulated), so that their kernels run on any CPU and under sanitizers: without the
 * flags of a CPU that has them, and with another answer to what the CPU has.
 */
function emulate(unit) {
  if (unit.file === "csrc/simd/cpu.c") return { ...unit, file: "tests/c/emulated/cpu.c" };
  if (!/_?avx(2|512)(_vnni)?\.c$/.test(unit.file)) return unit;
  const flags = unit.flags.filter((flag) => !flag.startsWith("-m"));
  return { ...unit, folder: "emulated", flags: [...flags, ...EMULATED] };
}
const EMULATED = ["-Itests/c/emulated", "-D__AVXVNNI__", "-Wno-psabi"];

const BUILDS = {
  gcc: { arch: native, cc: "gcc", ar: "ar", flags: ["-O2"] },
  sanitize: {
    arch: native,
    cc: clang,
    ar: "ar",
    flags: [...debug, "-fsanitize=address,undefined", "-fsanitize-address-use-after-scope"],
  },
  threads: { arch: native, cc: clang, ar: "ar", flags: [...debug, "-fsanitize=thread"] },
  arm64: {
    arch: "arm64",
    cc: "aarch64-linux-gnu-gcc",
    ar: "aarch64-linux-gnu-ar",
    flags: ["-O2"],
    link: ["-static"],
  },
  wasm32: {
    arch: "wasm32",
    cc: "emcc",
    ar: "emar",
    flags: ["-O3", ...TARGET_FLAGS.wasm32],
    link: [
      "-sSINGLE_FILE=1",
      "-sNODERAWFS=1",
      "-sENVIRONMENT=node",
      "-sALLOW_MEMORY_GROWTH",
      "-sEXIT_RUNTIME=1",
    ],
    suffix: ".js",
    environment: EMSCRIPTEN_ENVIRONMENT,
  },
};
BUILDS.emulated = { ...BUILDS.sanitize, objects: "sanitize", unit: emulate };
for (const build of Object.values(BUILDS)) build.flags = [...FLAGS, ...WARNINGS, ...build.flags];

/** Other CPUs of an architecture run the same code but for the kernels: the tests that say so are for them. */
const KERNELS = /c-tests: every CPU/;
/** Those of these that call every kernel by itself. */
const TABLES = /c-tests: every CPU and table/;
const x64 = ["qemu-x86_64-static", "-cpu"];
const arm64 = ["qemu-aarch64-static", "-cpu"];

/** `only`, `except`: the test files a variant is or is not for, by their text; nothing else would show there. All
 * but the first are slow, and tests may ask for that (check_is_light, check_is_emulated of tests/c/check.h). `asked`: it
 * runs only when it is named, as `npm run test:all` does. */
export const VARIANTS = [
  { name: "gcc", build: "gcc", run: [] },
  {
    name: "sanitize",
    build: "sanitize",
    run: [],
    environment: { ASAN_OPTIONS: "detect_stack_use_after_return=1", UBSAN_OPTIONS: "print_stacktrace=1" },
  },
  { name: "threads", build: "threads", run: [], only: /pthread/ },
  { name: "nehalem", build: "gcc", arch: "x64", run: [...x64, "Nehalem"], only: KERNELS, expect: "portable" },
  {
    name: "haswell",
    build: "gcc",
    arch: "x64",
    run: [...x64, "Haswell"],
    only: KERNELS,
    expect: "portable avx2",
  },
  {
    name: "emulated",
    build: "emulated",
    arch: "x64",
    run: [],
    needs: [SIMDE],
    only: TABLES,
    expect: "portable avx2 avx2+vnni avx512 avx512+vnni",
  },
  {
    name: "cortex-a72",
    build: "arm64",
    arch: "x64",
    run: [...arm64, "cortex-a72"],
    only: TABLES,
    expect: "portable neon",
  },
  {
    name: "cortex-a76",
    build: "arm64",
    arch: "x64",
    run: [...arm64, "cortex-a76"],
    only: KERNELS,
    expect: "portable neon neon+dot",
  },
  {
    name: "arm64-rest",
    build: "arm64",
    arch: "x64",
    run: [...arm64, "cortex-a76"],
    except: KERNELS,
    asked: true,
  },
  { name: "wasm32", build: "wasm32", run: [process.execPath], only: KERNELS, expect: "portable wasm128" },
  {
    name: "wasm32-rest",
    build: "wasm32",
    run: [process.execPath],
    except: new RegExp(`pthread|${KERNELS.source}`),
    asked: true,
  },
]
  .filter(
    (variant) => variant.arch === undefined || (variant.arch === native && process.platform === "linux"),
  )
  .map((variant) => ({
    light: variant.name !== "gcc",
    ...variant,
    build: { name: variant.build, ...BUILDS[variant.build] },
  }));
