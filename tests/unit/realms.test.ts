/** Arrays and errors of another realm: frames, sandboxes of test runners. Told by brand, never by class. */
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { VectorIndex as NativeIndex } from "../../ts/native.js";
import { VectorIndex as WasmIndex } from "../../ts/wasm.js";

const foreign = runInNewContext(`({
  flat: new Float32Array([1, 2, 3, 4]),
  view: new Float32Array([9, 1, 2, 3, 4]).subarray(1),
  bytes: new Uint8Array([1, 2, 3, 4]),
  rows: [[1, 2], [3, 4]],
  typedRows: [new Float32Array([1, 2]), new Int8Array([3, 4])],
  sequence: (function* () { yield [1, 2]; yield new Float32Array([3, 4]); })(),
  query: new Float32Array([3, 4]),
  numbers: [3, 4],
  ids: new Float64Array([5, 6]),
  copy: (bytes) => Uint8Array.from(bytes),
  wrong: new Float64Array([1, 2]),
})`) as Record<string, never> & { copy: (bytes: Uint8Array) => Uint8Array };

describe.each([
  ["native", NativeIndex],
  ["wasm", WasmIndex],
] as const)("values of another realm, %s", (_name, VectorIndex) => {
  test("are taken like one's own", async () => {
    for (const name of ["flat", "view", "bytes", "rows", "typedRows"]) {
      const index = await VectorIndex.build(foreign[name] as never, {
        dimensions: 2,
        ids: foreign.ids as never,
      });
      expect(await index.get(6)).toEqual(Float32Array.of(3, 4));
      expect((await index.search(foreign.query as never))[0]).toEqual({ id: 6, distance: 0 });
      expect((await index.searchExact(foreign.numbers as never))[0]).toEqual({ id: 6, distance: 0 });
      expect((await index.searchBatch(foreign.query as never)).ids[0]).toBe(6);
      const again = await VectorIndex.open(foreign.copy(await index.toBytes()));
      expect(again.size).toBe(2);
      await Promise.all([index.close(), again.close()]);
    }
  });

  test("are refused like one's own", async () => {
    const index = await VectorIndex.create({ dimensions: 2 });
    const error = { code: "ERR_INVALID_ARGUMENT" };
    await expect(index.add(foreign.wrong as never)).rejects.toMatchObject(error);
    await expect(index.search(foreign.wrong as never)).rejects.toMatchObject(error);
    await index.close();
  });
});

test("a sequence of another realm", async () => {
  const index = await WasmIndex.build(foreign.sequence as never, { dimensions: 2 });
  expect(await index.get(1)).toEqual(Float32Array.of(3, 4));
  await index.close();
});
