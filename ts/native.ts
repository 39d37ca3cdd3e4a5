/** `diskann/native`: the Node-API addon, or an error where there is none for this machine. */
import { defineVectorIndex } from "./api/define.js";
import { type NativeOptions, nativeBackend } from "./backend/native/index.js";

export * from "./exports.js";
export type { NativeOptions };

/** A vector index in the native addon. `create`, `build` and `open` also take where the addon lies. */
export class VectorIndex extends defineVectorIndex<NativeOptions>(nativeBackend) {}
