/** What every index that stays in its file has in common: it is searched, and nothing else. */
import { DiskAnnError } from "../core/errors.js";
import type { AbortSignalLike } from "../core/types.js";
import type { BackendIndex, Control, CoreHits, CoreSearch, CoreStats } from "./backend.js";

async function refuse(what: string): Promise<never> {
  throw new DiskAnnError(
    "ERR_UNSUPPORTED",
    `${what} is not possible while the index stays in its file: open it with { mode: "resident" }, in memory`,
  );
}

export abstract class PagedIndex implements BackendIndex {
  readonly paged = true;
  abstract readonly size: number;
  abstract search(query: Float32Array, params: CoreSearch, signal?: AbortSignalLike): Promise<CoreHits>;
  abstract searchBatch(queries: Float32Array, params: CoreSearch, control: Control): Promise<CoreHits>;
  abstract stats(): CoreStats;
  abstract close(): Promise<void>;

  searchExact(): Promise<never> {
    return refuse("searchExact()");
  }

  get(): Promise<never> {
    return refuse("get()");
  }

  has(): Promise<never> {
    return refuse("has()");
  }

  insert(): Promise<never> {
    return refuse("add()");
  }

  save(): Promise<never> {
    return refuse("save()");
  }

  toBytes(): Promise<never> {
    return refuse("toBytes()");
  }

  verify(): Promise<never> {
    return refuse("verify()");
  }
}
