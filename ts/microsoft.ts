/**
 * `diskann/microsoft`: indexes of Microsoft's DiskANN become ours, and ours theirs. It brings no core: it works with the `VectorIndex` of
 * any entry. (To search a disk index where it is: `VectorIndex.open(path, { microsoft: {} })`.)
 */
export {
  type ExportOptions,
  exportIndex,
  type MicrosoftFiles,
  type Trainer,
} from "./api/microsoft-export.js";
export {
  type Builder,
  type ImportChanges,
  type Imported,
  type ImportOptions,
  importIndex,
} from "./api/microsoft-import.js";
export { DiskAnnError } from "./core/errors.js";
export type { ErrorCode, GraphLists, IndexSource } from "./core/types.js";
export {
  type DiskType,
  type MicrosoftDiskFile,
  readDiskFile,
  writeDiskFile,
} from "./storage/microsoft/disk.js";
export { type MicrosoftGraph, readGraph, writeGraph } from "./storage/microsoft/graph.js";
export {
  type Label,
  readDummyMap,
  readLabelMap,
  readLabels,
  readMedoids,
  readUniversalLabel,
} from "./storage/microsoft/labels.js";
