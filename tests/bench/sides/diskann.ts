/** This package, as a user imports it: the addon (`diskann/native`) or WASM (`diskann/wasm`). */
import { statSync } from "node:fs";
import { join } from "node:path";
import { BUILD_LIST, DEGREE, K, type MakeSide, QUICK_BUILD_LIST, rowsOf } from "./side.js";

interface SearchBatch {
  readonly ids: Float64Array;
}
type Values = Float32Array | Uint8Array;
interface Index {
  search(query: Values, options: object): Promise<unknown>;
  searchBatch(queries: Values, options: object): Promise<SearchBatch>;
  save(path: string): Promise<void>;
}
interface Diskann {
  readonly VectorIndex: { build(vectors: Values, options: object): Promise<Index> };
}

type Kept = "f32" | "f16" | "u8" | "i8";

/** `kept`: how vectors are stored; `"i8"`: floats that are quantised. */
function maker(entry: string, kept: Kept = "f32", buildListSize = BUILD_LIST): MakeSide {
  const dataType = kept === "i8" ? "f32" : kept;
  const quantize = kept === "i8" ? "i8" : "none";
  return async ({ data, threads, folder }) => {
    const { VectorIndex } = (await import(entry)) as Diskann;
    const { base, queries, metric } = data;
    const typed = (values: Float32Array): Values => (dataType === "u8" ? Uint8Array.from(values) : values);
    const batch = typed(queries.values);
    const asked = rowsOf(queries.values, queries.dimensions).map(typed);
    let rows: Values = base.values;
    let index: Index | undefined;
    let options = { k: K, searchListSize: BUILD_LIST };
    const made = (): Index => {
      if (index === undefined) {
        throw new Error("search before build");
      }
      return index;
    };
    return {
      prepare() {
        rows = typed(base.values);
      },
      async build() {
        const shape = {
          dimensions: base.dimensions,
          metric,
          dataType,
          quantize,
          maxDegree: DEGREE,
          buildListSize,
          threads,
        };
        index = await VectorIndex.build(rows, shape);
      },
      setList(list) {
        options = { k: K, searchListSize: list };
      },
      searchAll: () => made().searchBatch(batch, { ...options, threads }),
      ids: (raw) => (raw as SearchBatch).ids,
      searchOne: (query) => made().search(asked[query] as Values, options),
      async save() {
        const path = join(folder, "diskann.index");
        await made().save(path);
        return statSync(path).size;
      },
    };
  };
}

export const makeDiskann = maker("diskann/native");
export const makeDiskannL48 = maker("diskann/native", "f32", QUICK_BUILD_LIST);
export const makeDiskannU8 = maker("diskann/native", "u8");
export const makeDiskannF16 = maker("diskann/native", "f16");
export const makeDiskannI8 = maker("diskann/native", "i8");
export const makeDiskannWasm = maker("diskann/wasm");
