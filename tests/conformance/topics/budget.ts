/** Builds into a file under a memory budget: what comes out, what is left behind, what is refused. */
import { equal, type Files, ids, ok, rejection, rejects, type Subject, type Test } from "../kit.js";
import { sample } from "../model.js";

const dimensions = 32;
const count = 3000;
const MEMORY = 28 * 2 ** 20;

async function* stream(rows: Float32Array): AsyncGenerator<Float32Array> {
  for (let at = 0; at < rows.length; at += dimensions) yield rows.subarray(at, at + dimensions);
}

export function budget(test: Test, subject: Subject): void {
  const { VectorIndex, files } = subject;
  const rows = sample(count, dimensions);
  const options = { dimensions, codes: "pq", buildListSize: 40, maxDegree: 16 } as const;

  test("budget: path and memoryBytes go together", async () => {
    await rejects(() => VectorIndex.build(rows, { ...options, path: "a.diskann" }), "ERR_INVALID_ARGUMENT");
    await rejects(() => VectorIndex.build(rows, { ...options, memoryBytes: MEMORY }), "ERR_INVALID_ARGUMENT");
  });
  // Workers and browsers have no files for it.
  if (!files || !subject.ProductQuantizer) {
    test("budget: there is none without files", async () => {
      await rejects(
        () => VectorIndex.build(rows, { ...options, path: "a.diskann", memoryBytes: MEMORY }),
        "ERR_UNSUPPORTED",
      );
    });
    return;
  }
  withFiles(test, subject, files, rows);
}

function withFiles(test: Test, { VectorIndex }: Subject, files: Files, rows: Float32Array): void {
  const options = { dimensions, codes: "pq", buildListSize: 40, maxDegree: 16 } as const;
  const place = async () => {
    const folder = await files.folder();
    return { folder, path: files.join(folder, "a.diskann") };
  };

  test("budget: a stream becomes a file and an index of it", async () => {
    const { folder, path } = await place();
    const phases: string[] = [];
    const own = Array.from({ length: count }, (_, i) => 10 * i + 3);
    const index = await VectorIndex.build(stream(rows), {
      ...options,
      path,
      memoryBytes: MEMORY,
      ids: own,
      onProgress: ({ phase }) => void (phases.at(-1) === phase || phases.push(phase)),
    });
    equal(index.size, count, "size");
    for (let row = 0; row < count; row += 500) {
      const hits = await index.search(rows.subarray(row * dimensions, (row + 1) * dimensions), { k: 1 });
      equal(ids(hits), [own[row]], "nearest");
    }
    await index.close();
    // A phase that is over at once may go untold; none comes again.
    const all = ["validate", "train", "link", "order", "write"];
    equal(
      phases,
      all.filter((phase) => phases.includes(phase)),
      "phases",
    );
    ok(phases.includes("link"), "links are told");
    equal(await files.list(folder), ["a.diskann"], "files");
    const again = await VectorIndex.open(path, { mode: "resident" });
    equal((await again.verify()).ok, true, "verify");
    equal(await again.get(own[9] as number), rows.slice(9 * dimensions, 10 * dimensions), "vector");
    await again.close();
  });

  test("budget: neither threads nor how rows come change the bytes; the codes decide where it is opened", async () => {
    const { path } = await place();
    const made: Uint8Array[] = [];
    for (const [source, threads] of [
      [stream(rows), 1],
      [rows, 3],
    ] as const) {
      const index = await VectorIndex.build(source, { ...options, path, memoryBytes: MEMORY, threads });
      equal(index.stats().mode, "resident", "a small file");
      await index.close();
      made.push(await files.read(path));
    }
    equal(made[0], made[1], "bytes");
    const plain = await VectorIndex.build(rows, { ...options, codes: "none", path, memoryBytes: MEMORY });
    equal([plain.stats().mode, plain.stats().codes], ["resident", "none"], "without codes");
    await plain.close();
    const lean = await VectorIndex.build(rows, { ...options, codes: "1bit", path, memoryBytes: MEMORY });
    equal([lean.stats().codes, (await lean.verify()).ok], ["1bit", true], "codes in the records");
    await lean.close();
  });

  test("budget: what is too little is said before any work, with what would do", async () => {
    const { folder, path } = await place();
    const build = (memoryBytes: number) => VectorIndex.build(rows, { ...options, path, memoryBytes });
    const error = await rejects(
      () => build(1000),
      "ERR_NO_MEMORY",
      /memoryBytes is \d+; .* at least \d+ bytes/,
    );
    equal(await files.list(folder), [], "files");
    const least = Number(/at least (\d+)/.exec(error.message)?.[1]);
    await rejects(() => build(least - 1), "ERR_NO_MEMORY");
    const index = await build(least);
    equal(index.size, count, "size");
    await index.close();
  });

  test("budget: a source that throws, an abort and a bad row leave the old file and nothing else", async () => {
    const { folder, path } = await place();
    await files.write(path, Uint8Array.of(1, 2, 3));
    const failing = async function* (): AsyncGenerator<Float32Array> {
      yield* stream(rows.subarray(0, 1000 * dimensions));
      throw new RangeError("no more rows");
    };
    const error = await rejection(() =>
      VectorIndex.build(failing(), { ...options, path, memoryBytes: MEMORY }),
    );
    ok(error instanceof RangeError, "what the source threw");
    for (const wanted of ["validate", "link", "write"]) {
      const controller = new AbortController();
      const reason = await rejection(() =>
        VectorIndex.build(rows, {
          ...options,
          path,
          memoryBytes: MEMORY,
          signal: controller.signal,
          onProgress: ({ phase }) => void (phase === wanted && controller.abort("enough")),
        }),
      );
      equal(reason, "enough", "reason");
    }
    const bad = rows.slice();
    bad[700 * dimensions] = Number.NaN;
    const { row } = await rejects(
      () => VectorIndex.build(bad, { ...options, path, memoryBytes: MEMORY }),
      "ERR_NOT_FINITE",
    );
    equal(row, 700, "row");
    equal(await files.list(folder), ["a.diskann"], "files");
    equal(await files.read(path), Uint8Array.of(1, 2, 3), "the old file");
  });

  test("budget: misuse is an error with a code", async () => {
    const { folder, path } = await place();
    const build = (more: object) =>
      VectorIndex.build(rows, { ...options, path, memoryBytes: MEMORY, ...more });
    await rejects(() => build({ memoryBytes: 0 }), "ERR_INVALID_ARGUMENT");
    await rejects(() => build({ memoryBytes: 1.5 }), "ERR_INVALID_ARGUMENT");
    await rejects(() => build({ path: "" }), "ERR_INVALID_ARGUMENT");
    await rejects(() => build({ path: files.join(folder, "none", "a.diskann") }), "ERR_IO");
    await rejects(() => build({ codes: "2bit" }), "ERR_INVALID_ARGUMENT", /codes/);
    const twice = await rejects(() => build({ ids: new Array(count).fill(4) }), "ERR_DUPLICATE_ID");
    equal(twice.row, 1, "row");
    equal(await files.list(folder), [], "files");
  });
}
