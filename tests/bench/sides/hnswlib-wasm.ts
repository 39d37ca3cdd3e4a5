/**
 * hnswlib-wasm: made for pages. Its Emscripten module is loaded with `window` pretended, without the file system it
 * keeps in IndexedDB, so it is not saved here.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { BUILD_LIST, DEGREE, flatten, K, type MakeSide, rowsOf } from "./side.js";

interface Hits {
  readonly neighbors: number[];
}
interface Index {
  initIndex(maxElements: number, m: number, efConstruction: number, seed: number): void;
  addPoints(points: readonly Float32Array[], labels: readonly number[], replaceDeleted: boolean): void;
  searchKnn(query: Float32Array, k: number, filter: undefined): Hits;
  setEfSearch(ef: number): void;
}
interface Module {
  readonly HierarchicalNSW: new (space: string, dimensions: number, autoSave: string) => Index;
}

export const makeHnswlibWasm: MakeSide = async ({ data, peerFolder }) => {
  const { base, queries, metric } = data;
  const dist = join(peerFolder("hnswlib-wasm"), "dist");
  const file = readdirSync(dist).find((name) => /^hnswlib-[0-9a-f]+\.js$/.test(name));
  if (file === undefined) {
    throw new Error(`hnswlib-wasm: no module in ${dist}`);
  }
  Object.assign(globalThis, { window: globalThis });
  const { default: factory } = (await import(pathToFileURL(join(dist, file)).href)) as {
    default: () => Promise<Module>;
  };
  const { HierarchicalNSW } = await factory();
  const index = new HierarchicalNSW(metric, base.dimensions, "");
  const asked = rowsOf(queries.values, queries.dimensions);
  const points = rowsOf(base.values, base.dimensions);
  const labels = points.map((_, row) => row);
  return {
    prepare() {},
    build() {
      index.initIndex(base.rows, DEGREE / 2, BUILD_LIST, 100);
      for (let start = 0; start < base.rows; start += 1000) {
        index.addPoints(points.slice(start, start + 1000), labels.slice(start, start + 1000), false);
      }
    },
    setList: (list) => index.setEfSearch(list),
    searchAll: () => asked.map((query) => index.searchKnn(query, K, undefined)),
    ids: (raw) => flatten((raw as Hits[]).map((hits) => hits.neighbors)),
    searchOne: (query) => index.searchKnn(asked[query] as Float32Array, K, undefined),
    save: () => undefined,
    note: "run in Node with a pretended `window`; it saves to IndexedDB only",
  };
};
