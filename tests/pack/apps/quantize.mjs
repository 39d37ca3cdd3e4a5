/** What a program may do with `diskann/pq`: train, encode, search, write out. */
const DIMENSIONS = 8;
const ROWS = 400;

/** @param {{ ProductQuantizer: any, DiskAnnError: any }} entry */
export async function quantize({ ProductQuantizer, DiskAnnError }) {
  const vectors = Float32Array.from({ length: ROWS * DIMENSIONS }, (_, i) => Math.sin(i * i));
  const quantizer = await ProductQuantizer.train(vectors, {
    dimensions: DIMENSIONS,
    chunks: 2,
    centroids: 32,
  });
  const codes = await quantizer.encode(vectors);
  const hits = await quantizer.search(codes, vectors.subarray(0, DIMENSIONS), { k: 3 });
  const again = await ProductQuantizer.open(await quantizer.toBytes());
  const same = (await again.encode(vectors)).join() === codes.join();
  const failure = await ProductQuantizer.open(new Uint8Array(9)).catch((error) => error);
  await again.close();
  await quantizer.close();
  const { backend } = quantizer;
  const code = failure instanceof DiskAnnError ? failure.code : String(failure);
  return { backend, answers: { codes: [...codes.subarray(0, 20)], hits, same, code } };
}
