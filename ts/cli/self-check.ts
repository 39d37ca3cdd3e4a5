/** Recall of an index on a sample of its own vectors, against brute force. */
import type { IndexStats } from "../core/types.js";
import type { Context } from "./context.js";
import { coreCount, exactTruth, type Rows, type VectorIndex } from "./engine.js";
import { recallAt, type VectorFile } from "./formats/index.js";
import { originalRows, originalTruth } from "./originals.js";
import { formatNumber } from "./terminal.js";

export interface SelfCheck {
  readonly recall: number;
  readonly k: number;
  readonly queries: number;
  readonly searchListSize: number;
  /** What brute force compared with: the vectors as the index keeps them, or those that it was given. */
  readonly against: "stored" | "given";
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

/** recall@10 with vectors of the index as queries; with those of the file it was built from, if that is given. */
export async function selfCheck(
  index: VectorIndex,
  queries: number,
  context: Context,
  ids?: ArrayLike<number>,
  given?: VectorFile,
): Promise<SelfCheck> {
  const { signal } = context;
  const count = Math.min(queries, index.size);
  const rows = given
    ? await originalRows(given, samplePositions(given.count, count))
    : await sampleRows(index, await sampleIds(index, count, ids, signal));
  const k = Math.min(CHECK_K, index.size);
  const progress = await context.progress();
  try {
    const threads = await coreCount();
    const truth = given
      ? await originalTruth(given, index.metric, rows, k * TIE_ROOM, { ids, signal, progress })
      : await exactTruth(index, rows, k * TIE_ROOM, { signal, threads, progress });
    const answers = await index.searchBatch(rows.data, { k, searchListSize: CHECK_LIST_SIZE, signal });
    const recall = recallAt(truth, answers.ids, answers.k, k);
    const against = given ? "given" : "stored";
    return { recall, k, queries: count, searchListSize: CHECK_LIST_SIZE, against };
  } finally {
    progress.stop();
  }
}

export function formatSelfCheck(check: SelfCheck): string {
  return (
    `recall@${check.k} ${check.recall.toFixed(3)} ` +
    `(${formatNumber(check.queries)} of its vectors as queries, L ${check.searchListSize}, against brute force` +
    `${check.against === "given" ? " over the vectors as they were given" : ""})`
  );
}

/** What an index says of its quantisation, or undefined. */
export function formatQuantization({ quantization }: IndexStats): string | undefined {
  if (quantization === undefined) return undefined;
  return `${quantization.kind}, relative error ${(100 * quantization.relativeError).toPrecision(3)} %`;
}
