/*
 * For binding.gyp: the units of the core that need no flags of their own, one a line.
 *
 *     node tests/tools/gyp-sources.mjs x64
 */
import { ISA, sources } from "./sources.mjs";

const known = ["x64", "arm64"];
const arch = process.argv[2];
if (!known.includes(arch))
  throw new Error(`the addon is for ${known.join(" and ")}; elsewhere use WebAssembly`);
for (const { file } of sources(arch)) {
  if (ISA[file] === undefined) console.log(file);
}
