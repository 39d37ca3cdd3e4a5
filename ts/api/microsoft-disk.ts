/** A disk index of Microsoft's that is to be searched where it is: its files, and what becomes of inner products. */
import type {
  BackendIndex,
  Control,
  CoreHits,
  CoreSearch,
  CoreSource,
  CoreStats,
  CoreTarget,
  PagedOptions,
} from "../backend/backend.js";
import { PagedIndex } from "../backend/paged.js";
import { checkOptions, choice, describe, invalid } from "../core/checks.js";
import { DATA_TYPES, METRICS } from "../core/constants.js";
import { DiskAnnError } from "../core/errors.js";
import type { AbortSignalLike, IndexSource, MicrosoftDisk, VerifyReport } from "../core/types.js";
import { checkSource } from "./location.js";
import { readCodeShape, readParts, readWhole, withSource } from "./pq-reading.js";

const SUFFIX = "_disk.index";
const MICROSOFT_METRICS = ["l2", "cosine", "ip"] as const;
const RESIDENT =
  "a disk index of Microsoft's stays in its file: import it with diskann/microsoft, or leave mode out";

/** The text by which a place is known, where it has one. */
function nameOf(place: CoreSource): { key: "path" | "url" | "name"; text: string } | undefined {
  if (place.kind === "path") return { key: "path", text: place.path };
  if (place.kind === "http") return { key: "url", text: place.url };
  return place.kind === "opfs" || place.kind === "idb" ? { key: "name", text: place.name } : undefined;
}

/** The place of another file of the same index; undefined where it has not the name that such indexes have. */
function beside(place: CoreSource, suffix: string): CoreSource | undefined {
  const name = nameOf(place);
  if (!name?.text.endsWith(SUFFIX)) return undefined;
  return { ...place, [name.key]: name.text.slice(0, -SUFFIX.length) + suffix } as CoreSource;
}

async function sourceOr(
  option: string,
  source: IndexSource | undefined,
  place: CoreSource,
  suffix: string,
): Promise<CoreSource> {
  if (source !== undefined) return checkSource(source)();
  const found = beside(place, suffix);
  if (found === undefined)
    throw invalid(
      `the index has no name that ends with ${SUFFIX}: say where ${option} are, in microsoft.${option}`,
    );
  return found;
}

/** A file of one number. */
async function readNorm(place: CoreSource, control: Control): Promise<number> {
  const from = beside(place, `${SUFFIX}_max_base_norm.bin`);
  if (from === undefined)
    throw invalid('metric "ip" needs microsoft.maxBaseNorm, the length of the longest vector');
  return withSource(from, control, async (bytes) => {
    const head = await readWhole(bytes, 0, Math.min(12, bytes.size));
    const view = new DataView(head.buffer);
    const norm = bytes.size === 12 ? view.getFloat32(8, true) : Number.NaN;
    if (bytes.size !== 12 || view.getInt32(0, true) !== 1 || view.getInt32(4, true) !== 1 || !isNorm(norm))
      throw new DiskAnnError(
        "ERR_CORRUPT",
        "the file of the largest norm does not hold 1 x 1 number above 0",
      );
    return norm;
  });
}

function isNorm(norm: unknown): norm is number {
  return typeof norm === "number" && norm > 0 && Number.isFinite(norm);
}

/**
 * Inner products of vectors that were scaled by the longest, which made room for one more coordinate: queries have none
 * there, and distances are scaled back.
 */
class ScaledIndex extends PagedIndex {
  readonly size: number;
  readonly #inner: BackendIndex;
  readonly #norm: number;
  readonly #dimensions: number;

  constructor(inner: BackendIndex, norm: number) {
    super();
    this.#inner = inner;
    this.#norm = norm;
    this.size = inner.size;
    this.#dimensions = inner.stats().dimensions - 1;
  }

