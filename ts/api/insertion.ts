/** From rows to an insertion of the backend: slab by slab, then one run that is validated whole. */
import type { BackendIndex } from "../backend/backend.js";
import { nextTask } from "../core/task.js";
import type { GraphLists } from "../core/types.js";
import type { LongCall } from "./long-call.js";
import type { IdReader, RowReader } from "./rows.js";

export interface Insertion {
  readonly kind: "build" | "add";
  readonly rows: RowReader;
  readonly ids: IdReader | undefined;
  readonly threads: number | undefined;
  /** Of a build: what it need not find out. */
  readonly graph?: GraphLists | undefined;
}

/** Inserts all rows; resolves to their number. The index has not changed if it rejects before the run. */
export async function insertRows(
  core: BackendIndex,
  dimensions: number,
  insertion: Insertion,
  call: LongCall,
): Promise<number> {
  const { rows, ids, threads } = insertion;
  const insert = await core.insert(insertion.kind, threads);
  try {
    let count = 0;
    for (;;) {
      if (call.signal?.aborted) throw call.signal.reason;
      const slab = await rows.next();
      if (slab.length === 0) break;
      const added = slab.length / dimensions;
      await insert.append(slab, ids?.take(count, added));
      count += added;
      if (count !== rows.total) await nextTask();
    }
    ids?.checkCount(count);
    if (insertion.graph) await (await import("./graph-lists.js")).giveLists(insert, insertion.graph, count);
    if (count > 0) await insert.run({ signal: call.signal, onProgress: call.onProgress, threads });
    return count;
  } finally {
    rows.close();
    await insert.discard();
  }
}

/** Notes on what an aborted or failed `add` rejects with how many rows are in the index for good. */
export function noteAdded(error: unknown, added: number): unknown {
  if (typeof error === "object" && error !== null && Object.isExtensible(error)) {
    Reflect.set(error, "added", added);
  }
  return error;
}

/** The same insertion; the ids that were given go to `into` as they are read. */
export function keepIds(insertion: Insertion, into: number[]): Insertion {
  const { ids } = insertion;
  if (!ids) return insertion;
  const take = (first: number, count: number): Float64Array => {
    const taken = ids.take(first, count);
    for (const id of taken) into.push(id);
    return taken;
  };
  return { ...insertion, ids: { take, checkCount: ids.checkCount } };
}
