/*
 * Makes an addon that is linked against a new glibc run on an old one.
 *
 * glibc 2.34 gave the thread functions a new version when it moved them into libc.so.6; the old versions are still
 * there for old programs. A stub library that offers them by the old version comes first on the linker's command line,
 * so that is what the addon asks for. It bears the name of libpthread.so.0, which old and new systems have: the loader
 * looks for a symbol by name and version, wherever it is. What old glibc does not have is in old-glibc.c.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT, runLogged } from "../setup/shell.mjs";

/* The first version that glibc had on the CPU. */
const FIRST_VERSION = { x64: "GLIBC_2.2.5", arm64: "GLIBC_2.17" };

const SYMBOLS = [
  "pthread_create",
  "pthread_detach",
  "pthread_join",
  "pthread_once",
  "pthread_key_create",
  "__pthread_key_create",
  "pthread_key_delete",
  "pthread_getspecific",
  "pthread_setspecific",
  "pthread_mutex_trylock",
  "pthread_kill",
  "__xstat",
  "__lxstat",
  "__fxstat",
];

/** Resolves to the flags of the linker, or undefined when the compiler failed. */
export async function linkForOldGlibc(arch, compiler, folder, log) {
  mkdirSync(folder, { recursive: true });
  const path = (name) => join(folder, name);
  writeFileSync(
    path("stub.c"),
    SYMBOLS.map((name) => `void ${name}(void);\nvoid ${name}(void)\n{\n}\n`).join(""),
  );
  writeFileSync(path("stub.map"), `${FIRST_VERSION[arch]} {\n  global: ${SYMBOLS.join("; ")};\n};\n`);
  const linker = ["-Wl,-soname,libpthread.so.0", `-Wl,--version-script=${path("stub.map")}`];
  const stub = ["-shared", "-nostdlib", "-fno-builtin", ...linker, path("stub.c"), "-o", path("stub.so")];
  const source = join(ROOT, "tests/tools/prebuild/old-glibc.c");
  const object = ["-O2", "-fPIC", "-fno-builtin", "-c", source, "-o", path("old-glibc.o")];
  for (const words of [stub, object]) {
    if ((await runLogged(compiler, words, log, { append: true })) !== 0) return undefined;
  }
  return `${path("old-glibc.o")} -Wl,--push-state,--no-as-needed,${path("stub.so")},--pop-state`;
}
