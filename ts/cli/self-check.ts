/** Recall of an index on a sample of its own vectors, against brute force. */
import type { Context } from "./context.js";
import { coreCount, exactTruth, type Rows, type VectorIndex } from "./engine.js";
import { recallAt } from "./formats/index.js";
import { formatNumber } from "./terminal.js";

export interface SelfCheck {
  readonly recall: number;
  readonly k: number;
  readonly queries: number;
  readonly searchListSize: number;
}

const CHECK_K = 10;
const CHECK_LIST_SIZE = 100;
/** More true neighbours than counted, so that ties with the last one are seen. */
const TIE_ROOM = 2;

/** Spread over the whole range, the same every time. */
function samplePositions(size: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => Math.floor(((i + 0.5) * size) / count));
}

/**
 * Ids of the index, evenly taken: from `ids` if they are known, else 0, 1, 2, ... where the index assigned them,
 * else those nearest to the origin, which an exact search finds whatever the ids are.
 */
async function sampleIds(
  index: VectorIndex,
  count: number,
  ids: ArrayLike<number> | undefined,
  signal: AbortSignal,
): Promise<number[]> {
  const positions = samplePositions(index.size, count);
  const assigned = ids === undefined ? positions : positions.map((position) => ids[position] as number);
  const present = await Promise.all(assigned.map((id) => index.has(id)));
  if (present.every(Boolean)) return assigned;
  const origin = new Float32Array(index.dimensions);
  const hits = await index.searchExact(origin, { k: Math.min(index.size, 65535), signal });
  return samplePositions(hits.length, count).map((position) => (hits[position] as { id: number }).id);
}

async function sampleRows(index: VectorIndex, ids: readonly number[]): Promise<Rows> {
  const { dimensions } = index;
  const data = new Float32Array(ids.length * dimensions);
  for (const [row, id] of ids.entries()) data.set((await index.get(id)) ?? [], row * dimensions);
  return { path: "the sample", count: ids.length, dimensions, data };
}

/** recall@10 with vectors of the index as queries. */
export async function selfCheck(
  index: VectorIndex,
  queries: number,
  context: Context,
  ids?: ArrayLike<number>,
): Promise<SelfCheck> {
  const { signal } = context;
  const count = Math.min(queries, index.size);
  const rows = await sampleRows(index, await sampleIds(index, count, ids, signal));
  const k = Math.min(CHECK_K, index.size);
  const progress = await context.progress();
  try {
    const threads = await coreCount();
    const truth = await exactTruth(index, rows, k * TIE_ROOM, { signal, threads, progress });
    const answers = await index.searchBatch(rows.data, { k, searchListSize: CHECK_LIST_SIZE, signal });
    const recall = recallAt(truth, answers.ids, answers.k, k);
    return { recall, k, queries: count, searchListSize: CHECK_LIST_SIZE };
  } finally {
    progress.stop();
  }
}

export function formatSelfCheck(check: SelfCheck): string {
  return (
    `recall@${check.k} ${check.recall.toFixed(3)} ` +
    `(${formatNumber(check.queries)} of its vectors as queries, L ${check.searchListSize}, against brute force)`
  );
}
