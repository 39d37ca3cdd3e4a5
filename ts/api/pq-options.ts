/** Guards of the calls of a product quantiser. */
import type { PqShape, PqTraining } from "../backend/pq.js";
import {
  checkInteger,
  checkOptions,
  checkThreads,
  choice,
  describe,
  integerOr,
  invalid,
} from "../core/checks.js";
import { LIMITS, METRICS } from "../core/constants.js";
import { DiskAnnError } from "../core/errors.js";
import type { CodeSearchOptions, TrainOptions } from "../core/pq-types.js";

export const PQ_LIMITS = {
  centroidsMax: 256,
  iterationsDefault: 12,
  iterationsMax: 1000,
  sampleDefault: 256_000,
  sampleMax: 2 ** 24,
} as const;

const K_DEFAULT = 10;

export interface CheckedTraining {
  readonly training: PqTraining;
  readonly threads: number | undefined;
}

export function checkTraining(options: TrainOptions): CheckedTraining {
  if (typeof options !== "object" || options === null) {
    throw invalid(`options must be an object with at least { dimensions, chunks }, got ${describe(options)}`);
  }
  const { centroidsMax, iterationsDefault, iterationsMax, sampleDefault, sampleMax } = PQ_LIMITS;
  const dimensions = checkInteger(
    "dimensions",
    options.dimensions,
    LIMITS.dimensionsMin,
    LIMITS.dimensionsMax,
  );
  const { center } = options;
  if (center !== undefined && typeof center !== "boolean") {
    throw invalid(`center must be true or false, got ${describe(center)}`);
  }
  const training = {
    dimensions,
    chunks: checkInteger("chunks", options.chunks, 1, dimensions),
    centroids: integerOr("centroids", options.centroids, 1, centroidsMax, centroidsMax),
    iterations: integerOr("iterations", options.iterations, 1, iterationsMax, iterationsDefault),
    sampleRows: integerOr("sampleSize", options.sampleSize, 1, sampleMax, sampleDefault),
    isCentred: center ?? true,
    seed: integerOr("seed", options.seed, 0, LIMITS.idMax, 0) + 0,
  };
  return { training, threads: checkThreads(options.threads) };
}

export interface CheckedCodeSearch {
  readonly k: number;
  readonly metric: number;
  readonly threads: number | undefined;
}

export function checkCodeSearch(options: CodeSearchOptions | undefined): CheckedCodeSearch {
  checkOptions("options", options);
  return {
    k: integerOr("k", options?.k, 1, LIMITS.kMax, K_DEFAULT),
    metric: METRICS.indexOf(choice("metric", options?.metric, METRICS, "l2")),
    threads: checkThreads(options?.threads),
  };
}

/** Codes are whole, and numbers of centroids that exist. */
export function checkCodes(codes: unknown, shape: PqShape): Uint8Array {
  const brand = ArrayBuffer.isView(codes) ? (codes as Uint8Array)[Symbol.toStringTag] : undefined;
  if (brand !== "Uint8Array") throw invalid(`codes must be a Uint8Array, got ${describe(codes)}`);
  const bytes = codes as Uint8Array;
  const { chunks } = shape;
  if (bytes.length % chunks !== 0) {
    throw new DiskAnnError(
      "ERR_DIMENSION_MISMATCH",
      `codes has ${bytes.length} bytes, which is not a multiple of the ${chunks} bytes of a code`,
    );
  }
  return bytes;
}
