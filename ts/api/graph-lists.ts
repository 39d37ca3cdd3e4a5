/** Lists of a graph that is there, on their way to a build. */
import type { BackendInsert } from "../backend/backend.js";
import { checkOptions, describe, invalid } from "../core/checks.js";
import { SLAB_BYTES } from "../core/constants.js";
import { nextTask } from "../core/task.js";
import type { GraphLists } from "../core/types.js";

function checkLists(graph: GraphLists, rows: number): void {
  checkOptions("graph", graph);
  for (const name of ["degrees", "children", "neighbours"] as const)
    if (!(graph[name] instanceof Uint32Array))
      throw invalid(`graph.${name} must be a Uint32Array, got ${describe(graph[name])}`);
  const { degrees, children, neighbours } = graph;
  if (degrees.length !== rows || children.length !== rows)
    throw invalid(
      `graph has lists of ${degrees.length} and children of ${children.length} rows, not of ${rows}`,
    );
  const edges = degrees.reduce((sum, degree) => sum + degree, 0);
  if (edges !== neighbours.length)
    throw invalid(`graph has ${neighbours.length} neighbours, but its degrees come to ${edges}`);
}

/** Gives a build the lists of all its rows, slab by slab. */
export async function giveLists(insert: BackendInsert, graph: GraphLists, rows: number): Promise<void> {
  checkLists(graph, rows);
  const { degrees, children, neighbours } = graph;
  for (let first = 0, at = 0; first < rows; ) {
    let end = first;
    let edges = 0;
    do edges += degrees[end++] as number;
    while (end < rows && 4 * (edges + 2 * (end - first)) < SLAB_BYTES);
    const lists = new Uint32Array(2 * (end - first) + edges);
    lists.set(degrees.subarray(first, end));
    lists.set(children.subarray(first, end), end - first);
    lists.set(neighbours.subarray(at, at + edges), 2 * (end - first));
    await insert.links(lists, end - first);
    first = end;
    at += edges;
    if (first < rows) await nextTask();
  }
}
