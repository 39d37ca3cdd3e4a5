/** By itself, so that pages which open no file do not load it. */
import type { FileAccess } from "./types.js";

/** As the addon numbers them. */
export const FILE_ACCESS = ["pread", "mmap", "direct"] as const satisfies readonly FileAccess[];
