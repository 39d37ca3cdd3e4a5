/** Vector files, ground truth and ids, usable without the command line. */
export * from "./elements.js";
export { checkWritable, InputFile, ioError, writeWholeFile } from "./files.js";
export { readIds } from "./ids.js";
export { EXTENSIONS, findFormat, formatOf } from "./kinds.js";
export { type ReadOptions, type RowRange, type Slab, VectorFile } from "./reader.js";
export { checkedId, type GroundTruth, readTruth, recallAt, writeTruth } from "./truth.js";
export { outputType, VectorWriter, writeVectors } from "./writer.js";
