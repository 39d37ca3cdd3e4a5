/** usearch: batches through its own threads; ef belongs to an index object, so each ef opens the saved file anew. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { BUILD_LIST, DEGREE, K, type MakeSide, rowsOf } from "./side.js";

interface Matches {
  readonly keys: BigUint64Array;
}
interface Index {
  add(keys: BigUint64Array, vectors: Float32Array, threads: number): void;
  search(queries: Float32Array, k: number, threads: number): Matches;
  save(path: string): void;
  load(path: string): void;
}
interface Usearch {
  readonly Index: new (config: object) => Index;
}

const maker =
  (quantization: string): MakeSide =>
  async ({ data, threads, folder, peer }) => {
    const { Index } = (await peer("usearch")) as Usearch;
    const { base, queries, metric } = data;
    const path = join(folder, "usearch.index");
    const create = (list: number) =>
      new Index({
        dimensions: base.dimensions,
        metric: metric === "l2" ? "l2sq" : "cos",
        quantization,
        connectivity: DEGREE / 2,
        expansion_add: BUILD_LIST,
        expansion_search: list,
        multi: false,
      });
    const opened = new Map<number, Index>();
    const rows = rowsOf(queries.values, queries.dimensions);
    let keys = new BigUint64Array(0);
    let index = create(BUILD_LIST);
    return {
      prepare() {
        keys = BigUint64Array.from({ length: base.rows }, (_, row) => BigInt(row));
      },
      build: () => index.add(keys, base.values, threads),
      setList(list) {
        const found = opened.get(list) ?? create(list);
        if (!opened.has(list)) {
          found.load(path);
          opened.set(list, found);
        }
        index = found;
      },
      searchAll: () => index.search(queries.values, K, threads),
      ids: (raw) => Float64Array.from((raw as Matches).keys, Number),
      searchOne: (query) => index.search(rows[query] as Float32Array, K, 1),
      save() {
        index.save(path);
        return statSync(path).size;
      },
    };
  };

export const makeUsearch = maker("f32");
export const makeUsearchF16 = maker("f16");
