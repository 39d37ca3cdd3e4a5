/** Numbers of the core, apart from the texts that `failure.ts` makes of them. */

/** Progress and end of an operation, as `enum diskann_status` has them. */
export const STATUS_OK = 0;
export const STATUS_RUN = 1;
export const STATUS_IO = 2;
export const STATUS_WAIT = 3;
export const STATUS_ERR_INVALID_ARGUMENT = -1;
export const STATUS_ERR_CLOSED = -6;
export const STATUS_ERR_IO = -11;
export const STATUS_ERR_NO_MEMORY = -12;
export const STATUS_ERR_CANCELLED = -15;

/** Where a failure has no row or page. */
export const NOWHERE = -1;
