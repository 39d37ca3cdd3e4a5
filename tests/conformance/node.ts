/** The suite under vitest, in Node. */
import { afterAll, test as vitestTest } from "vitest";
import { startFileServer } from "../support/file-server.js";
import type { Entry, PqEntry } from "./kit.js";
import { nodeFiles, removeFolders } from "./node-files.js";
import { conformance } from "./suite.js";

export async function conformanceInNode(
  name: string,
  VectorIndex: unknown,
  backend: "native" | "wasm",
  quantizer?: unknown,
): Promise<void> {
  const server = await startFileServer();
  afterAll(async () => {
    server.close();
    await removeFolders();
  });
  const ProductQuantizer = quantizer as PqEntry | undefined;
  const entry = VectorIndex as Entry;
  const subject = {
    name,
    VectorIndex: entry,
    backend,
    ProductQuantizer,
    files: nodeFiles,
    server: server.base,
  };
  conformance((title, body) => vitestTest(title, body), subject);
}
