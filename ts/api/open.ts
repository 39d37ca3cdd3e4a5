/** What goes to and comes from places: apart from the entry, because not every page opens, saves or imports. */
import type {
  Backend,
  BackendIndex,
  Control,
  CoreLayout,
  CoreSource,
  CoreTarget,
} from "../backend/backend.js";
import { type CheckedSearch, checkSearch, choice, integerOr, SEARCH_DEFAULTS } from "../core/checks.js";
import { DiskAnnError } from "../core/errors.js";
import { FILE_ACCESS } from "../core/file-access.js";
import type {
  FileAccess,
  ImportReport,
  IndexSource,
  OpenOptions,
  SaveOptions,
  SaveTarget,
  StorageStats,
} from "../core/types.js";
import { checkSource, checkTarget } from "./location.js";
import type { LongCall } from "./long-call.js";

const CACHE_BYTES_DEFAULT = 2 ** 26;
const CACHE_BYTES_MAX = 2 ** 40;
const MODES = ["resident", "paged", "auto"] as const;

/** Beam widths of paged indexes, and by kind of place where rounds are slow or quick. */
const PAGED_WIDTH = 4;
const PAGED_WIDTHS: Partial<Record<CoreSource["kind"], number>> = { http: 32, idb: 8, opfs: 2 };

const NOT_PAGED = "paged is not possible here: leave mode out";

interface CheckedOpen {
  readonly mode: (typeof MODES)[number];
  readonly cacheBytes: number;
  readonly fileAccess: FileAccess | undefined;
  /** 0: none. */
  readonly keepBytes: number;
  /** What its searches take for options that are left out, once it is known where the index is. */
  defaults(paged: boolean, pagedWidth: number): CheckedSearch;
}

function checkOpen(options: OpenOptions): CheckedOpen {
  const { mode, cacheBytes, fileAccess, keepBytes, beamWidth, pageSearch } = options;
  const defaults = (paged: boolean, pagedWidth: number): CheckedSearch =>
    checkSearch(
      { beamWidth, pageSearch },
      paged ? { ...SEARCH_DEFAULTS, beamWidth: pagedWidth, pageSearch: true } : SEARCH_DEFAULTS,
    );
  defaults(false, 1);
  return {
    mode: choice("mode", mode, MODES, "auto"),
    cacheBytes: integerOr("cacheBytes", cacheBytes, 0, CACHE_BYTES_MAX, CACHE_BYTES_DEFAULT),
    fileAccess: fileAccess === undefined ? undefined : choice("fileAccess", fileAccess, FILE_ACCESS, "pread"),
    keepBytes: integerOr("keepBytes", keepBytes, 0, CACHE_BYTES_MAX, 0),
    defaults,
  };
}

/** How the file is to be read, where the backend leaves it in its place. */
function checkAccess(
  access: FileAccess | undefined,
  place: CoreSource,
  { name }: Backend,
): FileAccess | undefined {
  if (place.kind !== "path") {
    if (access === undefined) return undefined;
    throw new DiskAnnError(
      "ERR_UNSUPPORTED",
      "fileAccess is for an index that is opened by path: leave it out",
    );
  }
  if (name === "native" || access === undefined || access === "pread") return access ?? "pread";
  throw new DiskAnnError(
    "ERR_UNSUPPORTED",
    `fileAccess "${access}" is for the addon, and this is WebAssembly: use diskann/native, or leave it out`,
  );
}

/** A place behind HTTP, with what may be kept of it here. */
function keeping(place: CoreSource, keepBytes: number): CoreSource {
  if (place.kind !== "http" || keepBytes === 0) return place;
  if ("indexedDB" in globalThis) return { ...place, keepBytes };
  throw new DiskAnnError(
    "ERR_UNSUPPORTED",
    "keepBytes needs IndexedDB, which browsers have: leave it out, or bring the file here once, VectorIndex.import(url, path)",
  );
}

/** Never rejects: what the browser does not tell is left out. */
async function storageStats(place: CoreSource | CoreTarget): Promise<StorageStats> {
  const { kind } = place;
  const inMemory = kind === "bytes" || (kind === "handle" && place.inMemory);
  const known = { kind: inMemory ? "memory" : kind === "path" ? "file" : kind } as const;
  const nothing = { persisted: undefined, quota: undefined, usage: undefined };
  if (kind !== "opfs" && kind !== "idb" && !(kind === "http" && place.keepBytes))
    return { ...known, ...nothing };
  const { quotaStats } = await import("../storage/persist.js");
  return { ...known, ...(await quotaStats()) };
}

