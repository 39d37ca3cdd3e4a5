/** The suite under vitest, in Node. */
import { afterAll, test as vitestTest } from "vitest";
import type { Entry, PqEntry } from "./kit.js";
import { nodeFiles, removeFolders } from "./node-files.js";
import { conformance } from "./suite.js";

export function conformanceInNode(
  name: string,
  VectorIndex: unknown,
  backend: "native" | "wasm",
  quantizer?: unknown,
): void {
  afterAll(removeFolders);
  const ProductQuantizer = quantizer as PqEntry | undefined;
  const subject = { name, VectorIndex: VectorIndex as Entry, backend, ProductQuantizer, files: nodeFiles };
  conformance((title, body) => vitestTest(title, body), subject);
}
