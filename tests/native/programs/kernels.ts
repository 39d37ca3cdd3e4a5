/** Prints which kernels run, or the hash of an index they built, or the code of the error. */
import { createHash } from "node:crypto";
import { VectorIndex } from "../../../ts/native.js";
import { someRows } from "./rows.js";

try {
  const index = await VectorIndex.build(someRows(600, 70), { dimensions: 70, metric: "cosine" });
  const hash = createHash("sha256").update(await index.toBytes());
  console.log(JSON.stringify(process.argv[2] ? { hash: hash.digest("hex") } : { simd: index.stats().simd }));
} catch (error) {
  console.log(JSON.stringify({ code: (error as { code?: string }).code }));
}
