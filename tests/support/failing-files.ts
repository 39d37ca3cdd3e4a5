/** A disk with little room: files of `node:fs/promises` take so many bytes more, together, and then none. */
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

type Write = (bytes: Uint8Array, offset: number, length: number, position: number) => Promise<unknown>;

/** Returns the function that makes disks large again. */
export async function failingFiles(room: number): Promise<() => void> {
  const folder = await mkdtemp(join(tmpdir(), "diskann-"));
  const probe = await open(join(folder, "probe"), "w");
  const prototype = Object.getPrototypeOf(probe) as { write: Write };
  await probe.close();
  await rm(folder, { recursive: true });
  const { write } = prototype;
  let left = room;
  prototype.write = function (this: unknown, bytes, offset, length, position) {
    left -= length;
    if (left >= 0) return write.call(this, bytes, offset, length, position);
    return Promise.reject(
      Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" }),
    );
  };
  return () => {
    prototype.write = write;
  };
}
