/**
 * Modules of Node (Deno and Bun have them too) for code that also goes into bundles for browsers. The specifier is no
 * literal on purpose: a bundler that finds `import("node:...")` in code for browsers stops, though it never runs there.
 */

/** What is used of them. */
interface NodeModules {
  "node:fs/promises": typeof import("node:fs/promises");
  "node:path": typeof import("node:path");
  "node:url": typeof import("node:url");
  "node:worker_threads": typeof import("node:worker_threads");
}

export function nodeModule<Name extends keyof NodeModules>(name: Name): Promise<NodeModules[Name]> {
  return import(/* @vite-ignore */ /* webpackIgnore: true */ name);
}
