/** A folder of its own for every test file, removed at the end. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

export interface Scratch {
  readonly folder: string;
  path(name: string): string;
  write(name: string, bytes: Uint8Array | string): string;
}

export function scratchFolder(): Scratch {
  const folder = mkdtempSync(join(tmpdir(), "diskann-cli-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const path = (name: string): string => join(folder, name);
  return {
    folder,
    path,
    write(name, bytes) {
      writeFileSync(path(name), bytes);
      return path(name);
    },
  };
}

/** Bytes of numbers in the order written: `pack(["u32", 2, 3], ["f32", 1.5])`. */
export function pack(
  ...parts: (readonly ["u8" | "i8" | "u16" | "u32" | "i32" | "f32" | "u64", ...number[]])[]
): Uint8Array {
  const chunks = parts.map(([type, ...values]) => {
    switch (type) {
      case "u8":
        return Buffer.from(Uint8Array.from(values));
      case "i8":
        return Buffer.from(Int8Array.from(values).buffer);
      case "u16":
        return Buffer.from(Uint16Array.from(values).buffer);
      case "u32":
        return Buffer.from(Uint32Array.from(values).buffer);
      case "i32":
        return Buffer.from(Int32Array.from(values).buffer);
      case "f32":
        return Buffer.from(Float32Array.from(values).buffer);
      default:
        return Buffer.from(BigUint64Array.from(values, BigInt).buffer);
    }
  });
  return new Uint8Array(Buffer.concat(chunks));
}
