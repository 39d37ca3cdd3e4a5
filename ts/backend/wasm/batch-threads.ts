/**
 * Batches of searches on several threads: in an instance over shared memory, which holds a copy of the index while batches go on
 * coming. It is made once as much was asked as it costs, and is gone when nothing was asked for a while, or the index changes.
 * Whatever befalls the threads, searches go on where they always ran.
 */
import { DiskAnnError } from "../../core/errors.js";
import { openSource } from "../../storage/select.js";
import type { BackendIndex, Control, CoreHits, CoreSearch } from "../backend.js";
import { emptyHits, searchFlags } from "../common.js";
import { BATCHED, type BatchExports } from "./batch-exchange.js";
import type { Core } from "./core.js";
import { operate } from "./drive.js";
import type { Address } from "./exchange.js";
import { startTeam, type Team, type TeamParts } from "./team.js";
import { readIndex, type ThreadedBatches } from "./wasm-index.js";

/** Queries that take as long as threads take to start, and as many rows as are copied in the time of one more. */
const QUERIES_MIN = 1000;
const ROWS_A_QUERY = 16;
const IDLE_MS = 5000;

const ID_BYTES = 8;
const NUMBER_BYTES = 4;

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
  control: Control,
): Promise<CoreHits> {
  const { k, listSize, beamWidth } = params;
  const { cells, ids, distances, counts, vectors } = areaOf(core, queries, count, k);
  const exports = core.exports as BatchExports;
  const what = [index, vectors, count, k, listSize, beamWidth, searchFlags(params)] as const;
  try {
    const op = core.create(() => exports.batch_begin(...what, workers, ids, distances, counts));
    return await operate(core, op, { signal: control.signal }, { crew: threads }, () => {
      core.run(() => exports.batch_take(op, count, k, ids, distances, counts));
      const hits = emptyHits(count, k);
      hits.ids.set(core.f64.subarray(ids / ID_BYTES, ids / ID_BYTES + cells));
      hits.distances.set(core.f32.subarray(distances / NUMBER_BYTES, distances / NUMBER_BYTES + cells));
      const [distanceComputations, hops, rounds] = [BATCHED.distances, BATCHED.hops, BATCHED.rounds].map(
        (slot) => core.slot(slot),
      ) as [number, number, number];
      return { ...hits, distanceComputations, hops, rounds };
    });
  } finally {
    core.release(ids);
  }
}

class InThreads implements ThreadedBatches {
  readonly #source: BackendIndex;
  readonly #dimensions: number;
  readonly #parts: TeamParts;
  #asked = 0;
  #last = 0;
  #copy: Copy | undefined;
  #failed = false;
  #turn: Promise<unknown> = Promise.resolve();
  #idle: ReturnType<typeof setTimeout> | undefined;

  constructor(source: BackendIndex, dimensions: number, parts: TeamParts) {
    this.#source = source;
    this.#dimensions = dimensions;
    this.#parts = parts;
  }

  /** One batch after the other: threads work at one stage. */
  search(queries: Float32Array, params: CoreSearch, control: Control): Promise<CoreHits | undefined> {
    const found = this.#turn.then(() => this.#search(queries, params, control));
    this.#turn = found.catch(() => {});
    return found;
  }

  end(): void {
    clearTimeout(this.#idle);
    this.#copy?.team.threads.end();
    this.#copy = undefined;
    this.#asked = 0;
  }

  async #search(queries: Float32Array, params: CoreSearch, control: Control): Promise<CoreHits | undefined> {
    const count = queries.length / this.#dimensions;
    if (this.#failed || !this.#isWorthIt(count)) return undefined;
    clearTimeout(this.#idle);
    try {
      this.#copy ??= await this.#start(control);
      this.#copy.team.threads.hold(true);
      return await searchAll(this.#copy, queries, count, params, control);
    } catch (error) {
      if (control.signal?.aborted) throw control.signal.reason;
      if (error instanceof DiskAnnError && error.row !== undefined) throw error;
      this.#failed = true;
      this.end();
      return undefined;
    } finally {
      this.#rest();
    }
  }

  /** What was asked long ago does not count. */
  #isWorthIt(count: number): boolean {
    const now = performance.now();
    if (now - this.#last > IDLE_MS) this.#asked = 0;
    this.#last = now;
    this.#asked += count;
    return this.#copy !== undefined || this.#asked >= QUERIES_MIN + this.#source.size / ROWS_A_QUERY;
  }

  /** Without anything to do for a while, threads go home, and the copy with them. */
  #rest(): void {
    if (!this.#copy) return;
    this.#copy.team.threads.hold(false);
    this.#idle = setTimeout(() => this.end(), IDLE_MS);
    (this.#idle as { unref?(): void }).unref?.();
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
