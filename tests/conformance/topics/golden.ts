/** The same bytes on every platform, by hash; and every backend opens what every other wrote, byte for byte. */
import golden from "../../golden/index.json" with { type: "json" };
import { goldenRows, hexDigest, typeOptions } from "../../golden/recipe.js";
import { equal, type Subject, type Test } from "../kit.js";

export function goldenBytes(test: Test, subject: Subject): void {
  for (const recipe of golden.indexes) {
    test(`golden bytes: ${recipe.name}`, async () => {
      const { name: _name, sha256, fnv1a64: _fnv, rows, added, bytes, ...options } = recipe;
      const flat = goldenRows(rows + added, options.dimensions, options.dataType);
      const built = flat.subarray(0, rows * options.dimensions);
      const metric = options.metric as "l2";
      const { dataType, ...rest } = options;
      const codes = options.codes as "auto";
      const index = await subject.VectorIndex.build(built, { ...rest, metric, codes, ...typeOptions(dataType) });
      if (added > 0) await index.add(flat.subarray(rows * options.dimensions));
      const image = await index.toBytes();
      await index.close();
      equal(image.length, bytes, "bytes");
      equal(await hexDigest(image), sha256, "sha256");
    });
  }
}
