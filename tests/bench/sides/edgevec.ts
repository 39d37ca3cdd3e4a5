/** edgevec: ef is fixed when an index is made, so it gives one point; it saves to IndexedDB only, the size is its own word. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { BUILD_LIST, DEGREE, flatten, K, type MakeSide, rowsOf } from "./side.js";

interface Hit {
  readonly id: number;
}
interface Index {
  insertBatchFlat(vectors: Float32Array, count: number): Uint32Array;
  search(query: Float32Array, k: number): Hit[];
  serializedSize(): number;
}
interface Config {
  metric: string;
  m: number;
  m0: number;
  ef_construction: number;
  ef_search: number;
}
interface EdgeVec {
  default(options: { module_or_path: Uint8Array }): Promise<unknown>;
  readonly EdgeVec: new (config: Config) => Index;
  readonly EdgeVecConfig: new (dimensions: number) => Config;
}

export const makeEdgevec: MakeSide = async ({ data, peerFolder, fixedList }) => {
  const folder = peerFolder("edgevec");
  const edgevec = (await import(pathToFileURL(join(folder, "edgevec.js")).href)) as EdgeVec;
  await edgevec.default({ module_or_path: readFileSync(join(folder, "edgevec_bg.wasm")) });
  const { base, queries, metric } = data;
  const config = new edgevec.EdgeVecConfig(base.dimensions);
  config.metric = metric;
  config.m = DEGREE / 2;
  config.m0 = DEGREE;
  config.ef_construction = BUILD_LIST;
  config.ef_search = fixedList;
  const index = new edgevec.EdgeVec(config);
  const asked = rowsOf(queries.values, queries.dimensions);
  const rowOfId = new Map<number, number>();
  return {
    prepare() {},
    build() {
      for (const [row, id] of index.insertBatchFlat(base.values, base.rows).entries()) {
        rowOfId.set(id, row);
      }
    },
    setList() {},
    searchAll: () => asked.map((query) => index.search(query, K)),
    ids: (raw) =>
      flatten((raw as Hit[][]).map((hits) => hits.map((hit) => rowOfId.get(hit.id) ?? Number.NaN))),
    searchOne: (query) => index.search(asked[query] as Float32Array, K),
    save: () => index.serializedSize(),
    note: `its list size is fixed before the build, at ${fixedList}; its file size is what it says itself`,
    fixed: true,
  };
};
