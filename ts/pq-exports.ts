/** What every entry of product quantisers exports beside its `ProductQuantizer`. */
export { DiskAnnError } from "./core/errors.js";
export type {
  CodeSearchOptions,
  Codes,
  EncodeOptions,
  ReconstructionError,
  TrainOptions,
} from "./core/pq-types.js";
export type {
  BlobLike,
  CallOptions,
  ErrorCode,
  FileHandleLike,
  IndexSource,
  Metric,
  Progress,
  ProgressEvent,
  SearchHit,
  Vector,
  VectorSource,
} from "./core/types.js";