interface Opened {
  readonly backend: Backend;
  readonly core: BackendIndex;
  readonly defaults: CheckedSearch;
  readonly storage: StorageStats;
}

export async function openCore<Options extends OpenOptions>(
  load: (options: Options) => Promise<Backend>,
  source: IndexSource,
  given: Options | undefined,
  { signal, onProgress }: LongCall,
  keep: (core: BackendIndex) => BackendIndex,
): Promise<Opened> {
  const options = given ?? ({} as Options);
  const { mode, cacheBytes, fileAccess, keepBytes, defaults } = checkOpen(options);
  const find = checkSource(source);
  const backend = await load(options);
  const how = options.microsoft;
  const place = keeping(await find(), mode === "resident" || how ? 0 : keepBytes);
  const access = mode === "resident" ? undefined : checkAccess(fileAccess, place, backend);
  const asked = storageStats(place);
  const control = { signal, onProgress, threads: undefined };
  const disk =
    how === undefined
      ? undefined
      : await (await import("./microsoft-disk.js")).readDisk(how, place, mode, control);
  const resident = mode === "paged" ? "never" : "allowed";
  const paged =
    mode === "resident"
      ? undefined
      : ({ cacheBytes, resident, ...(access && { access }), ...disk?.paged } as const);
  const opened = keep(await backend.open(place, control, paged));
  const core = disk ? keep(disk.finish(opened)) : opened;
  if (mode === "paged" && !core.paged) throw new DiskAnnError("ERR_UNSUPPORTED", NOT_PAGED);
  const width = PAGED_WIDTHS[place.kind] ?? PAGED_WIDTH;
  const storage = core.paged && access ? { ...(await asked), fileAccess: access } : await asked;
  return { backend, core, defaults: defaults(core.paged, width), storage };
}

/** Opens what was built as a file, with no more memory than it was built with. */
export async function openBuilt(
  backend: Backend,
  path: string,
  memoryBytes: number,
  { signal }: LongCall,
  keep: (core: BackendIndex) => BackendIndex,
): Promise<Opened> {
  const { cacheBytes, defaults } = checkOpen({});
  const place = { kind: "path", path } as const;
  const paged = { cacheBytes: Math.min(cacheBytes, memoryBytes), resident: "allowed" } as const;
  const core = keep(await backend.open(place, { signal }, paged));
  return { backend, core, defaults: defaults(core.paged, PAGED_WIDTH), storage: await storageStats(place) };
}

/** Undefined: as it is. */
export async function layoutOf(
  core: BackendIndex,
  { codes, codeBytes, pageBytes }: SaveOptions = {},
): Promise<CoreLayout | undefined> {
  if (codes === undefined && codeBytes === undefined && pageBytes === undefined) return undefined;
  const { checkLayout } = await import("./layout.js");
  return checkLayout({ codes, codeBytes, pageBytes }, core.paged, core.stats());
}

export async function saveCore(
  core: BackendIndex,
  target: SaveTarget,
  control: Control,
  options: SaveOptions | undefined,
): Promise<StorageStats> {
  const find = checkTarget(target);
  const layout = await layoutOf(core, options);
  const place = await find();
  await core.save(place, control, layout);
  return storageStats(place);
}

export async function importIndex<Options>(
  load: (options: Options) => Promise<Backend>,
  source: IndexSource,
  target: SaveTarget,
  options: Options | undefined,
  call: LongCall,
): Promise<ImportReport> {
  const find = checkSource(source);
  const findTarget = checkTarget(target);
  const { signal, onProgress } = call;
  try {
    if (signal?.aborted) throw signal.reason;
    const backend = await load(options ?? ({} as Options));
    const places = [await find(), await findTarget()] as const;
    const work = backend.import ?? (await import("../storage/import.js")).importFile;
    const report = await work(...places, { signal, onProgress });
    call.finish();
    return report;
  } catch (error) {
    throw call.errorOf(error);
  }
}
