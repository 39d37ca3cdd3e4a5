/** The suite under vitest, in Node. */
import { afterAll, test as vitestTest } from "vitest";
import type { Entry } from "./kit.js";
import { nodeFiles, removeFolders } from "./node-files.js";
import { conformance } from "./suite.js";

export function conformanceInNode(name: string, VectorIndex: unknown, backend: "native" | "wasm"): void {
  afterAll(removeFolders);
  const subject = { name, VectorIndex: VectorIndex as Entry, backend, files: nodeFiles };
  conformance((title, body) => vitestTest(title, body), subject);
}
