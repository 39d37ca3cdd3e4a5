/** What every index that stays in its file has in common: it is read only. */
import { CODES } from "../core/constants.js";
import { DiskAnnError } from "../core/errors.js";
import type { AbortSignalLike, VerifyReport } from "../core/types.js";
import type { BackendIndex, Control, CoreHits, CoreSearch, CoreStats, CoreTarget } from "./backend.js";

const SUPERBLOCK_BYTES = 4096;

/** Where page 0 lies in the file: what is not node pages is before them, but for codes of product quantisation. */
export function pagesOffsetOf({ codes, fileBytes, pages, pageBytes }: CoreStats): number {
  return CODES[codes] === "pq" ? SUPERBLOCK_BYTES : fileBytes - pages * pageBytes;
}

/** Why a file that is undamaged cannot be searched where it is. */
export function withoutCodes(cause: unknown): DiskAnnError {
  return new DiskAnnError(
    "ERR_UNSUPPORTED",
    'this index cannot stay in its file, where its codes do not lead a search: build it with codes "1bit" or "pq", or open it with mode "resident"',
    { cause },
  );
}

export abstract class PagedIndex implements BackendIndex {
  readonly paged = true;
  abstract readonly size: number;
  abstract search(query: Float32Array, params: CoreSearch, signal?: AbortSignalLike): Promise<CoreHits>;
  abstract searchBatch(queries: Float32Array, params: CoreSearch, control: Control): Promise<CoreHits>;
  abstract searchExact(query: Float32Array, k: number, control: Control): Promise<CoreHits>;
  abstract get(id: number, control: Control): Promise<Float32Array | undefined>;
  abstract has(id: number, control: Control): Promise<boolean>;
  abstract save(target: CoreTarget, control: Control): Promise<void>;
  abstract toBytes(control: Control): Promise<Uint8Array>;
  abstract verify(control: Control): Promise<VerifyReport>;
  abstract stats(): CoreStats;
  abstract close(): Promise<void>;

  async insert(): Promise<never> {
    throw new DiskAnnError(
      "ERR_UNSUPPORTED",
      'add() is not possible while the index stays in its file: open it with { mode: "resident" }, in memory',
    );
  }
}
