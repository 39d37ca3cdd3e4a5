/** From the core's status numbers to errors: every backend makes the same messages with this file. */
import { DiskAnnError } from "./errors.js";
import type { ErrorCode, VerifyReport } from "./types.js";

/** `DISKANN_STATUS_TABLE` of `diskann.h`. */
export const STATUS = {
  OK: 0,
  RUN: 1,
  IO: 2,
  ERR_INVALID_ARGUMENT: -1,
  ERR_DIMENSION_MISMATCH: -2,
  ERR_NOT_FINITE: -3,
  ERR_DUPLICATE_ID: -4,
  ERR_NOT_FOUND: -5,
  ERR_CLOSED: -6,
  ERR_BUSY: -7,
  ERR_LOCKED: -8,
  ERR_CORRUPT: -9,
  ERR_VERSION: -10,
  ERR_IO: -11,
  ERR_NO_MEMORY: -12,
  ERR_UNSUPPORTED: -13,
  ERR_FULL: -14,
  ERR_CANCELLED: -15,
} as const;

/** Index = -status. */
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

/** Index = `enum diskann_finding_kind`. */
const FINDINGS: readonly string[] = [
  "the bytes are not an undamaged index",
  "the superblock is damaged",
  "the file is shorter or longer than its superblock says",
  "a page does not match its checksum",
  "a page header or padding is damaged",
  "a record has more edges than the index allows",
  "an edge leads to a record that does not exist",
  "a record has an edge to itself",
  "a record has the same edge twice",
  "a vector or its norm is not finite",
  "a stored norm is not that of its vector",
  "an id is out of range or given twice",
  "the tree edges do not reach every record once",
  "a record cannot be reached by any search",
];

/** `diskann_failure`, with -1 for "nowhere". */
export interface Failure {
  readonly status: number;
  readonly detail?: number;
  readonly row?: number;
  readonly page?: number;
  readonly value?: number;
}

function place(name: string, at: number | undefined): string {
  return at === undefined || at < 0 ? "" : `${name} ${at}`;
}

function bytesText(bytes: number | undefined): string {
  if (!bytes) return "";
  return bytes < 1 << 20 ? ` (${bytes} bytes wanted)` : ` (${Math.ceil(bytes / (1 << 20))} MiB wanted)`;
}

function messageOf(code: ErrorCode, failure: Failure): string {
  const row = place("row", failure.row);
  const page = place("page", failure.page);
  switch (code) {
    case "ERR_NOT_FINITE":
      return `${row || "the query"} holds NaN, Infinity or numbers too large for float32 (a squared norm above FLT_MAX / 4)`;
    case "ERR_DUPLICATE_ID":
      return `id ${failure.value ?? "?"}${row ? ` (${row})` : ""} is given twice or is in the index already`;
    case "ERR_CORRUPT":
      return `damaged index${page ? `, ${page}` : ""}: ${FINDINGS[failure.detail ?? 0] ?? FINDINGS[0]}`;
    case "ERR_VERSION":
      return `the file has layout version or features ${failure.value ?? "?"}, which this version of diskann does not know: update diskann, or build the index again`;
    case "ERR_NO_MEMORY":
      return `not enough memory${bytesText(failure.value)}`;
    case "ERR_FULL":
      return "the index holds as many vectors, or ids as high, as it can";
    case "ERR_IO":
      return "reading or writing the index failed";
    case "ERR_UNSUPPORTED":
      return "this build of diskann cannot do that";
    case "ERR_DIMENSION_MISMATCH":
      return `${row || "the vector"} has another length than the index has dimensions`;
    case "ERR_NOT_FOUND":
      return `no vector has id ${failure.value ?? "?"}`;
    case "ERR_CLOSED":
      return "the index is closed";
    case "ERR_BUSY":
      return "another operation changes the index";
    case "ERR_LOCKED":
      return "another writer holds the file";
    case "ERR_INVALID_ARGUMENT":
      return `an argument is out of range${row ? ` (${row})` : ""}`;
  }
}

/** The error of a failed call to the core. `message` overrides the standard text. */
export function statusError(failure: Failure, message?: string, options?: { cause?: unknown }): DiskAnnError {
  const code = CODES[-failure.status] ?? "ERR_UNSUPPORTED";
  const error = new DiskAnnError(code, message ?? messageOf(code, failure), options);
  if (failure.row !== undefined && failure.row >= 0) error.row = failure.row;
  if (failure.page !== undefined && failure.page >= 0) error.page = failure.page;
  return error;
}

/** The same error about another row: a batch of queries is worked off in slabs. */
export function errorAtRow(error: DiskAnnError, row: number): DiskAnnError {
  const moved = new DiskAnnError(error.code, error.message.replace(`row ${error.row}`, `row ${row}`), {
    cause: error.cause,
  });
  moved.row = row;
  return moved;
}

/** `diskann_finding`. */
export interface Finding {
  readonly kind: number;
  /** Record, or -1. */
  readonly slot: number;
  /** Page, or -1. */
  readonly page: number;
}

/** What `verify()` resolves to; `total` counts findings beyond those listed, too. */
export function verifyReport(findings: readonly Finding[], total: number): VerifyReport {
  const errors: { code: ErrorCode; message: string; page?: number }[] = [];
  for (const { kind, slot, page } of findings) {
    const message = `${FINDINGS[kind] ?? FINDINGS[0]}${slot >= 0 && slot < 0xffffffff ? ` (record ${slot})` : ""}`;
    errors.push(page >= 0 ? { code: "ERR_CORRUPT", message, page } : { code: "ERR_CORRUPT", message });
  }
  if (total > findings.length) {
    errors.push({ code: "ERR_CORRUPT", message: `... and ${total - findings.length} more` });
  }
  return { ok: total === 0, errors };
}
