/** The header of a NumPy array file (`.npy`), versions 1.0 to 3.0: two dimensions, C order. */
import { DiskAnnError } from "../../core/errors.js";
import type { ElementType } from "./elements.js";

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59] as const;
const DESCR_OF_TYPE: Readonly<Record<ElementType, string>> = {
  f32: "<f4",
  f16: "<f2",
  i8: "|i1",
  u8: "|u1",
  i32: "<i4",
  u32: "<u4",
};
const TYPE_OF_DESCR = new Map(
  Object.entries(DESCR_OF_TYPE).map(([type, descr]) => [descr, type as ElementType]),
);

/** A header that has room for any count, so that it can be rewritten when the rows are counted. */
const WRITTEN_HEADER_BYTES = 128;
/** More than a header of two dimensions can need; a larger length is damage. */
export const NPY_HEADER_BYTES_MAX = 65536;

export interface NpyHeader {
  readonly type: ElementType;
  readonly count: number;
  readonly dimensions: number;
  readonly dataOffset: number;
}

function corrupt(path: string, what: string): DiskAnnError {
  return new DiskAnnError("ERR_CORRUPT", `${path}: not a NumPy file: ${what}`);
}

function parseShape(path: string, text: string): [number, number] {
  const shape = text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
  if (!shape.every((part) => /^\d{1,15}$/.test(part))) throw corrupt(path, `its shape is (${text})`);
  if (shape.length !== 2)
    throw new DiskAnnError(
      "ERR_UNSUPPORTED",
      `${path}: the array has ${shape.length} dimensions; save a matrix with one vector a row: a.reshape(-1, d)`,
    );
  return [Number(shape[0]), Number(shape[1])];
}

function parseDescr(path: string, descr: string): ElementType {
  const type = TYPE_OF_DESCR.get(descr);
  if (type !== undefined) return type;
  throw new DiskAnnError(
    "ERR_UNSUPPORTED",
    `${path}: elements are ${descr}; readable are <f4 <f2 |i1 |u1: save it as a.astype('<f4')`,
  );
}

/** `head`: the first bytes of the file, `NPY_HEADER_BYTES_MAX` or all of it. */
export function parseNpyHeader(path: string, head: Uint8Array): NpyHeader {
  if (head.length < 10 || MAGIC.some((byte, i) => head[i] !== byte))
    throw corrupt(path, "its first bytes differ");
  const major = head[6] as number;
  if (major < 1 || major > 3)
    throw new DiskAnnError(
      "ERR_UNSUPPORTED",
      `${path}: NumPy format ${major}.${head[7]}; 1.0 to 3.0 are readable`,
    );
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const start = major === 1 ? 10 : 12;
  if (head.length < start) throw corrupt(path, "its header is cut off");
  const dataOffset = start + (major === 1 ? view.getUint16(8, true) : view.getUint32(8, true));
  if (dataOffset > head.length) throw corrupt(path, `its header ends at byte ${dataOffset}, beyond the file`);
  const text = new TextDecoder("utf-8").decode(head.subarray(start, dataOffset)).trim();
  const descr = /'descr'\s*:\s*'([^']*)'/.exec(text)?.[1];
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(text)?.[1];
  const shape = /'shape'\s*:\s*\(([^)]*)\)/.exec(text)?.[1];
  if (
    !text.startsWith("{") ||
    !text.endsWith("}") ||
    descr === undefined ||
    order === undefined ||
    shape === undefined
  )
    throw corrupt(path, "its header lacks descr, fortran_order or shape");
  if (order === "True")
    throw new DiskAnnError(
      "ERR_UNSUPPORTED",
      `${path}: the array is in Fortran order; save it as numpy.ascontiguousarray(a)`,
    );
  const [count, dimensions] = parseShape(path, shape);
  return { type: parseDescr(path, descr), count, dimensions, dataOffset };
}

/** A version 1.0 header of always the same length. */
export function npyHeader(type: ElementType, count: number, dimensions: number): Uint8Array {
  const dict = `{'descr': '${DESCR_OF_TYPE[type]}', 'fortran_order': False, 'shape': (${count}, ${dimensions}), }`;
  const bytes = new Uint8Array(WRITTEN_HEADER_BYTES).fill(0x20);
  bytes.set([...MAGIC, 1, 0, WRITTEN_HEADER_BYTES - 10, 0]);
  bytes.set(new TextEncoder().encode(dict), 10);
  bytes[WRITTEN_HEADER_BYTES - 1] = 0x0a;
  return bytes;
}
