/** Guards of the public boundary. A message says what was wrong and what to do. */
import { CODES, DATA_TYPES, LIMITS, METRICS, PAGE_BYTES, QUANTIZE } from "./constants.js";
import { DiskAnnError } from "./errors.js";
import type {
  AbortSignalLike,
  Codes,
  DataType,
  IndexOptions,
  Metric,
  Quantize,
  SearchOptions,
} from "./types.js";

/** A short text for a value in a message: `null`, `"abc"`, `1.5`, `a Float64Array`. */
export function describe(value: unknown): string {
  if (typeof value === "string") return value.length > 40 ? "a string" : JSON.stringify(value);
  if (typeof value === "bigint") return `the BigInt ${value}n`;
  if (typeof value === "function") return "a function";
  if (typeof value === "symbol") return "a symbol";
  if (typeof value !== "object" || value === null) return Object.is(value, -0) ? "-0" : String(value);
  if (Array.isArray(value)) return "an array";
  const tag = Object.prototype.toString.call(value).slice(8, -1);
  return tag === "Object" ? "an object" : `${/^[AEIOU]/.test(tag) ? "an" : "a"} ${tag}`;
}

export function invalid(message: string): DiskAnnError {
  return new DiskAnnError("ERR_INVALID_ARGUMENT", message);
}

/** Options are an object or left out. */
export function checkOptions(name: string, options: unknown): void {
  if (options === undefined) return;
  if (typeof options !== "object" || options === null) {
    throw invalid(`${name} must be an object or be left out, got ${describe(options)}`);
  }
}

export function checkInteger(name: string, value: unknown, min: number, max: number): number {
  if (typeof value === "bigint") {
    throw invalid(`${name} must be a number, got ${describe(value)}: write Number(...)`);
  }
  if (typeof value !== "number" || !Number.isInteger(value) || value < min || value > max) {
    throw invalid(`${name} must be an integer from ${min} to ${max}, got ${describe(value)}`);
  }
  return value;
}

export function integerOr(name: string, value: unknown, min: number, max: number, otherwise: number): number {
  return value === undefined ? otherwise : checkInteger(name, value, min, max);
}

export function choice<T extends string>(
  name: string,
  value: unknown,
  choices: readonly T[],
  otherwise: T,
): T {
  if (value === undefined) return otherwise;
  if (!choices.includes(value as T)) {
    const list = choices.map((text) => JSON.stringify(text)).join(", ");
    throw invalid(`${name} must be one of ${list}, got ${describe(value)}`);
  }
  return value as T;
}

export function checkId(value: unknown, what: string): number {
  if (typeof value === "bigint") {
    throw invalid(
      `${what} must be a number, got ${describe(value)}: ids are numbers from 0 to 2^53 - 1, write Number(id)`,
    );
  }
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) {
    throw invalid(`${what} must be an integer from 0 to 2^53 - 1, got ${describe(value)}`);
  }
  // -0 would come back as 0 anyway: one spelling.
  return value + 0;
}

export function checkSignal(signal: unknown): AbortSignalLike | undefined {
  if (signal === undefined) return undefined;
  const like = signal as Partial<AbortSignalLike> | null;
  if (typeof like !== "object" || like === null || typeof like.addEventListener !== "function") {
    throw invalid(`signal must be an AbortSignal, got ${describe(signal)}`);
  }
  return like as AbortSignalLike;
}

export function checkCallback<T>(name: string, callback: T | undefined): T | undefined {
  if (callback !== undefined && typeof callback !== "function") {
    throw invalid(`${name} must be a function, got ${describe(callback)}`);
  }
  return callback;
}

export function checkThreads(threads: unknown): number | undefined {
  return threads === undefined ? undefined : checkInteger("threads", threads, 1, LIMITS.threadsMax);
}

export interface CheckedIndexOptions {
  readonly dimensions: number;
  readonly metric: Metric;
  readonly dataType: DataType;
  readonly quantize: Quantize;
  readonly maxDegree: number;
  readonly buildListSize: number;
  readonly alpha: number;
  readonly seed: number;
  readonly codes: Codes;
  readonly codeBytes: number;
  readonly pageBytes: number;
  readonly threads: number | undefined;
}

function checkAlpha(alpha: unknown): number {
  if (alpha === undefined) return LIMITS.alphaDefault;
  if (typeof alpha !== "number" || !(alpha >= LIMITS.alphaMin && alpha <= LIMITS.alphaMax)) {
    throw invalid(
      `alpha must be a number from ${LIMITS.alphaMin} to ${LIMITS.alphaMax}, got ${describe(alpha)}`,
    );
  }
  return alpha;
}

/** 0 where it is left out. */
export function checkPageBytes(value: unknown): number {
  if (value === undefined) return 0;
  if (PAGE_BYTES.includes(value as number)) return value as number;
  throw invalid(`pageBytes must be one of ${PAGE_BYTES.join(", ")}, got ${describe(value)}`);
}

