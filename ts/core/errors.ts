import type { ErrorCode } from "./types.js";

/** Every error of this library that is not an aborted signal's reason. */
export class DiskAnnError extends Error {
  readonly code: ErrorCode;
  /** Rows committed before a failed or aborted `add`. */
  declare added?: number;
  /** The row of the input that is at fault. */
  declare row?: number;
  /** The page of the file that is at fault. */
  declare page?: number;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "DiskAnnError";
    this.code = code;
  }
}
