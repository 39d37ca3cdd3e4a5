/**
 * The graph of an in-memory index of Microsoft's:
 *
 *     0   u64 bytes of the file       8   u32 largest degree      12  u32 point where searches start
 *     16  u64 frozen points           24  of each point: u32 degree, u32 [degree] neighbours
 *
 * It does not tell how many points there are. Frozen points, where searches of an index that changes start, come last.
 */
import { copyElements, corrupt, readU64, viewOf } from "./bin.js";

export interface MicrosoftGraph {
  /** As the header has it: the largest degree, or in a merged graph that of the build. */
  readonly maxDegree: number;
  readonly start: number;
  /** Of the points, the last ones. */
  readonly frozen: number;
  /** Of each point, frozen ones too. */
  readonly degrees: Uint32Array;
  /** One list behind the other. */
  readonly neighbours: Uint32Array;
}

const HEADER_BYTES = 24;

/** No neighbour may be a point that there is not. */
export function checkNeighbours(neighbours: Uint32Array, points: number): void {
  const at = neighbours.findIndex((neighbour) => neighbour >= points);
  if (at >= 0) throw corrupt(`a list names point ${neighbours[at]}, but there are ${points}`);
}

function countPoints(words: Uint32Array): number {
  let points = 0;
  for (let at = 0; at < words.length; at += 1 + (words[at] as number)) points++;
  return points;
}

/** The lists, of which the last must end where the file does. */
function readLists(words: Uint32Array): { degrees: Uint32Array; neighbours: Uint32Array } {
  const points = countPoints(words);
  const degrees = new Uint32Array(points);
  const neighbours = new Uint32Array(Math.max(0, words.length - points));
  let at = 0;
  let edges = 0;
  for (let point = 0; point < points; point++) {
    const degree = words[at] as number;
    if (degree > words.length - at - 1)
      throw corrupt(`the list of point ${point} goes beyond the end of the graph`);
    degrees[point] = degree;
    neighbours.set(words.subarray(at + 1, at + 1 + degree), edges);
    edges += degree;
    at += 1 + degree;
  }
  return { degrees, neighbours };
}

/** Every number is checked: `ERR_CORRUPT` says what is wrong. */
export function readGraph(bytes: Uint8Array): MicrosoftGraph {
  if (bytes.length < HEADER_BYTES || bytes.length % 4 !== 0)
    throw corrupt(`${bytes.length} bytes are no graph: a header of 24, then numbers of 4`);
  const view = viewOf(bytes);
  const size = readU64(view, 0, "the size of the graph");
  if (size !== bytes.length)
    throw corrupt(`the graph says it has ${size} bytes, the file has ${bytes.length}`);
  const maxDegree = view.getUint32(8, true);
  const start = view.getUint32(12, true);
  const frozen = readU64(view, 16, "the number of frozen points");
  const lists = readLists(copyElements(bytes, "u32", HEADER_BYTES, (bytes.length - HEADER_BYTES) / 4));
  const points = lists.degrees.length;
  if (frozen > points || (points > 0 && start >= points))
    throw corrupt(
      `searches start at point ${start} and ${frozen} points are frozen, but there are ${points}`,
    );
  const longest = lists.degrees.reduce((most, degree) => Math.max(most, degree), 0);
  if (longest > maxDegree)
    throw corrupt(`a list has ${longest} neighbours, the graph says at most ${maxDegree}`);
  checkNeighbours(lists.neighbours, points);
  return { maxDegree, start, frozen, ...lists };
}

export function writeGraph({ maxDegree, start, frozen, degrees, neighbours }: MicrosoftGraph): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + 4 * (degrees.length + neighbours.length));
  const view = viewOf(bytes);
  view.setBigUint64(0, BigInt(bytes.length), true);
  view.setUint32(8, maxDegree, true);
  view.setUint32(12, start, true);
  view.setBigUint64(16, BigInt(frozen), true);
  const words = new Uint32Array(bytes.buffer, HEADER_BYTES);
  let at = 0;
  let edges = 0;
  for (const degree of degrees) {
    words[at] = degree;
    words.set(neighbours.subarray(edges, edges + degree), at + 1);
    edges += degree;
    at += 1 + degree;
  }
  return bytes;
}
