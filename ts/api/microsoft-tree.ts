/**
 * What an index here wants of a graph that comes from elsewhere: each row hangs on one other by an edge that is never pruned, at most
 * half as many on one as lists may have neighbours. Edges that are there are taken, breadth first from where searches start; only
 * where none leads to a row, or all that do have as many children as they may, a new one is made.
 */
import type { GraphLists } from "../core/types.js";

export interface Hung extends GraphLists {
  /** Edges that were made, and those that had to go for them because a list was full. */
  readonly added: number;
  readonly displaced: number;
}

/** Lists as they grow: of `stride` places each. */
class Lists {
  readonly degrees: Uint32Array;
  readonly children: Uint32Array;
  readonly #places: Uint32Array;
  readonly #stride: number;
  readonly #childrenMax: number;
  added = 0;
  displaced = 0;

  constructor(degrees: Uint32Array, neighbours: Uint32Array, maxDegree: number) {
    this.degrees = degrees.slice();
    this.children = new Uint32Array(degrees.length);
    this.#stride = maxDegree;
    this.#childrenMax = Math.floor(maxDegree / 2);
    this.#places = new Uint32Array(degrees.length * maxDegree);
    let at = 0;
    degrees.forEach((degree, row) => {
      this.#places.set(neighbours.subarray(at, at + degree), row * maxDegree);
      at += degree;
    });
  }

  neighboursOf(row: number): Uint32Array {
    const first = row * this.#stride;
    return this.#places.subarray(first, first + (this.degrees[row] as number));
  }

  mayHaveChild(row: number): boolean {
    return (this.children[row] as number) < this.#childrenMax;
  }

  hasRoom(row: number): boolean {
    return (this.degrees[row] as number) < this.#stride;
  }

  /** The neighbour at `place` becomes a tree edge, behind those there are; the others keep their order. */
  adopt(row: number, place: number): void {
    const list = this.neighboursOf(row);
    const child = list[place] as number;
    const at = this.children[row] as number;
    list.copyWithin(at + 1, at, place);
    list[at] = child;
    this.children[row] = at + 1;
  }

  /** An edge that was not there, or was and is now the last: it becomes a tree edge. */
  append(row: number, child: number): void {
    this.added++;
    if (this.hasRoom(row)) this.degrees[row] = (this.degrees[row] as number) + 1;
    else this.displaced++;
    const list = this.neighboursOf(row);
    list[list.length - 1] = child;
    this.adopt(row, list.length - 1);
  }

  all(): Uint32Array {
    const all = new Uint32Array(this.degrees.reduce((sum, degree) => sum + degree, 0));
    let at = 0;
    for (let row = 0; row < this.degrees.length; row++) {
      const list = this.neighboursOf(row);
      all.set(list, at);
      at += list.length;
    }
    return all;
  }
}

/** Lists are clean: no neighbour twice, none is the row itself, none longer than `maxDegree`, which is at least 4. */
export function hangRows(
  degrees: Uint32Array,
  neighbours: Uint32Array,
  entry: number,
  maxDegree: number,
): Hung {
  const rows = degrees.length;
  const lists = new Lists(degrees, neighbours, maxDegree);
  const found = new Uint8Array(rows);
  const queue = new Uint32Array(rows);
  let count = 0;
  const find = (row: number): void => {
    found[row] = 1;
    queue[count++] = row;
  };
  let expanded = 0;
  const expand = (): void => {
    for (; expanded < count; expanded++) {
      const row = queue[expanded] as number;
      const list = lists.neighboursOf(row);
      for (let place = 0; place < list.length && lists.mayHaveChild(row); place++) {
        const child = list[place] as number;
        if (found[child]) continue;
        lists.adopt(row, place);
        find(child);
      }
    }
  };
  let roomy = 0;
  /** Where a row is hung that nobody leads to: a neighbour of its own, since it is near, else the first that has room. */
  const parentFor = (row: number): number => {
    const near = lists.neighboursOf(row).filter((other) => found[other] && lists.mayHaveChild(other));
    const parent = near.find((other) => lists.hasRoom(other)) ?? near[0];
    if (parent !== undefined) return parent;
    while (!lists.mayHaveChild(queue[roomy] as number)) roomy++;
    return queue[roomy] as number;
  };
  find(entry);
  for (let row = 0; row < rows; row++) {
    expand();
    if (found[row]) continue;
    lists.append(parentFor(row), row);
    find(row);
  }
  expand();
  const { children, added, displaced } = lists;
  return { degrees: lists.degrees, children, neighbours: lists.all(), added, displaced };
}
