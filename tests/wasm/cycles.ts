/** Watching the instances that a backend makes, and the life of an index over and over. */
import { vi } from "vitest";
import type { Backend } from "../../ts/backend/backend.js";
import { generate } from "../support/generate.js";

export interface Watch {
  /** Instances made since. */
  readonly count: number;
  /** What the memory of the n-th of them has grown to. */
  memoryBytes(n: number): number;
  /** Makes the next search in the n-th of them trap. */
  breakNext(n: number): void;
}

/** An address outside any memory of the tests. */
const OUTSIDE = 0xffff_fff0;

/** Until `vi.restoreAllMocks`. */
export function watchInstances(): Watch {
  const memories: WebAssembly.Memory[] = [];
  const broken = new Set<number>();
  const instantiate = WebAssembly.instantiate.bind(WebAssembly) as (
    module: WebAssembly.Module,
    imports: WebAssembly.Imports,
  ) => Promise<WebAssembly.Instance>;
  const watched = async (module: WebAssembly.Module, imports: WebAssembly.Imports) => {
    const instance = await instantiate(module, imports);
    const n = memories.length;
    memories.push(instance.exports.memory as WebAssembly.Memory);
    const search = instance.exports.search as (...parameters: number[]) => number;
    const breakable = (...parameters: number[]) =>
      search(...(broken.has(n) ? [OUTSIDE, OUTSIDE, ...parameters.slice(2)] : parameters));
    return { exports: { ...instance.exports, search: breakable } };
  };
  vi.spyOn(WebAssembly, "instantiate").mockImplementation(watched as never);
  return {
    get count() {
      return memories.length;
    },
    memoryBytes: (n) => (memories[n] as WebAssembly.Memory).buffer.byteLength,
    breakNext: (n) => void broken.add(n),
  };
}

/** Open, search twice, close. */
export async function cycles(backend: Backend, bytes: Uint8Array, count: number): Promise<void> {
  const params = { k: 5, listSize: 30, beamWidth: 1, pageSearch: false };
  const query = generate({ dimensions: 16, rows: 1, stream: 1 });
  for (let i = 0; i < count; i++) {
    const index = await backend.open({ kind: "bytes", bytes }, {});
    await index.search(query, params);
    await index.searchExact(query, 5, {});
    await index.close();
  }
}
