/**
 * What the suite needs of its surroundings: a way to name a test, and a subject. No test library is imported: the same
 * files run under vitest, in Deno and Bun, and in pages and workers of browsers.
 */
import type { VectorIndexEntry } from "../../ts/api/define.js";
import type { ProductQuantizerEntry } from "../../ts/api/define-pq.js";
import type { DataType, ErrorCode, FileHandleLike, IndexOptions } from "../../ts/core/types.js";

export type Entry = VectorIndexEntry<object>;
export type PqEntry = ProductQuantizerEntry<object>;
export type Index = Awaited<ReturnType<Entry["create"]>>;

/** A file system, where there is one. */
export interface Files {
  /** An empty folder for one test. */
  folder(): Promise<string>;
  join(...parts: string[]): string;
  read(path: string): Promise<Uint8Array>;
  write(path: string, bytes: Uint8Array): Promise<void>;
  list(folder: string): Promise<string[]>;
  url(path: string): URL;
}

/** One build of the library in one runtime. */
export interface Subject {
  readonly name: string;
  readonly VectorIndex: Entry;
  readonly backend: "native" | "wasm";
  /** Where the build has it: not in the worker entry. */
  readonly ProductQuantizer?: PqEntry | undefined;
  readonly files?: Files | undefined;
  /** What `subjectOf` made of it: indexes are of this type, and hold only what it can. Absent: floats. */
  readonly dataType?: DataType | undefined;
  /** A fresh handle in a browser's private file system. */
  readonly handle?: (() => Promise<FileHandleLike>) | undefined;
  /** Places of the browser's that an index can be saved to by address. */
  readonly places?: readonly ("opfs" | "idb")[] | undefined;
  /** Where a test puts files, and gets them from with faults: see `tests/support/file-server.ts`. */
  readonly server?: string | undefined;
}

/** The same build, with indexes of a type where a test names none. */
export function subjectOf(subject: Subject, dataType: DataType): Subject {
  const { create, build, open } = subject.VectorIndex;
  const statics: Pick<Entry, "create" | "build" | "open"> = {
    create: (options) => create(typed(options, dataType)),
    build: (vectors, options) => build(vectors, typed(options, dataType)),
    open,
  };
  const VectorIndex = Object.setPrototypeOf(statics, subject.VectorIndex) as Entry;
  return { ...subject, VectorIndex, dataType };
}

/** Options that are none are left for the index to refuse. */
function typed<Options extends IndexOptions>(options: Options, dataType: DataType): Options {
  return typeof options === "object" && options !== null ? { dataType, ...options } : options;
}

export type Test = (name: string, body: () => Promise<void>) => void;

export function fail(message: string): never {
  throw new Error(message);
}

export function ok(condition: unknown, message: string): void {
  if (!condition) fail(message);
}

/** More numbers than that are of no use to a reader. */
const SHOWN_MAX = 40;

function show(value: unknown): string {
  if (ArrayBuffer.isView(value)) {
    const numbers = Array.from(value as Uint8Array);
    const rest = numbers.length > SHOWN_MAX ? `, ... ${numbers.length} in all` : "";
    return `${value.constructor.name}(${numbers.slice(0, SHOWN_MAX).join(", ")}${rest})`;
  }
  return typeof value === "object" && value !== null ? JSON.stringify(value) : String(value);
}

function sameNumbers(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (!Object.is(a[i], b[i])) return false;
  return true;
}

function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  if (ArrayBuffer.isView(a)) return sameNumbers(a as Uint8Array, b as Uint8Array);
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every((key) => same((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]));
}

/** Where two arrays of equal length differ, and how often. */
function difference(actual: unknown, expected: unknown): string {
  if (!(ArrayBuffer.isView(actual) && ArrayBuffer.isView(expected))) return "";
  const [a, b] = [actual as Uint8Array, expected as Uint8Array];
  if (a.length !== b.length) return `; lengths ${b.length}, ${a.length}`;
  const places = Array.from(b.keys()).filter((i) => !Object.is(a[i], b[i]));
  const [first = 0] = places;
  return `; ${places.length} differ, from [${first}] (${b[first]}, ${a[first]}) to [${places.at(-1)}]`;
}

/** Deep, to the bit: NaN is NaN, -0 is not 0. */
export function equal(actual: unknown, expected: unknown, what = "value"): void {
  if (same(actual, expected)) return;
  fail(`${what}: expected ${show(expected)}, got ${show(actual)}${difference(actual, expected)}`);
}

/** What it rejects with, or throws. A call that throws instead of rejecting is an error of ours. */
export async function rejection(call: () => Promise<unknown>): Promise<unknown> {
  let promise: Promise<unknown>;
  try {
    promise = call();
  } catch (error) {
    return fail(`threw where it should have rejected: ${String(error)}`);
  }
  const settled = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if ("error" in settled) return settled.error;
  return fail(`resolved to ${show(settled.value)} where it should have rejected`);
}

interface TypedError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly added?: number;
  readonly row?: number;
  readonly page?: number;
}

/** It rejects with an error of ours that has this code, and a message that says it. */
export async function rejects(
  call: () => Promise<unknown>,
  code: ErrorCode,
  message: RegExp = /./,
): Promise<TypedError> {
  const error = (await rejection(call)) as TypedError & Error;
  if (error?.code !== code) fail(`expected ${code}, got ${error?.code ?? ""} ${String(error)}`);
  equal(error.name, "DiskAnnError", "name of the error");
  ok(error instanceof Error, "the error is an Error");
  ok(message.test(error.message), `the message "${error.message}" does not match ${message}`);
  return error;
}

export function throws(call: () => unknown, code: ErrorCode): void {
  try {
    call();
  } catch (error) {
    equal((error as TypedError).code, code, "code");
    return;
  }
  fail(`did not throw ${code}`);
}

/** Makes an index, hands it out, closes it. */
export async function withIndex(
  subject: Subject,
  options: IndexOptions & { rows?: Float32Array | undefined },
  body: (index: Index) => Promise<void>,
): Promise<void> {
  const { rows, ...rest } = options;
  const index = rows ? await subject.VectorIndex.build(rows, rest) : await subject.VectorIndex.create(rest);
  try {
    equal(index.dataType, rest.dataType ?? subject.dataType ?? "f32", "type");
    await body(index);
  } finally {
    await index.close();
  }
}

export function ids(hits: readonly { readonly id: number }[]): number[] {
  return hits.map((hit) => hit.id);
}

/** A few macrotasks: whatever could settle has settled. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setTimeout(resolve, 1));
}
