/** What OPFS and IndexedDB have in common: one writer at a time, and a quota. */
import { DiskAnnError } from "../core/errors.js";
import { quotaStats } from "./persist.js";
import type { BrowserPlace } from "./select.js";
import { type ByteSink, ioError } from "./storage.js";

/** How many bytes will be written; a function where that is known later. */
export type Needed = number | (() => number);

/** What is used of `navigator`, of which every runtime lacks something. */
interface Browser {
  readonly locks?: {
    request(
      name: string,
      options: { ifAvailable: true },
      body: (lock: object | null) => Promise<void> | undefined,
    ): Promise<void>;
  };
}

function browser(): Browser {
  return (globalThis as { navigator?: Browser }).navigator ?? {};
}

/** As its address is written. */
export function placeName({ kind, name }: BrowserPlace): string {
  return kind === "opfs" ? `opfs:/${name}` : `idb:${name}`;
}

export function lockedError(place: string, cause?: unknown): DiskAnnError {
  const message = `cannot write ${place}: another tab or worker has it open or is saving to it; try again when it is done`;
  return new DiskAnnError("ERR_LOCKED", message, { cause });
}

/** The right to write to a place, until it is released; `ERR_LOCKED` when another has it. Pages without locks go without. */
function lock(place: string): Promise<() => void> {
  const { locks } = browser();
  if (!locks) return Promise.resolve(() => {});
  return new Promise((resolve, reject) => {
    locks
      .request(`diskann ${place}`, { ifAvailable: true }, (held) => {
        if (held) return new Promise<void>(resolve as (release: () => void) => void);
        reject(lockedError(place));
        return undefined;
      })
      .catch(reject);
  });
}

export function isNamed(error: unknown, name: string): boolean {
  return (error as { name?: unknown } | null)?.name === name;
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

/** The error of a write; one for want of room says how much is needed and how much there is. */
async function writeError(place: string, bytes: number, error: unknown): Promise<DiskAnnError> {
  const cause = error instanceof DiskAnnError ? error.cause : error;
  if (isNamed(cause, "NoModificationAllowedError")) return lockedError(place, cause);
  if (!isNamed(cause, "QuotaExceededError")) return ioError(`cannot write ${place}`, error);
  const { quota = 0, usage = 0 } = await quotaStats();
  const free = Math.max(0, quota - usage);
  const room = quota > 0 && free < bytes ? `${megabytes(free)} are free` : "less is free";
  const message = `cannot write ${place}: ${megabytes(bytes)} are needed beside what lies there, ${room}; delete something, or ask the user for more room`;
  return new DiskAnnError("ERR_IO", message, { cause });
}

/** Work that writes to a place, with the errors of that. */
export function guardWrite<T>(place: string, bytes: Needed, work: Promise<T>): Promise<T> {
  return work.catch(async (error: unknown) => {
    throw await writeError(place, typeof bytes === "number" ? bytes : bytes(), error);
  });
}

/** A sink of the browser's: opened under the lock of its place, which its end releases. */
export async function lockedSink(
  place: string,
  bytes: Needed,
  open: () => Promise<ByteSink>,
): Promise<ByteSink> {
  const guard = <T>(work: Promise<T>): Promise<T> => guardWrite(place, bytes, work);
  const release = await lock(place);
  const sink = await guard(open()).catch((error: unknown) => {
    release();
    throw error;
  });
  return {
    write: (offset, piece) => guard(sink.write(offset, piece)),
    sync: () => guard(sink.sync()),
    commit: () => guard(sink.commit()).finally(release),
    abort: (reason) => sink.abort(reason).finally(release),
  };
}
