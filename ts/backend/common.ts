/** What both backends need to carry arguments and answers across. */
import type { AbortSignalLike } from "../core/types.js";
import type { CoreSearch } from "./backend.js";
import { STATUS_ERR_NO_MEMORY, statusError } from "./failure.js";

/** Order of the fields of a configuration. */
export const CONFIG_FIELDS = [
  "dimensions",
  "metric",
  "dataType",
  "maxDegree",
  "buildListSize",
  "alpha",
  "seed",
  "codes",
  "codeBytes",
  "pageBytes",
] as const;

/** Order of the fields of `diskann_stats` as the addon and the module hand them over. */
export const STATS_FIELDS = [
  ...CONFIG_FIELDS,
  "simd",
  "size",
  "nextId",
  "edges",
  "degreeMax",
  "recordBytes",
  "recordsPerPage",
  "pages",
  "fileBytes",
  "memoryVectors",
  "memoryGraph",
  "memoryRecords",
  "memoryCodes",
  "memoryIds",
  "memoryTotal",
  "cacheBytes",
  "cacheLimit",
  "cacheHits",
  "cacheMisses",
  "cacheReads",
  "cacheBytesRead",
  "relativeError",
] as const;

/** Of builds into a file. */
export const IDS_PER_SLAB = 2 ** 16;

const ID_BYTES = 8;
const FLOAT_BYTES = 4;

/** The two as one number, for the crossing. */
export function searchFlags({ pageSearch, scan }: CoreSearch): number {
  return (pageSearch ? 1 : 0) + (scan ? 2 : 0);
}

export function throwIfAborted(signal: AbortSignalLike | undefined): void {
  if (signal?.aborted) throw signal.reason;
}

/** Typed arrays have their own limit of memory; it is reported like the core's. */
export function allocate<Result>(bytes: number, make: () => Result): Result {
  try {
    return make();
  } catch (cause) {
    if (cause instanceof RangeError) throw statusError(STATUS_ERR_NO_MEMORY, undefined, bytes);
    throw cause;
  }
}

export function emptyHits(rows: number, k: number): { ids: Float64Array; distances: Float32Array } {
  const cells = rows * k;
  return allocate(cells * (ID_BYTES + FLOAT_BYTES), () => ({
    ids: new Float64Array(cells),
    distances: new Float32Array(cells),
  }));
}
