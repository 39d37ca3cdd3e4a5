/*
 * No unit of the core may hold a fused multiply-add: it rounds once where the lane rule rounds twice. Compilers make
 * them unasked, so the objects are disassembled, for each target and compiler at hand. A probe that is made to hold
 * one is disassembled first, to see that it would be found.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { compile, inParallel, run } from "./c-build.mjs";
import { say } from "./setup/say.mjs";
import { which } from "./setup/shell.mjs";
import { EMSCRIPTEN_ENVIRONMENT, FLAGS, ROOT, sources, TARGET_FLAGS } from "./sources.mjs";

const PROBE = "build/c-tests/fused-probe.c";
const PROBE_TEXT = `
#if defined(__wasm__)
typedef float four __attribute__((vector_size(16)));
four fused(four a, four b, four c) { return __builtin_wasm_fma_f32x4(a, b, c); }
#else
float fused(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
#endif
`;

const X86 = /\bvfn?m(add|sub)\w*/;
const ARM = /\b(fn?m(la|ls|add|sub)|bfmla|fcmla|fmlal|fmlsl)\w*/;
const WASM = /\.relaxed_|\.q?fm[as]\b|\bfmaf?\+/; // the last is a call of the library's

const TARGETS = [
  { name: "x64-gcc", arch: "x64", cc: "gcc", flags: ["-O3"], probe: ["-mfma"], pattern: X86 },
  { name: "x64-clang", arch: "x64", cc: "clang-14", flags: ["-O3"], probe: ["-mfma"], pattern: X86 },
  {
    name: "arm64-gcc",
    arch: "arm64",
    cc: "aarch64-linux-gnu-gcc",
    dump: "aarch64-linux-gnu-objdump",
    flags: ["-O3"],
    probe: [],
    pattern: ARM,
  },
  {
    name: "arm64-clang",
    arch: "arm64",
    cc: "clang-14",
    dump: "aarch64-linux-gnu-objdump",
    flags: ["-O3", "--target=aarch64-linux-gnu"],
    probe: [],
    pattern: ARM,
  },
  {
    name: "wasm32",
    arch: "wasm32",
    cc: "emcc",
    dump: "llvm-objdump-14",
    flags: ["-O3", ...TARGET_FLAGS.wasm32],
    environment: EMSCRIPTEN_ENVIRONMENT,
    probe: ["-mrelaxed-simd"],
    pattern: WASM,
  },
];

/** Lines of an object's disassembly with a fused instruction; undefined when it shows no function at all. */
async function findFused(target, path) {
  const { code, text } = await run(target.dump ?? "objdump", ["-d", "-r", path]);
  if (code !== 0 || !/[0-9a-f]+ <\w+>:/.test(text)) return undefined;
  return text.split("\n").filter((line) => target.pattern.test(line));
}

async function isProbeFound(target) {
  const { path, text } = await compile(target.build, { file: PROBE, flags: target.probe });
  const found = path !== undefined && (await findFused(target, path));
  if (found !== undefined && found.length > 0) return true;
  say.failed(target.name, `a fused multiply-add would not be found here\n${text}`);
  return false;
}

/** Checks one unit. One without code (its text is for another target) has nothing to show. */
async function isClean(target, unit) {
  const { path, text } = await compile(target.build, unit);
  if (path === undefined) {
    say.failed(target.name, `${unit.file} does not compile`);
    say.note(text.split("\n").slice(0, 12).join("\n"));
    return false;
  }
  const fused = await findFused(target, path);
  if (fused === undefined || fused.length === 0) return true;
  say.failed(target.name, `${unit.file}: ${fused.length} fused multiply-adds`);
  say.note(fused.slice(0, 5).join("\n"));
  return false;
}

/** All targets whose compiler is here; resolves to { passed, failed }, one for a target. */
export async function checkFused(width) {
  mkdirSync(join(ROOT, "build/c-tests"), { recursive: true });
  writeFileSync(join(ROOT, PROBE), PROBE_TEXT);
  const count = { passed: 0, failed: 0 };
  for (const target of TARGETS) {
    const absent = [target.cc, target.dump ?? "objdump"].filter((tool) => which(tool) === undefined);
    if (absent.length > 0) {
      say.absent(`fused ${target.name}`, `did not run: there is no ${absent.join(", no ")}`);
      if (process.env.CI) count.failed++;
      continue;
    }
    const { cc, environment } = target;
    target.build = { name: `fused-${target.name}`, cc, environment, flags: [...FLAGS, ...target.flags] };
    const units = sources(target.arch);
    const clean = await inParallel(units, width, (unit) => isClean(target, unit));
    const ok = (await isProbeFound(target)) && clean.every(Boolean);
    count[ok ? "passed" : "failed"]++;
    if (ok) say.done(`fused ${target.name}`, `none in ${units.length} units`);
  }
  return count;
}
