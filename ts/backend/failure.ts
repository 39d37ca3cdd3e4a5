/**
 * From the numbers of the C core to errors a user can act on. Every backend throws through this file, so that the same
 * mistake reads the same everywhere. The tables repeat `csrc/include/diskann.h`; a test compares them with the core.
 */
import { DiskAnnError } from "../core/errors.js";
import type { AbortSignalLike, ErrorCode } from "../core/types.js";
import { NOWHERE } from "./status.js";

export * from "./status.js";

/** Codes by -status. `ERR_CANCELLED` is not one: an aborted call rejects with the reason of its signal. */
const CODES: readonly (ErrorCode | undefined)[] = [
  undefined,
  "ERR_INVALID_ARGUMENT",
  "ERR_DIMENSION_MISMATCH",
  "ERR_NOT_FINITE",
  "ERR_DUPLICATE_ID",
  "ERR_NOT_FOUND",
  "ERR_CLOSED",
  "ERR_BUSY",
  "ERR_LOCKED",
  "ERR_CORRUPT",
  "ERR_VERSION",
  "ERR_IO",
  "ERR_NO_MEMORY",
  "ERR_UNSUPPORTED",
  "ERR_FULL",
];

/** By `enum diskann_finding_kind`. */
const FINDINGS: readonly string[] = [
  "nothing is wrong",
  "the superblock is damaged",
  "the file is shorter or longer than its superblock says",
  "the checksum of a page does not match its bytes",
  "a page has a wrong number, or bytes where there should be zeros",
  "a record has more neighbours than it can hold",
  "an edge leads to a record that does not exist",
  "a record is its own neighbour",
  "a record has the same neighbour twice",
  "a vector or its norm is not finite",
  "the stored norm is not the norm of the vector",
  "an id is out of range or is used twice",
  "the tree edges do not form a tree over all records",
  "a record cannot be reached by any search",
  "codes are not those of the vectors",
];

/** By `enum diskann_phase`. */
const PHASES: readonly string[] = [
  "",
  "validate",
  "link",
  "order",
  "read",
  "check",
  "audit",
  "seal",
  "write",
  "scan",
  "train",
];

/** `diskann_failure`; `row` and `page` are `NOWHERE` where there is none. */
export interface CoreFailure {
  readonly status: number;
  readonly detail: number;
  readonly row: number;
  readonly page: number;
  readonly value: number;
}

export function phaseText(phase: number): string {
  return PHASES[phase] ?? "";
}

export function findingText(kind: number): string {
  return FINDINGS[kind] ?? "the bytes are damaged";
}

export function codeOf(status: number): ErrorCode | undefined {
  return CODES[-status];
}

function subject(row: number, otherwise: string): string {
  return row >= 0 ? `row ${row}` : otherwise;
}

function corruptText(failure: CoreFailure): string {
  const page = failure.page >= 0 ? ` (page ${failure.page})` : "";
  const what = failure.detail > 0 ? findingText(failure.detail) : "the bytes are not an index";
  return `not an undamaged index: ${what}${page}; restore it from a copy or build it again`;
}

function describe(failure: CoreFailure): string {
  const { row, value } = failure;
  switch (CODES[-failure.status]) {
    case "ERR_INVALID_ARGUMENT":
      if (failure.detail > 0)
        return `${subject(row, "the graph that was given")}: ${findingText(failure.detail)}`;
      return `${subject(row, "the query")} holds a number that the dataType of the index cannot store; i8 takes integers from -128 to 127, u8 from 0 to 255`;
    case "ERR_DIMENSION_MISMATCH":
      return `${subject(row, "the vector")} has another length than the index has dimensions`;
    case "ERR_NOT_FINITE":
      return `${subject(row, "the query")} holds NaN or Infinity, a number above 65504 for an index of f16, or is so long that its squared norm overflows; leave it out or scale it`;
    case "ERR_DUPLICATE_ID":
      return `id ${value} of ${subject(row, "a row")} is given twice or is in the index already; every id must be new`;
    case "ERR_NOT_FOUND":
      return `no vector has id ${value}`;
    case "ERR_CLOSED":
      return "the index is closed";
    case "ERR_BUSY":
      return "another operation is changing this index; wait for it to end";
    case "ERR_LOCKED":
      return "another process has this file open for writing";
    case "ERR_CORRUPT":
      return corruptText(failure);
    case "ERR_VERSION":
      return `the file uses a layout version or a feature that this version of diskann does not know (${value}); upgrade diskann or build the index again`;
    case "ERR_IO":
      return "reading or writing failed";
    case "ERR_NO_MEMORY":
      return value > 0 ? `not enough memory: ${value} more bytes are needed` : "not enough memory";
    case "ERR_UNSUPPORTED":
      return "this build of diskann or this machine cannot do that";
    case "ERR_FULL":
      return "the index holds as many vectors as it can";
    default:
      return "an argument is out of range";
  }
}

/**
 * The error of a failed operation. `message` replaces the text where the host knows better (a file error with its path);
 * `added` is given for an insertion.
 */
export function failureError(
  failure: CoreFailure,
  more: { readonly message?: string; readonly cause?: unknown; readonly added?: number } = {},
): DiskAnnError {
  const code = CODES[-failure.status] ?? "ERR_INVALID_ARGUMENT";
  const options = more.cause === undefined ? undefined : { cause: more.cause };
  const error = new DiskAnnError(code, more.message ?? describe(failure), options);
  if (more.added !== undefined) {
    error.added = more.added;
  }
  if (failure.row >= 0) {
    error.row = failure.row;
  }
  if (failure.page >= 0) {
    error.page = failure.page;
  }
  return error;
}

/** The error of a call that returned only a status. */
export function statusError(status: number, message?: string, value = 0): DiskAnnError {
  const failure = { status, detail: 0, row: NOWHERE, page: NOWHERE, value };
  return failureError(failure, message === undefined ? {} : { message });
}

/**
 * What an aborted call rejects with: the signal's own reason. For an insertion the reason also tells how many rows are in the
 * index, if it is an object that takes a property.
 */
export function abortReason(signal: AbortSignalLike, added?: number): unknown {
  const reason: unknown = signal.reason;
  if (added !== undefined && typeof reason === "object" && reason !== null && Object.isExtensible(reason)) {
    Reflect.set(reason, "added", added);
  }
  return reason;
}
