/** Parts of a download in OPFS: files that are put in place by the browser, whole. */
import { handleSink } from "./handle.js";
import { folderOf, nameOf } from "./opfs.js";
import type { PartsHead, PartsStore } from "./parts.js";

const HEAD = "head";

export function opfsParts(path: string): PartsStore {
  const open = (create: boolean): Promise<FileSystemDirectoryHandle> =>
    folderOf(`${path}.import/${HEAD}`, create);
  const fileOf = async (name: string): Promise<File | undefined> => {
    try {
      return await (await (await open(false)).getFileHandle(name)).getFile();
    } catch (error) {
      if ((error as { name?: string }).name === "NotFoundError") return undefined;
      throw error;
    }
  };
  const write = async (name: string, bytes: Uint8Array): Promise<void> => {
    const file = await (await open(true)).getFileHandle(name, { create: true });
    const sink = await handleSink(file);
    try {
      await sink.write(0, bytes);
    } catch (error) {
      await sink.abort(error);
      throw error;
    }
    await sink.commit();
  };
  return {
    readHead: async () => {
      const text = await (await fileOf(HEAD))?.text();
      return text ? (JSON.parse(text) as PartsHead) : undefined;
    },
    writeHead: (head) => write(HEAD, new TextEncoder().encode(JSON.stringify(head))),
    lengths: async () => {
      const lengths: number[] = [];
      // An empty file is what is left of a part that was cut off.
      for (let size = 1; size > 0; ) {
        size = (await fileOf(String(lengths.length)))?.size ?? 0;
        if (size > 0) lengths.push(size);
      }
      return lengths;
    },
    read: async (part) => {
      const bytes = await (await fileOf(String(part)))?.arrayBuffer();
      return new Uint8Array(bytes ?? new ArrayBuffer(0));
    },
    write: (part, bytes) => write(String(part), bytes),
    remove: async () => {
      const folder = await folderOf(path, false).catch(() => undefined);
      await folder?.removeEntry(`${nameOf(path)}.import`, { recursive: true }).catch((error: unknown) => {
        if ((error as { name?: string }).name !== "NotFoundError") throw error;
      });
    },
    close: () => {},
  };
}
