/**
 * Batches of searches on several threads: in an instance over shared memory, which holds a copy of the index while batches go on
 * coming. It is made once as much was asked as it costs, and is gone when nothing was asked for a while, or the index changes.
 * Whatever befalls the threads, searches go on where they always ran.
 */
import type { DiskAnnError } from "../../core/errors.js";
import type { AbortSignalLike } from "../../core/types.js";
import { openSource } from "../../storage/select.js";
import type { BackendIndex, Control, CoreHits, CoreSearch } from "../backend.js";
import { emptyHits, searchFlags, throwIfAborted } from "../common.js";
import { BATCHED, type BatchExports } from "./batch-exchange.js";
import type { Core } from "./core.js";
import { drive } from "./drive.js";
import type { Address } from "./exchange.js";
import { CrewFailure, startTeam, type Team, type TeamParts } from "./team.js";
import { readIndex, type ThreadedBatches } from "./wasm-index.js";

/** Queries that take as long as threads take to start, and as many rows as are copied in the time of one more. */
const QUERIES_MIN = 1000;
const ROWS_A_QUERY = 16;
const IDLE_MS = 5000;
/** So long a query may take: who was busy with many of them has not been away. */
const QUERY_MS = 10;
/** A file beyond this is not copied. */
const COPIED_BYTES_MAX = 2 ** 29;

const ID_BYTES = 8;
const NUMBER_BYTES = 4;

/** It does not keep the process alive. */
function unref(timer: ReturnType<typeof setTimeout>): void {
  const { Deno } = globalThis as { Deno?: { unrefTimer?(timer: unknown): void } };
  if (typeof timer === "number") Deno?.unrefTimer?.(timer);
  else (timer as { unref?(): void }).unref?.();
}

interface Copy {
  readonly team: Team;
  readonly index: Address;
}

/** Where the arrays of a batch lie; one allocation. */
function areaOf(core: Core, queries: Float32Array, count: number, k: number) {
  const cells = count * k;
  const ids = core.allocate(cells * (ID_BYTES + NUMBER_BYTES) + count * NUMBER_BYTES + queries.byteLength);
  const distances = ids + cells * ID_BYTES;
  const counts = distances + cells * NUMBER_BYTES;
  const vectors = counts + count * NUMBER_BYTES;
  core.f32.set(queries, vectors / NUMBER_BYTES);
  return { cells, ids, distances, counts, vectors };
}

async function searchAll(
  { team: { core, threads, workers }, index }: Copy,
  queries: Float32Array,
  count: number,
  params: CoreSearch,
  signal: AbortSignalLike | undefined,
): Promise<CoreHits> {
  const { k, listSize, beamWidth } = params;
  const { cells, ids, distances, counts, vectors } = areaOf(core, queries, count, k);
  const exports = core.exports as BatchExports;
  const what = [index, vectors, count, k, listSize, beamWidth, searchFlags(params)] as const;
  let op: Address = 0;
  const take = (): CoreHits => {
    core.run(() => exports.batch_take(op, count, k, ids, distances, counts));
    const hits = emptyHits(count, k);
    hits.ids.set(core.f64.subarray(ids / ID_BYTES, ids / ID_BYTES + cells));
    hits.distances.set(core.f32.subarray(distances / NUMBER_BYTES, distances / NUMBER_BYTES + cells));
    return {
      ...hits,
      distanceComputations: core.slot(BATCHED.distances),
      hops: core.slot(BATCHED.hops),
      rounds: core.slot(BATCHED.rounds),
    };
  };
  const clean = (): void => {
    core.run(() => exports.op_end(op));
    core.release(ids);
  };
  try {
    op = core.create(() => exports.batch_begin(...what, workers, ids, distances, counts));
    await drive(core, op, { signal }, { crew: threads });
    const hits = take();
    clean();
    return hits;
  } catch (error) {
    // When a thread is lost others may still run, in memory that is therefore left as it is.
    if (!(error instanceof CrewFailure) && core.whole) clean();
    throw error;
  }
}

class InThreads implements ThreadedBatches {
  readonly #source: BackendIndex;
  readonly #dimensions: number;
  readonly #parts: TeamParts;
  #asked = 0;
  /** When nobody can be busy any more with what was asked. */
  #busyUntil = 0;
  #copy: Copy | undefined;
  #isStarting = false;
  #failed = false;
  #turn: Promise<unknown> = Promise.resolve();
  #idle: ReturnType<typeof setTimeout> | undefined;

  constructor(source: BackendIndex, dimensions: number, parts: TeamParts) {
    this.#source = source;
    this.#dimensions = dimensions;
    this.#parts = parts;
  }

  /** One batch after the other: threads work at one stage. Who comes while they start does not wait for them. */
  search(queries: Float32Array, params: CoreSearch, control: Control): Promise<CoreHits | undefined> {
    const count = queries.length / this.#dimensions;
    if (this.#failed || this.#isStarting || !this.#isWorthIt(count)) return Promise.resolve(undefined);
    this.#isStarting = this.#copy === undefined;
    const found = this.#turn.then(() => this.#search(queries, count, params, control));
    this.#turn = found.catch(() => {});
    return found;
  }

  end(): void {
    clearTimeout(this.#idle);
    this.#copy?.team.threads.end();
    this.#copy = undefined;
    this.#asked = 0;
  }

  async #search(
    queries: Float32Array,
    count: number,
    params: CoreSearch,
    control: Control,
  ): Promise<CoreHits | undefined> {
    const { signal } = control;
    clearTimeout(this.#idle);
    try {
      throwIfAborted(signal);
      this.#copy ??= await this.#start(control);
      this.#isStarting = false;
      this.#copy.team.threads.hold(true);
      return await searchAll(this.#copy, queries, count, params, signal);
    } catch (error) {
      throwIfAborted(signal);
      const { row, code } = error as Partial<DiskAnnError>;
      if (row !== undefined && code !== "ERR_NO_MEMORY") throw error;
      this.#failed = true;
      this.end();
      return undefined;
    } finally {
      this.#isStarting = false;
      this.#rest();
    }
  }

  /** What was asked long ago does not count. */
  #isWorthIt(count: number): boolean {
    const now = performance.now();
    if (now - this.#busyUntil > IDLE_MS) this.#asked = 0;
    this.#busyUntil = now + count * QUERY_MS;
    this.#asked += count;
    if (this.#copy) return true;
    if (this.#asked < QUERIES_MIN + this.#source.size / ROWS_A_QUERY) return false;
    // Statistics are a pass over all records: not for every batch.
    this.#failed = this.#source.stats().fileBytes > COPIED_BYTES_MAX;
    return !this.#failed;
  }

  /** Without anything to do for a while, threads go home, and the copy with them. */
  #rest(): void {
    if (!this.#copy) return;
    this.#copy.team.threads.hold(false);
    this.#idle = setTimeout(() => this.end(), IDLE_MS);
    unref(this.#idle);
  }

  async #start({ signal, threads = 1 }: Control): Promise<Copy> {
    const bytes = await this.#source.toBytes({ signal });
    const team = await startTeam(this.#parts, threads);
    try {
      const source = await openSource({ kind: "bytes", bytes });
      return { team, index: await readIndex(team.core, source, { signal }) };
    } catch (error) {
      team.threads.end();
      throw error;
    }
  }
}

export function batchThreads(source: BackendIndex, dimensions: number, parts: TeamParts): ThreadedBatches {
  return new InThreads(source, dimensions, parts);
}
