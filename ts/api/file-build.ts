/**
 * A build into a file under a memory budget. Rows go to a spool beside the file first, as they come, so that they can be read
 * again and it is known how many there are; the core then says what it needs.
 */
import type { Backend, CoreConfig, FileBuild, FileBuilder } from "../backend/backend.js";
import { checkInteger, invalid } from "../core/checks.js";
import { DiskAnnError } from "../core/errors.js";
import { nextTask } from "../core/task.js";
import type { BuildControl, GraphLists } from "../core/types.js";
import { dataTypeOf } from "../core/vectors.js";
import { fileSink, fileSpool, type Spool } from "../storage/file.js";
import { checkTarget } from "./location.js";
import type { LongCall } from "./long-call.js";
import type { IdReader, RowReader } from "./rows.js";

/** Held outside the core: rows on their way to the spool, pieces of what is read and written, what the collector has not seen yet. */
const HOST_BYTES = 2 ** 24;
const MEMORY_BYTES_MAX = 2 ** 50;

const NO_FILES =
  "memoryBytes needs a file system and an entry that is not a worker's: leave path and memoryBytes out";

export interface FileBuildParts {
  readonly config: CoreConfig;
  readonly rows: RowReader;
  readonly ids: IdReader | undefined;
  readonly threads: number | undefined;
  readonly load: () => Promise<Backend>;
}

type FileBuildOptions = BuildControl & { readonly graph?: GraphLists | undefined };

interface CheckedFile {
  readonly memoryBytes: number;
  readonly find: () => Promise<string>;
}

/** Throws unless the two options are there and make sense. */
function checkFile({ path, memoryBytes, graph }: FileBuildOptions): CheckedFile {
  if (graph !== undefined)
    throw invalid("a graph that is given is built in memory: leave path and memoryBytes out");
  if (path === undefined || memoryBytes === undefined) throw invalid("path and memoryBytes go together");
  const bytes = checkInteger("memoryBytes", memoryBytes, 1, MEMORY_BYTES_MAX);
  const find = checkTarget(path);
  return {
    memoryBytes: bytes,
    find: async () => {
      const target = await find();
      if (target.kind !== "path")
        throw new DiskAnnError("ERR_UNSUPPORTED", "path must be the path of a file");
      return target.path;
    },
  };
}

/** Throws where the budget is too small, with what would do. */
function checkNeeds(builder: FileBuilder, build: FileBuild, given: number): void {
  const needs = builder.needs(build);
  if (needs.shards > 0) return;
  throw new DiskAnnError(
    "ERR_NO_MEMORY",
    `memoryBytes is ${given}; a build of ${build.rows} vectors like these needs at least ${needs.memoryBytes + HOST_BYTES} bytes`,
  );
}

/** All rows into the spool; `check` hears their type and of how many there are at least, often enough. */
async function spoolRows(
  rows: RowReader,
  spool: Spool,
  dimensions: number,
  call: LongCall,
  check: (rowType: number, count: number) => void,
): Promise<number> {
  const { total } = rows;
  let count = 0;
  let checked = 0;
  for (;;) {
    if (call.signal?.aborted) throw call.signal.reason;
    const slab = await rows.next();
    if (slab.length === 0) return count;
    count += slab.length / dimensions;
    if (count > 2 * checked) {
      checked = total ?? count;
      check(dataTypeOf(slab), checked);
    }
    await spool.append(new Uint8Array(slab.buffer, slab.byteOffset, slab.byteLength));
    if (total !== undefined) call.onProgress?.({ phase: "read", done: count, total });
    await nextTask();
  }
}

async function buildInto(
  parts: FileBuildParts,
  builder: FileBuilder,
  spool: Spool,
  place: { readonly path: string; readonly memoryBytes: number },
  call: LongCall,
): Promise<void> {
  const { config, rows, ids, threads } = parts;
  const memoryBytes = Math.max(0, place.memoryBytes - HOST_BYTES);
  let build: FileBuild = { config, rows: 0, rowType: 0, hasIds: ids !== undefined, memoryBytes };
  const count = await spoolRows(rows, spool, config.dimensions, call, (rowType, rows) => {
    build = { ...build, rowType, rows };
    checkNeeds(builder, build, place.memoryBytes);
  });
  ids?.checkCount(count);
  build = { ...build, rows: count };
  checkNeeds(builder, build, place.memoryBytes);
  const sink = await fileSink(place.path);
  try {
    const places = {
      read: spool.read,
      write: sink.write,
      sync: sink.sync,
      ids: (first: number, some: number) => ids?.take(first, some) ?? new Float64Array(0),
    };
    await builder.run(build, places, { signal: call.signal, onProgress: call.onProgress, threads });
  } catch (error) {
    await sink.abort(error);
    throw error;
  }
  await sink.commit();
}

/** Makes the file; resolves to its path and the memory that it may be opened in. */
export async function buildFile(
  parts: FileBuildParts,
  options: FileBuildOptions,
  call: LongCall,
): Promise<{ readonly backend: Backend; readonly path: string; readonly memoryBytes: number }> {
  let builder: FileBuilder | undefined;
  let spool: Spool | undefined;
  try {
    const { memoryBytes, find } = checkFile(options);
    const path = await find();
    const backend = await parts.load();
    builder = await backend.fileBuilder?.();
    if (!builder) throw new DiskAnnError("ERR_UNSUPPORTED", NO_FILES);
    spool = await fileSpool(path);
    await buildInto(parts, builder, spool, { path, memoryBytes }, call);
    return { backend, path, memoryBytes };
  } finally {
    parts.rows.close();
    await spool?.close();
    builder?.close();
  }
}
