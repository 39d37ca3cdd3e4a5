/** hnswlib-node: takes arrays of numbers only (made outside the timer), one point and one query a call, one thread. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { BUILD_LIST, DEGREE, flatten, K, type MakeSide, rowsOf } from "./side.js";

interface Hits {
  readonly neighbors: number[];
}
interface Index {
  initIndex(maxElements: number, m: number, efConstruction: number, seed: number): void;
  addPoint(point: number[], label: number): void;
  searchKnn(query: number[], k: number): Hits;
  setEf(ef: number): void;
  writeIndexSync(path: string): void;
}
interface HnswlibNode {
  readonly default: { readonly HierarchicalNSW: new (space: string, dimensions: number) => Index };
}

export const makeHnswlibNode: MakeSide = async ({ data, folder, peer }) => {
  const { HierarchicalNSW } = ((await peer("hnswlib-node")) as HnswlibNode).default;
  const { base, queries, metric } = data;
  const index = new HierarchicalNSW(metric, base.dimensions);
  const asArrays = (values: Float32Array) => rowsOf(values, base.dimensions).map((row) => Array.from(row));
  const asked = asArrays(queries.values);
  let points: number[][] = [];
  return {
    prepare() {
      points = asArrays(base.values);
    },
    build() {
      index.initIndex(base.rows, DEGREE / 2, BUILD_LIST, 100);
      for (let row = 0; row < base.rows; row++) {
        index.addPoint(points[row] as number[], row);
      }
    },
    setList: (list) => index.setEf(list),
    searchAll: () => asked.map((query) => index.searchKnn(query, K)),
    ids: (raw) => flatten((raw as Hits[]).map((hits) => hits.neighbors)),
    searchOne: (query) => index.searchKnn(asked[query] as number[], K),
    save() {
      const path = join(folder, "hnswlib.index");
      index.writeIndexSync(path);
      return statSync(path).size;
    },
    note: "one thread only",
  };
};
