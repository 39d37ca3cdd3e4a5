/** What the core answers, in the words of the API. */
import type { CoreHits, CoreStats } from "../backend/backend.js";
import { invalid } from "../core/checks.js";
import { CODES, DATA_TYPES, METRICS, SQ8, simdName } from "../core/constants.js";
import type { IndexStats, SearchBatch, SearchCounters, SearchHit, SearchHits } from "../core/types.js";

/** Hits of row `row`, up to the padding. */
export function hitsOf(ids: Float64Array, distances: Float32Array, row: number, k: number): SearchHit[] {
  const hits: SearchHit[] = [];
  const end = (row + 1) * k;
  for (let i = row * k; i < end; i++) {
    const id = ids[i] as number;
    if (Number.isNaN(id)) break;
    hits.push({ id, distance: distances[i] as number });
  }
  return hits;
}

/** Hits of a single query. */
export function hitsOfOne(hits: CoreHits): SearchHit[] {
  return hitsOf(hits.ids, hits.distances, 0, hits.ids.length);
}

const COUNTERS = ["distanceComputations", "hops", "rounds", "reads", "bytesRead"] as const;

/** The work of `hits`, and of `before`. */
export function countersOf(hits: Partial<SearchCounters>, before?: SearchCounters): SearchCounters {
  const sums = COUNTERS.map((name) => [name, (before?.[name] ?? 0) + (hits[name] ?? 0)]);
  return Object.fromEntries(sums) as unknown as SearchCounters;
}

/** Not enumerable: what compares or prints hits sees hits. */
export function withCounters(hits: CoreHits): SearchHits {
  return Object.defineProperty(hitsOfOne(hits), "counters", { value: countersOf(hits) });
}

/** Implements SearchBatch; a class, so that a batch prints short. */
export class Batch implements SearchBatch {
  readonly count: number;
  readonly k: number;
  readonly ids: Float64Array;
  readonly distances: Float32Array;
  readonly counters: SearchCounters;

  constructor(
    count: number,
    k: number,
    ids: Float64Array,
    distances: Float32Array,
    counters: SearchCounters,
  ) {
    this.count = count;
    this.k = k;
    this.ids = ids;
    this.distances = distances;
    this.counters = counters;
  }

  hits(row: number): SearchHit[] {
    if (!Number.isInteger(row) || row < 0 || row >= this.count) {
      throw invalid(`row must be an integer from 0 to ${this.count - 1}, got ${String(row)}`);
    }
    return hitsOf(this.ids, this.distances, row, this.k);
  }
}

/** `diskann_stats` as users see them. */
export function statsOf(
  core: CoreStats,
  backend: "native" | "wasm",
  paged: boolean,
  search: IndexStats["search"],
  storage: IndexStats["storage"],
): IndexStats {
  const used = core.recordsPerPage * core.recordBytes;
  return {
    size: core.size,
    dimensions: core.dimensions,
    metric: METRICS[core.metric] ?? "l2",
    dataType: DATA_TYPES[core.dataType] ?? "f32",
    maxDegree: core.maxDegree,
    buildListSize: core.buildListSize,
    // A float32 in the core: as many digits as it has.
    alpha: Number(core.alpha.toPrecision(7)),
    seed: core.seed,
    codes: (CODES[core.codes] ?? "none") as IndexStats["codes"],
    mode: paged ? "paged" : "resident",
    codeBytes: core.codeBytes,
    quantization: core.dataType === SQ8 ? { kind: "i8", relativeError: core.relativeError } : undefined,
    degree: { average: core.size === 0 ? 0 : core.edges / core.size, max: core.degreeMax },
    memory: {
      vectors: core.memoryVectors,
      graph: core.memoryGraph,
      records: core.memoryRecords,
      codes: core.memoryCodes,
      ids: core.memoryIds,
      total: core.memoryTotal,
    },
    layout: {
      recordBytes: core.recordBytes,
      pageBytes: core.pageBytes,
      recordsPerPage: core.recordsPerPage,
      pages: core.pages,
      fileBytes: core.fileBytes,
      waste: core.pageBytes === 0 ? 0 : Math.max(0, 1 - used / core.pageBytes),
    },
    cache: paged
      ? {
          bytes: core.cacheBytes,
          limit: core.cacheLimit,
          hits: core.cacheHits,
          misses: core.cacheMisses,
          reads: core.cacheReads,
          bytesRead: core.cacheBytesRead,
        }
      : undefined,
    storage,
    search: { beamWidth: search.beamWidth, pageSearch: search.pageSearch },
    backend,
    simd: simdName(core.simd),
  };
}
