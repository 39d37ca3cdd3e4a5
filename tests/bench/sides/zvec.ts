/** zvec: a collection with an HNSW index on one f32 field; documents have string ids. One query a call. */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { BUILD_LIST, DEGREE, flatten, K, type MakeSide, rowsOf } from "./side.js";

interface Doc {
  readonly id: string;
}
interface Collection {
  insertSync(docs: readonly object[]): readonly { readonly ok: boolean; readonly message: string }[];
  optimizeSync(options: { concurrency: number }): void;
  querySync(query: object): Doc[];
  query(query: object): Promise<Doc[]>;
}
interface Zvec {
  ZVecInitialize(options: object): void;
  ZVecCreateAndOpen(path: string, schema: object): Collection;
  readonly ZVecCollectionSchema: new (schema: object) => object;
  readonly ZVecDataType: { readonly VECTOR_FP32: number };
  readonly ZVecIndexType: { readonly HNSW: number };
  readonly ZVecMetricType: { readonly L2: number; readonly COSINE: number };
  readonly ZVecLogLevel: { readonly ERROR: number };
}

const BATCH = 1000;

function folderBytes(folder: string): number {
  const entries = readdirSync(folder, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath ?? entry.path, entry.name)).size, 0);
}

export const makeZvec: MakeSide = async ({ data, threads, folder, peer }) => {
  const zvec = (await peer("@zvec/zvec")) as Zvec;
  const { base, queries, metric } = data;
  zvec.ZVecInitialize({ logLevel: zvec.ZVecLogLevel.ERROR, queryThreads: threads, optimizeThreads: threads });
  const schema = new zvec.ZVecCollectionSchema({
    name: "bench",
    vectors: {
      name: "vector",
      dataType: zvec.ZVecDataType.VECTOR_FP32,
      dimension: base.dimensions,
      indexParams: {
        indexType: zvec.ZVecIndexType.HNSW,
        metricType: metric === "l2" ? zvec.ZVecMetricType.L2 : zvec.ZVecMetricType.COSINE,
        m: DEGREE / 2,
        efConstruction: BUILD_LIST,
      },
    },
  });
  const path = join(folder, "zvec");
  const collection = zvec.ZVecCreateAndOpen(path, schema);
  const rows = rowsOf(queries.values, queries.dimensions);
  let batches: object[][] = [];
  let asked: object[] = [];
  return {
    prepare() {
      const docs = rowsOf(base.values, base.dimensions).map((vector, row) => ({
        id: String(row),
        vectors: { vector },
      }));
      batches = Array.from({ length: Math.ceil(docs.length / BATCH) }, (_, batch) =>
        docs.slice(batch * BATCH, (batch + 1) * BATCH),
      );
    },
    build() {
      for (const batch of batches) {
        const bad = collection.insertSync(batch).find((status) => !status.ok);
        if (bad !== undefined) {
          throw new Error(`zvec: ${bad.message}`);
        }
      }
      collection.optimizeSync({ concurrency: threads });
    },
    setList(list) {
      const params = { indexType: zvec.ZVecIndexType.HNSW, ef: list };
      asked = rows.map((vector) => ({ fieldName: "vector", vector, topk: K, params }));
    },
    searchAll: () =>
      threads === 1
        ? asked.map((query) => collection.querySync(query))
        : Promise.all(asked.map((query) => collection.query(query))),
    ids: (raw) => flatten((raw as Doc[][]).map((docs) => docs.map((doc) => Number(doc.id)))),
    searchOne: (query) => collection.querySync(asked[query] as object),
    save: () => folderBytes(path),
    note: "its files hold the vectors twice (documents and index)",
  };
};
