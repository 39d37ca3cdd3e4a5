/** Product quantisation in the Node-API addon, or an error where there is none for this machine: for the program and tests. */
import { definePq } from "./api/define-pq.js";
import type { NativeOptions } from "./backend/native/load.js";
import { nativePqBackend } from "./backend/native/native-pq.js";

export * from "./pq-exports.js";

/** A product quantiser in the native addon. */
export class ProductQuantizer extends definePq<NativeOptions>(nativePqBackend) {}
