/** One face for a Web Worker and a worker_thread, from both sides. */
import { nodeModule } from "../core/node.js";

type Listener = (event: unknown) => void;

/** What is used of a Web `Worker`. */
export interface WebWorkerLike {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
  addEventListener(type: string, listener: Listener): void;
  removeEventListener(type: string, listener: Listener): void;
  terminate(): unknown;
}

/** What is used of `Worker` of `node:worker_threads`. */
export interface ThreadLike {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
  on(event: string, listener: Listener): unknown;
  off(event: string, listener: Listener): unknown;
  ref(): unknown;
  unref(): unknown;
  terminate(): unknown;
}

export type WorkerLike = WebWorkerLike | ThreadLike;

export interface Port {
  post(message: unknown, transfer: ArrayBuffer[]): void;
  /** Whether an idle worker keeps the process alive. */
  hold(held: boolean): void;
  end(): void;
}

export interface PortEvents {
  message(data: unknown): void;
  /** It ended, or could not start: no message follows. */
  death(why: string): void;
}

function isThread(worker: WorkerLike): worker is ThreadLike {
  return (
    typeof (worker as Partial<ThreadLike>).on === "function" &&
    typeof (worker as Partial<ThreadLike>).off === "function"
  );
}

export function isWorker(value: unknown): value is WorkerLike {
  const like = value as Partial<WebWorkerLike & ThreadLike> | null;
  if (typeof like !== "object" || like === null || typeof like.postMessage !== "function") return false;
  return typeof like.addEventListener === "function" || typeof like.on === "function";
}

function textOf(event: unknown): string {
  const { message, error } = event as { message?: unknown; error?: unknown };
  if (typeof message === "string" && message !== "") return message;
  if (error instanceof Error) return error.message;
  return "its script could not be loaded";
}

export function portOf(worker: WorkerLike, events: PortEvents): Port {
  return isThread(worker) ? threadPort(worker, events) : webPort(worker, events);
}

function threadPort(worker: ThreadLike, events: PortEvents): Port {
  const listeners: [string, Listener][] = [
    ["message", (data) => events.message(data)],
    ["messageerror", (error) => events.death(textOf(error))],
    ["error", (error) => events.death(textOf(error))],
    ["exit", (code) => events.death(`it exited with code ${String(code)}`)],
  ];
  for (const [name, listener] of listeners) worker.on(name, listener);
  return {
    post: (message, transfer) => worker.postMessage(message, transfer),
    hold: (held) => void (held ? worker.ref() : worker.unref()),
    end: () => void worker.terminate(),
  };
}

function webPort(worker: WebWorkerLike, events: PortEvents): Port {
  worker.addEventListener("message", (event) => events.message((event as { data: unknown }).data));
  worker.addEventListener("messageerror", (event) => events.death(textOf(event)));
  worker.addEventListener("error", (event) => {
    (event as { preventDefault?: () => void }).preventDefault?.();
    events.death(textOf(event));
  });
  return {
    post: (message, transfer) => worker.postMessage(message, transfer),
    hold: () => {},
    end: () => void worker.terminate(),
  };
}

/** The worker's own end: posts to the page that made it, and hears from it. */
export interface InnerPort {
  post(message: unknown, transfer: ArrayBuffer[]): void;
  listen(listener: (data: unknown) => void): void;
}

interface WorkerScope {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
  addEventListener(type: "message", listener: (event: { data: unknown }) => void): void;
}

async function threadParent(): Promise<ThreadLike | undefined> {
  const { process } = globalThis as { process?: { versions?: { node?: string } } };
  if (typeof process?.versions?.node !== "string") return undefined;
  const { parentPort } = await nodeModule("node:worker_threads");
  return (parentPort as unknown as ThreadLike | null) ?? undefined;
}

/** Finds the page: a thread has a parent port, a Web Worker its global scope. */
export async function innerPort(): Promise<InnerPort> {
  const parent = await threadParent();
  if (parent) {
    return {
      post: (message, transfer) => parent.postMessage(message, transfer),
      listen: (listener) => void parent.on("message", listener),
    };
  }
  const scope = globalThis as unknown as WorkerScope;
  return {
    post: (message, transfer) => scope.postMessage(message, transfer),
    listen: (listener) => scope.addEventListener("message", ({ data }) => listener(data)),
  };
}
