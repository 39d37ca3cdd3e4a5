import type { Metric, SearchBatch, VerifyReport } from "diskann";
import { DiskAnnError, type SearchHit, VectorIndex } from "diskann";
import { VectorIndex as InlineIndex } from "diskann/inline";
import { VectorIndex as NativeIndex } from "diskann/native";
import { type Codes, ProductQuantizer, type ReconstructionError } from "diskann/pq";
import { VectorIndex as WasmIndex, type WasmOptions } from "diskann/wasm";
import { VectorIndex as WorkerIndex } from "diskann/worker";

const metric: Metric = "cosine";
const places: WasmOptions = { wasmUrl: "/assets/diskann.wasm" };

async function use(index: VectorIndex): Promise<SearchHit[]> {
  const ids: number[] = await index.add([[1, 2, 3], new Float32Array(3)]);
  const batch: SearchBatch = await index.searchBatch([[1, 2, 3]], { k: ids.length });
  const report: VerifyReport = await index.verify();
  const vector: Float32Array | undefined = await index.get(ids[0] ?? 0);
  return report.ok && vector ? batch.hits(0) : index.search(vector ?? [0, 0, 0]);
}

export async function main(): Promise<void> {
  const index: VectorIndex = await VectorIndex.create({ dimensions: 3, metric });
  await use(index);
  await use(await InlineIndex.build([[1, 2, 3]], { dimensions: 3 }));
  await use(await NativeIndex.open("index.diskann", { onProgress: ({ done, total }) => done / total }));
  await use(await WasmIndex.create({ dimensions: 3, ...places }));
  await use(await WorkerIndex.open(new Uint8Array(4096)));
  try {
    await index.save("index.diskann");
  } catch (error) {
    if (error instanceof DiskAnnError && error.code === "ERR_IO") throw error;
  }
  await index.close();
  await index[Symbol.asyncDispose]();
  const quantizer: ProductQuantizer = await ProductQuantizer.train([[1, 2, 3]], { dimensions: 3, chunks: 1 });
  const error: ReconstructionError = await quantizer.error([[1, 2, 3]], { threads: 1 });
  const { codes }: Codes = await ProductQuantizer.readCodes("codes.bin");
  const near: SearchHit[] = await quantizer.search(codes, [1, 2, 3], { k: error.count, metric: "ip" });
  const vectors: Float32Array = await quantizer.decode(quantizer.codesToBytes(codes).subarray(near.length));
  await quantizer.encode(vectors, { onProgress: ({ phase }) => phase.length });
  await quantizer[Symbol.asyncDispose]();
  // @ts-expect-error: chunks are required
  await ProductQuantizer.train([[1, 2, 3]], { dimensions: 3 });
  // @ts-expect-error: dimensions are required
  await VectorIndex.create({ metric });
  // @ts-expect-error: no such metric
  await VectorIndex.create({ dimensions: 3, metric: "euclidean" });
  // @ts-expect-error: the constructor is not public
  new VectorIndex({});
}
