/** Which vector format a file has, by the end of its name. */
import { DiskAnnError } from "../../core/errors.js";
import type { ElementType } from "./elements.js";

/** `vecs`: each row led by its length. `bin`: count and dimensions, then rows. `npy`: NumPy. */
export type Layout = "vecs" | "bin" | "npy";

export interface FormatKind {
  readonly extension: string;
  readonly layout: Layout;
  /** Absent where the name does not tell. */
  readonly type?: ElementType;
}

const KINDS: readonly FormatKind[] = [
  { extension: ".fvecs", layout: "vecs", type: "f32" },
  { extension: ".bvecs", layout: "vecs", type: "u8" },
  { extension: ".ivecs", layout: "vecs", type: "i32" },
  { extension: ".fbin", layout: "bin", type: "f32" },
  { extension: ".f16bin", layout: "bin", type: "f16" },
  { extension: ".u8bin", layout: "bin", type: "u8" },
  { extension: ".i8bin", layout: "bin", type: "i8" },
  { extension: ".bin", layout: "bin" },
  { extension: ".npy", layout: "npy" },
];

export const EXTENSIONS: readonly string[] = KINDS.map((kind) => kind.extension);

/** The format, or undefined where the extension is none of ours. */
export function findFormat(path: string): FormatKind | undefined {
  const name = path.toLowerCase();
  return KINDS.find((kind) => name.endsWith(kind.extension));
}

export function formatOf(path: string): FormatKind {
  const kind = findFormat(path);
  if (kind !== undefined) return kind;
  throw new DiskAnnError(
    "ERR_INVALID_ARGUMENT",
    `${path}: unknown kind of vector file; the name must end in ${EXTENSIONS.join(" ")}`,
  );
}
