import type { FileAccess } from "./types.js";

/** As the addon numbers them. Not among the constants: those are in the entry of every page. */
export const FILE_ACCESS = ["pread", "mmap", "direct"] as const satisfies readonly FileAccess[];
