/** This package, as a user imports it: the addon (`diskann/native`) or WASM (`diskann/wasm`). */
import { statSync } from "node:fs";
import { join } from "node:path";
import { BUILD_LIST, DEGREE, K, type MakeSide, rowsOf } from "./side.js";

interface SearchBatch {
  readonly ids: Float64Array;
}
interface Index {
  search(query: Float32Array, options: object): Promise<unknown>;
  searchBatch(queries: Float32Array, options: object): Promise<SearchBatch>;
  save(path: string): Promise<void>;
}
interface Diskann {
  readonly VectorIndex: { build(vectors: Float32Array, options: object): Promise<Index> };
}

function maker(entry: string): MakeSide {
  return async ({ data, threads, folder }) => {
    const { VectorIndex } = (await import(entry)) as Diskann;
    const { base, queries, metric } = data;
    const asked = rowsOf(queries.values, queries.dimensions);
    let index: Index | undefined;
    let options = { k: K, searchListSize: BUILD_LIST };
    const made = (): Index => {
      if (index === undefined) {
        throw new Error("search before build");
      }
      return index;
    };
    return {
      prepare() {},
      async build() {
        const shape = {
          dimensions: base.dimensions,
          metric,
          maxDegree: DEGREE,
          buildListSize: BUILD_LIST,
          threads,
        };
        index = await VectorIndex.build(base.values, shape);
      },
      setList(list) {
        options = { k: K, searchListSize: list };
      },
      searchAll: () => made().searchBatch(queries.values, { ...options, threads }),
      ids: (raw) => (raw as SearchBatch).ids,
      searchOne: (query) => made().search(asked[query] as Float32Array, options),
      async save() {
        const path = join(folder, "diskann.index");
        await made().save(path);
        return statSync(path).size;
      },
    };
  };
}

export const makeDiskann = maker("diskann/native");
export const makeDiskannWasm = maker("diskann/wasm");
