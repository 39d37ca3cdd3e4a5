/** In a page: builds an index in a worker and searches it as it is told. Bundled and driven by chromium.ts. */
import type { VectorIndex } from "../../../ts/worker.js";

const K = 10;

export interface PageBuild {
  readonly dimensions: number;
  readonly metric: "l2" | "cosine";
  readonly maxDegree: number;
  readonly buildListSize: number;
  readonly threads: number;
}

export interface PagePass {
  readonly seconds: number;
  readonly ids: readonly number[];
}

const fetched = async (name: string): Promise<Float32Array<ArrayBuffer>> =>
  new Float32Array(await (await fetch(`/suite/${name}`)).arrayBuffer());

class Bench {
  #base = new Float32Array(0);
  #queries = new Float32Array(0);
  #index: VectorIndex | undefined;

  get #made(): VectorIndex {
    if (this.#index === undefined) throw new Error("search before build");
    return this.#index;
  }

  async load(): Promise<void> {
    [this.#base, this.#queries] = await Promise.all([fetched("base.f32"), fetched("queries.f32")]);
  }

  async build(options: PageBuild): Promise<void> {
    const { VectorIndex } = (await import(
      String("/dist/worker.js")
    )) as typeof import("../../../ts/worker.js");
    this.#index = await VectorIndex.build(this.#base, options);
  }

  /** All queries. */
  async pass(searchListSize: number, threads: number): Promise<PagePass> {
    const start = performance.now();
    const { ids } = await this.#made.searchBatch(this.#queries, { k: K, searchListSize, threads });
    return { seconds: (performance.now() - start) / 1000, ids: Array.from(ids, Number) };
  }

  async searchOne(searchListSize: number, query: number): Promise<void> {
    const { dimensions } = this.#made;
    const asked = this.#queries.subarray(query * dimensions, (query + 1) * dimensions);
    await this.#made.search(asked, { k: K, searchListSize });
  }

  /** Nanoseconds of each query. */
  async latencies(searchListSize: number): Promise<number[]> {
    const out: number[] = [];
    for (let query = 0; query * this.#made.dimensions < this.#queries.length; query++) {
      const start = performance.now();
      await this.searchOne(searchListSize, query);
      out.push((performance.now() - start) * 1e6);
    }
    return out;
  }

  /** Bytes of the index. */
  async save(): Promise<number> {
    return (await this.#made.toBytes()).length;
  }
}

Object.assign(globalThis, { bench: new Bench() });