  async search(query: Float32Array, params: CoreSearch, signal?: AbortSignalLike): Promise<CoreHits> {
    return this.#scaled(await this.#inner.search(this.#widened(query), params, signal));
  }

  async searchBatch(queries: Float32Array, params: CoreSearch, control: Control): Promise<CoreHits> {
    return this.#scaled(await this.#inner.searchBatch(this.#widened(queries), params, control));
  }

  /** A file of Microsoft's is searched and nothing else: these reject. */
  searchExact(query: Float32Array, k: number, control: Control): Promise<CoreHits> {
    return this.#inner.searchExact(this.#widened(query), k, control);
  }

  get(id: number, control: Control): Promise<Float32Array | undefined> {
    return this.#inner.get(id, control);
  }

  has(id: number, control: Control): Promise<boolean> {
    return this.#inner.has(id, control);
  }

  save(target: CoreTarget, control: Control): Promise<void> {
    return this.#inner.save(target, control);
  }

  toBytes(control: Control): Promise<Uint8Array> {
    return this.#inner.toBytes(control);
  }

  verify(control: Control): Promise<VerifyReport> {
    return this.#inner.verify(control);
  }

  stats(): CoreStats {
    return { ...this.#inner.stats(), dimensions: this.#dimensions };
  }

  async close(): Promise<void> {
    await this.#inner.close();
  }

  #widened(rows: Float32Array): Float32Array {
    const width = this.#dimensions;
    const count = rows.length / width;
    const wide = new Float32Array(count * (width + 1));
    for (let row = 0; row < count; row++)
      wide.set(rows.subarray(row * width, (row + 1) * width), row * (width + 1));
    return wide;
  }

  #scaled(hits: CoreHits): CoreHits {
    return { ...hits, distances: hits.distances.map((distance) => distance * this.#norm) };
  }
}

/** What `open` of a backend wants beside the place, and what to make of the index that it opens. */
export interface Disk {
  readonly paged: Pick<PagedOptions, "resident" | "microsoft">;
  readonly finish: (index: BackendIndex) => BackendIndex;
}

export async function readDisk(
  options: MicrosoftDisk,
  place: CoreSource,
  mode: "resident" | "paged" | "auto",
  control: Control,
): Promise<Disk> {
  checkOptions("microsoft", options);
  const dataType = DATA_TYPES.indexOf(choice("microsoft.dataType", options.dataType, DATA_TYPES, "f32"));
  const metric = choice("microsoft.metric", options.metric, MICROSOFT_METRICS, "l2");
  const { maxBaseNorm } = options;
  if (mode === "resident") throw new DiskAnnError("ERR_UNSUPPORTED", RESIDENT);
  if (maxBaseNorm !== undefined && (metric !== "ip" || !isNorm(maxBaseNorm)))
    throw invalid(`microsoft.maxBaseNorm is for metric "ip" and above 0, got ${describe(maxBaseNorm)}`);
  const norm = metric === "ip" ? (maxBaseNorm ?? (await readNorm(place, control))) : undefined;
  const pivots = await readParts(await sourceOr("pivots", options.pivots, place, "_pq_pivots.bin"), control);
  const codes = await sourceOr("codes", options.codes, place, "_pq_compressed.bin");
  const { count, chunks } = await withSource(codes, control, readCodeShape);
  if (chunks !== pivots.chunks)
    throw new DiskAnnError("ERR_CORRUPT", `codes have ${chunks} bytes, the pivots are for ${pivots.chunks}`);
  if (norm !== undefined && pivots.dimensions < 2)
    throw new DiskAnnError(
      "ERR_CORRUPT",
      'metric "ip" has one dimension more than vectors, and these have 1',
    );
  const microsoft = { dataType, metric: METRICS.indexOf(metric), pivots, codes, count };
  return {
    paged: { resident: "never", microsoft },
    finish: (index) => (norm === undefined ? index : new ScaledIndex(index, norm)),
  };
}
