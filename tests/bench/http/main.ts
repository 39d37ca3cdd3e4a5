/**
 * `npm run bench -- http [rows]`: searches of an index behind HTTP with a round trip of 50 ms, from `open()` on and without any
 * cache: rounds that depend on each other, requests, bytes, time. Generated text embeddings of 384 dimensions, 1-bit codes in
 * records; for each beam width the search list that reaches the recall.
 */
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { VectorIndex as Native } from "diskann/native";
import { VectorIndex } from "diskann/wasm";
import { repositoryRoot } from "../../support/data.js";
import { generate } from "../../support/generate.js";
import { exactTruth, recallAt, type Truth } from "../../support/truth.js";
import { quantile } from "../curve.js";
import { type Client, http1Client, http2Client } from "./client.js";
import { serveFile } from "./server.js";

const DIMENSIONS = 384;
const QUERIES = 200;
const TIMED = 40;
const ROUND_TRIP_MS = 50;
const K = 10;
const RECALL = 0.95;
const WIDTHS = [4, 8, 16, 32, 64];
const LISTS = [10, 12, 14, 16, 20, 24, 32, 40, 50, 64, 100, 150];
const FORMS = { f16: { dataType: "f16" }, i8: { quantize: "i8" }, f32: { dataType: "f32" } } as const;

const wasmBinary = readFileSync(join(repositoryRoot(), "dist/diskann.wasm"));

interface World {
  readonly base: Float32Array;
  readonly queries: Float32Array;
  readonly truth: Truth;
}

function makeWorld(rows: number): World {
  const base = generate({ shape: "text", dimensions: DIMENSIONS, rows });
  const queries = generate({ shape: "text", dimensions: DIMENSIONS, rows: QUERIES, stream: 1 });
  const vectors = { rows, dimensions: DIMENSIONS, values: base };
  const asked = { rows: QUERIES, dimensions: DIMENSIONS, values: queries };
  return { base, queries, truth: exactTruth(vectors, asked, "cosine", K) };
}

async function makeFile(world: World, form: keyof typeof FORMS, path: string): Promise<string> {
  if (!existsSync(path)) {
    const options = { dimensions: DIMENSIONS, metric: "cosine", codes: "1bit", threads: 2 } as const;
    const index = await Native.build(world.base, { ...options, ...FORMS[form] });
    await index.save(path);
    await index.close();
  }
  return path;
}

/** The shortest list that is long enough; answers are the same wherever the index is. */
async function listFor(
  { queries, truth }: World,
  path: string,
  beamWidth: number,
): Promise<[number, number]> {
  const index = await Native.open(path, { mode: "resident" });
  let found: [number, number] = [0, 0];
  for (const searchListSize of LISTS) {
    const { ids } = await index.searchBatch(queries, { k: K, searchListSize, beamWidth, pageSearch: true });
    found = [searchListSize, recallAt(K, truth, ids)];
    if (found[1] >= RECALL) break;
  }
  await index.close();
  return found;
}

function median(values: readonly number[], p = 0.5): number {
  return quantile(Float64Array.from(values).sort(), p);
}

/** Opens and searches once for each query. */
async function measure(
  client: Client,
  url: string,
  queries: Float32Array,
  options: { beamWidth: number; searchListSize: number },
) {
  const ms: number[] = [];
  const rounds: number[] = [];
  const sum = { requests: 0, bytes: 0 };
  globalThis.fetch = client.fetch;
  for (let q = -1; q < TIMED; q++) {
    const query = queries.subarray(Math.max(q, 0) * DIMENSIONS, (Math.max(q, 0) + 1) * DIMENSIONS);
    client.reset();
    const began = performance.now();
    const index = await VectorIndex.open(url, { mode: "paged", wasmBinary });
    await index.search(query, { k: K, ...options });
    const took = performance.now() - began;
    await index.close();
    if (q < 0) continue; // connections and the module are made
    ms.push(took);
    rounds.push(client.traffic.rounds);
    sum.requests += client.traffic.requests / TIMED;
    sum.bytes += client.traffic.bytes / TIMED;
  }
  return { ms, rounds, ...sum };
}

type Measured = Awaited<ReturnType<typeof measure>>;

function cells({ ms, rounds, requests, bytes }: Measured): string[] {
  return [
    `${median(rounds)} (${median(rounds, 0.95)})`,
    requests.toFixed(0),
    (bytes / 1e6).toFixed(2),
    `${median(ms).toFixed(0)} (${median(ms, 0.95).toFixed(0)})`,
  ];
}

async function main(rows: number): Promise<void> {
  const folder = join(repositoryRoot(), "build/bench/http");
  mkdirSync(folder, { recursive: true });
  const world = makeWorld(rows);
  console.log(`${rows} x ${DIMENSIONS}, round trip ${ROUND_TRIP_MS} ms, p50 (p95) of ${TIMED} queries\n`);
  console.log(
    "| kept as | page, KB | W | L | recall@10 | rounds | requests | MB | HTTP/2, ms | HTTP/1.1, ms |",
  );
  console.log("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
  for (const form of Object.keys(FORMS) as (keyof typeof FORMS)[]) {
    const path = await makeFile(world, form, join(folder, `text-${rows}-${form}.diskann`));
    const server = await serveFile(path, ROUND_TRIP_MS);
    const two = http2Client(server.port2);
    const one = http1Client();
    const opened = await Native.open(path, { mode: "paged" });
    const page = opened.stats().layout.pageBytes / 1024;
    await opened.close();
    for (const beamWidth of WIDTHS) {
      const [searchListSize, recall] = await listFor(world, path, beamWidth);
      const options = { beamWidth, searchListSize };
      const by2 = await measure(two, `http://127.0.0.1:${server.port2}/index`, world.queries, options);
      const by1 = await measure(one, `http://127.0.0.1:${server.port1}/index`, world.queries, options);
      const row = [form, page, beamWidth, searchListSize, recall.toFixed(3), ...cells(by2), cells(by1)[3]];
      console.log(`| ${row.join(" | ")} |`);
    }
    two.close();
    one.close();
    server.close();
  }
}

await main(Number(process.argv[3] ?? 100_000));