/** Codes that there are for a kind of index, and their length. */
export function checkCodes(
  options: { readonly codes?: unknown; readonly codeBytes?: unknown },
  fallback: Codes,
  { dimensions, metric, dataType }: Pick<CheckedIndexOptions, "dimensions" | "metric" | "dataType">,
): Pick<CheckedIndexOptions, "codes" | "codeBytes"> {
  const codes = choice("codes", options.codes, CODES, fallback);
  const isFloat = dataType === "f32" || dataType === "f16";
  if (codes.endsWith("bit") && (metric === "l1" || (codes === "8bit" && !isFloat))) {
    const what = metric === "l1" ? 'the metric "l1"' : `dataType ${JSON.stringify(dataType)}`;
    throw new DiskAnnError("ERR_UNSUPPORTED", `there are no ${codes} codes for ${what}: leave codes out`);
  }
  if (options.codeBytes !== undefined && codes !== "pq") throw invalid('codeBytes goes with codes "pq"');
  return { codes, codeBytes: integerOr("codeBytes", options.codeBytes, 1, dimensions, 0) };
}

export function checkIndexOptions(options: IndexOptions): CheckedIndexOptions {
  if (typeof options !== "object" || options === null) {
    throw invalid(`options must be an object with at least { dimensions }, got ${describe(options)}`);
  }
  const { dimensionsMin, dimensionsMax, listSizeMin, listSizeMax } = LIMITS;
  const dimensions = checkInteger("dimensions", options.dimensions, dimensionsMin, dimensionsMax);
  const metric = choice("metric", options.metric, METRICS, "l2");
  const dataType = choice("dataType", options.dataType, DATA_TYPES, "f32");
  const quantize = choice("quantize", options.quantize, QUANTIZE, "none");
  if (quantize !== "none" && dataType !== "f32") {
    throw invalid(
      `quantize is for dataType "f32": leave out dataType ${JSON.stringify(dataType)} or quantize`,
    );
  }
  const { maxDegreeMin, maxDegreeMax, maxDegreeDefault, buildListSizeDefault } = LIMITS;
  const maxDegree = integerOr("maxDegree", options.maxDegree, maxDegreeMin, maxDegreeMax, maxDegreeDefault);
  const buildListSize = integerOr(
    "buildListSize",
    options.buildListSize,
    listSizeMin,
    listSizeMax,
    buildListSizeDefault,
  );
  const alpha = checkAlpha(options.alpha);
  const seed = integerOr("seed", options.seed, 0, LIMITS.idMax, 0) + 0;
  const threads = checkThreads(options.threads);
  const { codes, codeBytes } = checkCodes(options, "auto", { dimensions, metric, dataType });
  const pageBytes = checkPageBytes(options.pageBytes);
  return {
    dimensions,
    metric,
    dataType,
    quantize,
    maxDegree,
    buildListSize,
    alpha,
    seed,
    codes,
    codeBytes,
    pageBytes,
    threads,
  };
}

export interface CheckedSearch {
  readonly k: number;
  readonly listSize: number;
  readonly beamWidth: number;
  readonly pageSearch: boolean;
  readonly scan: boolean;
  readonly counters: boolean;
}

const K_DEFAULT = 10;
const LIST_SIZE_DEFAULT = 64;

/** What a search without options does. */
export const SEARCH_DEFAULTS: CheckedSearch = {
  k: K_DEFAULT,
  listSize: LIST_SIZE_DEFAULT,
  beamWidth: 1,
  pageSearch: false,
  scan: true,
  counters: false,
};

function booleanOr(name: string, value: unknown, otherwise: boolean): boolean {
  if (value === undefined) return otherwise;
  if (typeof value !== "boolean") throw invalid(`${name} must be true or false, got ${describe(value)}`);
  return value;
}

/** `defaults` carries the index's own beamWidth and pageSearch. */
export function checkSearch(options: SearchOptions, defaults: CheckedSearch): CheckedSearch {
  checkOptions("options", options);
  const k = integerOr("k", options.k, 1, LIMITS.kMax, defaults.k);
  const usual = Math.min(Math.max(LIST_SIZE_DEFAULT, Math.ceil(1.5 * k)), LIMITS.listSizeMax);
  const listSize = integerOr(
    "searchListSize",
    options.searchListSize,
    LIMITS.listSizeMin,
    LIMITS.listSizeMax,
    usual,
  );
  return {
    k,
    listSize: Math.max(listSize, k),
    beamWidth: integerOr("beamWidth", options.beamWidth, 1, LIMITS.beamWidthMax, defaults.beamWidth),
    pageSearch: booleanOr("pageSearch", options.pageSearch, defaults.pageSearch),
    scan: booleanOr("scan", options.scan, true),
    counters: booleanOr("counters", options.counters, false),
  };
}
