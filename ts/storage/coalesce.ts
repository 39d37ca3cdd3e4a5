/** Few long reads instead of many short ones that lie close together. */
import type { PageRead } from "./page-store.js";

/** A piece of a file that serves some requests. */
export interface Range {
  readonly offset: number;
  readonly length: number;
  readonly requests: readonly PageRead[];
}

/**
 * Joins requests that overlap or lie at most `gapMax` bytes apart, as long as a range stays within `lengthMax`. A request
 * that is longer itself is a range. Ranges ascend.
 */
export function coalesce(requests: readonly PageRead[], gapMax: number, lengthMax: number): Range[] {
  const ranges: { offset: number; length: number; requests: PageRead[] }[] = [];
  for (const request of [...requests].sort((a, b) => a.offset - b.offset)) {
    const { offset } = request;
    const end = offset + request.into.byteLength;
    const last = ranges.at(-1);
    const lastEnd = last ? last.offset + last.length : 0;
    if (last && offset - lastEnd <= gapMax && Math.max(lastEnd, end) - last.offset <= lengthMax) {
      last.length = Math.max(lastEnd, end) - last.offset;
      last.requests.push(request);
    } else {
      ranges.push({ offset, length: end - offset, requests: [request] });
    }
  }
  return ranges;
}

/** Gives the bytes of a range to those who asked for them. */
export function scatter({ offset, requests }: Range, bytes: Uint8Array): void {
  for (const { offset: from, into } of requests)
    into.set(bytes.subarray(from - offset, from - offset + into.byteLength));
}
