/** Builds into a file by the addon: it computes, JavaScript reads and writes. */
import { nextTask } from "../../core/task.js";
import type { Control, FileBuild, FileBuilder, FileBuildPlaces } from "../backend.js";
import { CONFIG_FIELDS, IDS_PER_SLAB, throwIfAborted } from "../common.js";
import { statusError } from "../failure.js";
import { type JobHandle, REQUEST } from "./binding.js";
import type { Calls } from "./calls.js";

/** Bytes that are carried at a time. */
const PIECE_BYTES = 2 ** 20;

function fieldsOf(build: FileBuild, simd: number): Float64Array {
  const { config, rows, rowType, hasIds, memoryBytes } = build;
  const fields = [
    ...CONFIG_FIELDS.map((name) => config[name]),
    simd,
    rows,
    rowType,
    Number(hasIds),
    memoryBytes,
  ];
  return Float64Array.from(fields);
}

function checked(status: number): void {
  if (status < 0) throw statusError(status);
}

/** Serves the requests of a stage, through one buffer. */
async function serve(
  calls: Calls,
  job: JobHandle,
  places: FileBuildPlaces,
  buffer: Uint8Array,
): Promise<void> {
  const requests = calls.functions.requests(job);
  for (let i = 0; i < requests.length / 3; i++) {
    const [kind, offset, length] = requests.subarray(3 * i, 3 * i + 3) as unknown as [number, number, number];
    if (kind === REQUEST.sync) await places.sync();
    for (let at = 0; at < length; at += buffer.length) {
      const piece = buffer.subarray(0, Math.min(buffer.length, length - at));
      if (kind === REQUEST.read) {
        await places.read(offset + at, piece);
        checked(calls.functions.fill(job, i, at, piece));
      } else {
        checked(calls.functions.drain(job, i, at, piece));
        await places.write(offset + at, piece);
      }
    }
  }
}

async function giveIds(
  calls: Calls,
  job: JobHandle,
  build: FileBuild,
  places: FileBuildPlaces,
): Promise<void> {
  for (let first = 0; build.hasIds && first < build.rows; first += IDS_PER_SLAB) {
    checked(calls.functions.budgetIds(job, places.ids(first, Math.min(IDS_PER_SLAB, build.rows - first))));
    await nextTask();
  }
}

export function fileBuilder(calls: Calls, simd: number, cores: number): FileBuilder {
  const needs: FileBuilder["needs"] = (build) => {
    const out = new Float64Array(3);
    checked(calls.functions.budgetNeeds(fieldsOf(build, simd), out));
    const [memoryBytes = 0, shards = 0, workers = 0] = out;
    return { memoryBytes, shards, workers };
  };
  const run = async (build: FileBuild, places: FileBuildPlaces, control: Control): Promise<void> => {
    throwIfAborted(control.signal);
    const threads = Math.min(control.threads ?? cores, needs(build).workers);
    const job = calls.functions.budgetBuild(fieldsOf(build, simd), threads);
    if (typeof job === "number") throw statusError(job);
    try {
      await giveIds(calls, job, build, places);
    } catch (error) {
      calls.functions.cancel(job);
      await calls.run(job, {}).catch(() => {});
      throw error;
    }
    const buffer = new Uint8Array(PIECE_BYTES);
    await calls.run(job, control, { read: () => serve(calls, job, places, buffer) });
  };
  return { needs, run, close: () => {} };
}
