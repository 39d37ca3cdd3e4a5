/* Tools of the system: what each is for, how to see that it is there, which Debian packages bring it. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { say } from "./say.mjs";
import { ask, BUILD, runLogged, tail, which } from "./shell.mjs";

const onPath =
  (...commands) =>
  () =>
    commands.every((command) => which(command) !== undefined);
const firstOf = (...commands) => commands.find((command) => which(command) !== undefined);

export const chromiumPath = () =>
  process.env.DISKANN_CHROMIUM ?? firstOf("chromium", "chromium-browser", "google-chrome");

/** A header of SIMDe's. */
export const SIMDE = "/usr/include/simde/x86/avx512.h";

/* `present` is asked again after an installation. Elsewhere than on Linux node-gyp finds its own compiler. */
export const TOOLS = {
  compiler: {
    is: "C and C++ compiler",
    without: "the addon is not built and C tests do not run; WebAssembly serves everywhere",
    packages: ["build-essential"],
    present: process.platform === "linux" ? onPath("gcc", "g++", "make", "nm") : () => true,
  },
  python: {
    is: "Python 3 (node-gyp asks for it)",
    without: "the addon is not built",
    packages: ["python3"],
    present: process.platform === "linux" ? onPath("python3") : () => true,
  },
  emscripten: {
    is: "Emscripten",
    without: "the WebAssembly module is not built",
    packages: ["emscripten"],
    present: onPath("emcc"),
  },
  chromium: {
    is: "Chromium",
    without: "browser tests do not run",
    packages: ["chromium"],
    present: () => chromiumPath() !== undefined,
  },
  firefox: {
    is: "Firefox",
    without: "Firefox tests do not run",
    packages: ["firefox-esr"],
    present: () => firstOf("firefox-esr", "firefox") !== undefined,
  },
  arm64: {
    is: "cross compiler for arm64",
    without: "NEON tests do not run",
    packages: ["gcc-aarch64-linux-gnu", "g++-aarch64-linux-gnu", "libc6-dev-arm64-cross"],
    present: onPath("aarch64-linux-gnu-gcc", "aarch64-linux-gnu-g++"),
  },
  qemu: {
    is: "qemu (other CPUs)",
    without: "tests on other CPUs do not run",
    packages: ["qemu-user-static"],
    present: onPath("qemu-aarch64-static", "qemu-x86_64-static"),
  },
  clang: {
    is: "clang and its run-time libraries",
    without: "fuzzers and the second compiler do not run",
    packages: ["clang-14", "libclang-rt-14-dev"],
    present: () =>
      onPath("clang-14")() &&
      existsSync(ask("clang-14", ["-print-file-name=libclang_rt.fuzzer-x86_64.a"]) ?? ""),
  },
  simde: {
    is: "SIMDe (x86's wide instructions in plain C)",
    without: "kernels for AVX-512 run only where the CPU has it",
    packages: ["libsimde-dev"],
    present: () => existsSync(SIMDE),
  },
  mingw: {
    is: "cross compiler for Windows",
    without: "the addon for win32-x64 is not built",
    packages: ["g++-mingw-w64-x86-64"],
    present: () => firstOf("x86_64-w64-mingw32-g++-posix", "x86_64-w64-mingw32-g++") !== undefined,
  },
  wine: {
    is: "wine",
    without: "the addon for win32-x64 is not tested",
    packages: ["wine64"],
    present: () => winePath() !== undefined,
  },
};

/** wine64 lies outside PATH on Debian. */
export function winePath() {
  const beside = ["/usr/lib/wine/wine64", "/usr/lib/x86_64-linux-gnu/wine/wine64"].find((path) =>
    existsSync(path),
  );
  return firstOf("wine64", "wine") ?? beside;
}

export const isPresent = (tool) => TOOLS[tool].present();

/** The words before `apt-get` that make it work, or undefined where it cannot. */
function aptPrefix() {
  if (process.platform !== "linux" || which("apt-get") === undefined) return undefined;
  if (process.getuid() === 0) return [];
  if (which("sudo") !== undefined && ask("sudo", ["-n", "true"]) !== undefined) return ["sudo", "-n"];
  return undefined;
}

async function apt(prefix, args, log, append) {
  const words = [...prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-y", ...args];
  return runLogged(words[0], words.slice(1), log, { append });
}

async function install(prefix, packages) {
  const log = join(BUILD, "log", "apt.log");
  const options = ["-o", "DPkg::Lock::Timeout=300", "-o", "Acquire::Retries=3"];
  await apt(prefix, [...options, "update"], log, false);
  const code = await apt(prefix, [...options, "install", "--no-install-recommends", ...packages], log, true);
  if (code !== 0) say.note(tail(log, 8));
  return code === 0;
}

/** Sees to it that the tools are there, as far as it may; returns the names of those that are absent. */
export async function ensureTools(names) {
  const absent = names.filter((name) => !isPresent(name));
  if (absent.length === 0) return [];
  const packages = absent.flatMap((name) => TOOLS[name].packages);
  const prefix = aptPrefix();
  if (prefix !== undefined) {
    const started = performance.now();
    say.begin("system", `installing ${packages.join(" ")}`);
    const ok = await install(prefix, packages);
    if (ok) say.done("system", "packages are installed", performance.now() - started);
  }
  const still = absent.filter((name) => !isPresent(name));
  if (still.length > 0) tellWhatToInstall(still);
  return still;
}

function tellWhatToInstall(names) {
  for (const name of names) say.absent("system", `no ${TOOLS[name].is}: ${TOOLS[name].without}`);
  say.note(`to install: sudo apt-get install ${names.flatMap((name) => TOOLS[name].packages).join(" ")}`);
}
