/** Slots of the exchange that only a paged index reads: beside `exchange.ts`, because they are loaded with it. */

export const ADVANCE = { moved: 0, length: 1, count: 2, ticket: 3, offset: 4, buffer: 5 } as const;
/** From one request to the next. */
export const ADVANCE_STRIDE = 3;
export const ANSWERED = { distances: 0, hops: 1, rounds: 2, reads: 3, bytesRead: 4 } as const;
