/** How a file is to be laid out. Apart from the entry: few that save ask. */
import type { CoreConfig, CoreLayout } from "../backend/backend.js";
import { checkCodes, checkPageBytes } from "../core/checks.js";
import { CODES, DATA_TYPES, METRICS } from "../core/constants.js";
import { DiskAnnError } from "../core/errors.js";
import type { Codes, DataType, Metric, SaveOptions } from "../core/types.js";

/** The options of a save, checked, for an index of this shape. */
export function checkLayout(options: SaveOptions, paged: boolean, config: CoreConfig): CoreLayout {
  const { dimensions } = config;
  const kept = CODES[config.codes] as Codes;
  const metric = METRICS[config.metric] as Metric;
  // Quantised floats are floats to codes.
  const dataType = DATA_TYPES[config.dataType] ?? ("f32" as DataType);
  const { codes, codeBytes } = checkCodes(options, kept, { dimensions, metric, dataType });
  const pageBytes = checkPageBytes(options.pageBytes);
  if (paged)
    throw new DiskAnnError(
      "ERR_UNSUPPORTED",
      'an index that stays in its file is copied as it is: open it with { mode: "resident" } to save it with other codes or pages',
    );
  const keepsBytes = options.codeBytes === undefined && codes === kept;
  return { codes: CODES.indexOf(codes), codeBytes: keepsBytes ? config.codeBytes : codeBytes, pageBytes };
}
