/**
 * A build on several threads: in an instance of its own, over shared memory, whose index then moves into the one that has
 * none. Searches, and all who cannot or need not share memory, stay as they are; the shared memory is gone after the build.
 * Rows are kept until it has succeeded: whatever befalls the threads, the build is made again on this one.
 */
import { nextTask } from "../../core/task.js";
import type { TypedRows } from "../../core/vectors.js";
import type { BackendInsert, Control } from "../backend.js";
import { drive } from "./drive.js";
import { CrewFailure, startTeam, type Team, type TeamParts } from "./team.js";
import { newIndex, type ThreadedBuild, WasmIndex, WasmInsert } from "./wasm-index.js";

/** Elements of a build that is worth the start of threads: a few tenths of a second. */
const ELEMENTS_MIN = 2 ** 20;

interface Slab {
  readonly rows: TypedRows;
  readonly ids: Float64Array | undefined;
}

/** Appends all, with a turn for others in between. */
async function appendAll(insert: WasmInsert, slabs: readonly Slab[]): Promise<void> {
  for (const { rows, ids } of slabs) {
    insert.append(rows, ids);
    await nextTask();
  }
}

/** Of a graph that is there. */
interface Lists {
  readonly lists: Uint32Array;
  readonly rows: number;
}

class InThreads implements BackendInsert {
  readonly #build: ThreadedBuild;
  readonly #parts: TeamParts;
  #slabs: Slab[] = [];
  #lists: Lists[] = [];
  #elements = 0;

  constructor(build: ThreadedBuild, parts: TeamParts) {
    this.#build = build;
    this.#parts = parts;
  }

  append(rows: TypedRows, ids: Float64Array | undefined): void {
    this.#slabs.push({ rows: rows.slice(), ids: ids?.slice() });
    this.#elements += rows.length;
  }

  links(lists: Uint32Array, rows: number): void {
    this.#lists.push({ lists: lists.slice(), rows });
  }

  async run(control: Control): Promise<void> {
    const slabs = this.#slabs;
    this.#slabs = [];
    const bytes = this.#elements < ELEMENTS_MIN ? undefined : await this.#try(slabs, control);
    if (bytes) return this.#build.take(bytes, { signal: control.signal });
    const insert = this.#build.onOne();
    try {
      await this.#append(insert, slabs);
      await insert.run(control);
    } finally {
      insert.discard();
    }
  }

  discard(): void {
    this.#slabs = [];
    this.#lists = [];
  }

  async #append(insert: WasmInsert, slabs: readonly Slab[]): Promise<void> {
    await appendAll(insert, slabs);
    for (const { lists, rows } of this.#lists) insert.links(lists, rows);
  }

  /** The bytes of the index; undefined where the threads failed. */
  async #try(slabs: readonly Slab[], control: Control): Promise<Uint8Array | undefined> {
    const team = await startTeam(this.#parts, this.#build.threads).catch(() => undefined);
    if (!team) return undefined;
    try {
      return await this.#run(team, slabs, control);
    } catch (error) {
      if (error instanceof CrewFailure) return undefined;
      throw error;
    } finally {
      team.threads.end();
    }
  }

  async #run(
    { module, core, threads, workers }: Team,
    slabs: readonly Slab[],
    control: Control,
  ): Promise<Uint8Array> {
    const { config } = this.#build;
    const index = newIndex(core, config);
    const op = core.create((exports) => exports.build_begin(index, workers));
    await this.#append(new WasmInsert(core, op, config.dimensions), slabs);
    await drive(core, op, control, { crew: threads });
    core.run((exports) => exports.op_end(op));
    return new WasmIndex(module, core, index).toBytes({ signal: control.signal });
  }
}

export function buildInThreads(build: ThreadedBuild, parts: TeamParts): BackendInsert {
  return new InThreads(build, parts);
}
