/** A `FileSystemFileHandle` as a target; read it is as a `Blob`. */
import type { FileHandleLike } from "../core/types.js";
import { type ByteSink, ioError } from "./storage.js";

function copyOf(bytes: Uint8Array): ArrayBuffer {
  const copy = new ArrayBuffer(bytes.byteLength);
  new Uint8Array(copy).set(bytes);
  return copy;
}

/** A `FileSystemFileHandle`: `createWritable` writes to a swap file, `close` puts it in place at once. */
export async function handleSink(handle: FileHandleLike): Promise<ByteSink> {
  const guard = <T>(work: Promise<T>): Promise<T> =>
    work.catch((cause: unknown) => Promise.reject(ioError("cannot write to the file handle", cause)));
  const stream = await guard(handle.createWritable({ keepExistingData: false }));
  return {
    write: (position, bytes) => guard(stream.write({ type: "write", position, data: copyOf(bytes) })),
    sync: async () => {},
    commit: () => guard(stream.close()),
    abort: async (reason) => {
      await stream.abort?.(reason).catch(() => {});
    },
  };
}
