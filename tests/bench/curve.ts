/** Points of a recall-speed curve, and what lies between them. */

export interface Point {
  readonly list: number;
  readonly recall: number;
  readonly qps: number;
  /** Queries a second of CPU time. */
  readonly cpuQps: number;
}

/** List sizes tried, smallest first, until a side reaches ENOUGH. */
export const LADDER: readonly number[] = [10, 14, 20, 28, 40, 56, 80, 112, 160, 224, 320, 450, 640];
export const ENOUGH = 0.996;

/** The points that no other beats in both recall and speed, by rising recall. */
export function frontier(points: readonly Point[]): Point[] {
  const sorted = [...points].sort((a, b) => b.recall - a.recall || b.qps - a.qps);
  const kept: Point[] = [];
  let best = 0;
  for (const point of sorted) {
    if (point.qps > best) {
      best = point.qps;
      kept.push(point);
    }
  }
  return kept.reverse();
}

/**
 * Queries a second at a recall: on the straight line between the two neighbouring points, in the logarithm of the speed.
 * Below the first point: the first point's (a side is not credited with what it did not show). Undefined above the last.
 */
export function qpsAt(recall: number, points: readonly Point[]): number | undefined {
  const line = frontier(points);
  const above = line.findIndex((point) => point.recall >= recall);
  const high = line[above];
  if (high === undefined) {
    return undefined;
  }
  const low = line[above - 1];
  if (low === undefined || high.recall === low.recall) {
    return high.qps;
  }
  const share = (recall - low.recall) / (high.recall - low.recall);
  return Math.exp(Math.log(low.qps) + share * (Math.log(high.qps) - Math.log(low.qps)));
}

/** As qpsAt, by CPU time. */
export function cpuQpsAt(recall: number, points: readonly Point[]): number | undefined {
  return qpsAt(
    recall,
    points.map((point) => ({ ...point, qps: point.cpuQps })),
  );
}

/** The smallest list size that reaches a recall, or the largest there is. */
export function listAt(recall: number, points: readonly Point[]): number | undefined {
  const sorted = [...points].sort((a, b) => a.list - b.list);
  return (sorted.find((point) => point.recall >= recall) ?? sorted.at(-1))?.list;
}

/** The p-th part (0 .. 1) of sorted values, nearest rank. */
export function quantile(sorted: ArrayLike<number>, p: number): number {
  const rank = Math.min(sorted.length - 1, Math.max(0, Math.ceil(p * sorted.length) - 1));
  return sorted[rank] ?? Number.NaN;
}
