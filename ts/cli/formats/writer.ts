/** Writing vector files of any format, rows at a time, whole or not at all. */
import { DiskAnnError } from "../../core/errors.js";
import { ELEMENT_BYTES, type Elements, type ElementType } from "./elements.js";
import { OutputFile } from "./files.js";
import { type FormatKind, formatOf } from "./kinds.js";
import { npyHeader } from "./npy.js";

const COUNT_MAX = 0xffffffff;

function header(kind: FormatKind, type: ElementType, count: number, dimensions: number): Uint8Array {
  if (kind.layout === "npy") return npyHeader(type, count, dimensions);
  if (kind.layout === "vecs") return new Uint8Array(0);
  return new Uint8Array(new Uint32Array([count, dimensions]).buffer);
}

/** The element type a file of this name will have; `ERR_INVALID_ARGUMENT` where the name says another one. */
export function outputType(path: string, asked: ElementType | undefined, fallback: ElementType): ElementType {
  const kind = formatOf(path);
  if (kind.type !== undefined && asked !== undefined && kind.type !== asked)
    throw new DiskAnnError(
      "ERR_INVALID_ARGUMENT",
      `${path}: a ${kind.extension} file holds ${kind.type}, not ${asked}; name it .bin or .npy, or leave out the type`,
    );
  return kind.type ?? asked ?? fallback;
}

export class VectorWriter {
  readonly type: ElementType;
  readonly dimensions: number;
  #count = 0;
  readonly #kind: FormatKind;
  readonly #file: OutputFile;

  private constructor(file: OutputFile, kind: FormatKind, type: ElementType, dimensions: number) {
    this.#file = file;
    this.#kind = kind;
    this.type = type;
    this.dimensions = dimensions;
  }

  /** Nothing appears under `path` before `commit`. */
  static async create(path: string, type: ElementType, dimensions: number): Promise<VectorWriter> {
    const kind = formatOf(path);
    outputType(path, type, type);
    const file = await OutputFile.create(path);
    const writer = new VectorWriter(file, kind, type, dimensions);
    await file.write(header(kind, type, 0, dimensions));
    return writer;
  }

  get count(): number {
    return this.#count;
  }

  /** Whole rows of the writer's type. */
  async write(elements: Elements): Promise<void> {
    const rows = elements.length / this.dimensions;
    if (!Number.isInteger(rows))
      throw new DiskAnnError("ERR_DIMENSION_MISMATCH", `${elements.length} elements are no whole rows`);
    if (this.#kind.layout !== "npy" && this.#count + rows > COUNT_MAX)
      throw new DiskAnnError(
        "ERR_UNSUPPORTED",
        `${this.#file.path}: this format holds ${COUNT_MAX} rows at most`,
      );
    const bytes = new Uint8Array(elements.buffer, elements.byteOffset, elements.byteLength);
    await this.#file.write(this.#kind.layout === "vecs" ? this.#prefixed(bytes, rows) : bytes);
    this.#count += rows;
  }

  async commit(): Promise<void> {
    const bytes = header(this.#kind, this.type, this.#count, this.dimensions);
    if (bytes.length > 0) await this.#file.write(bytes, 0);
    await this.#file.commit();
  }

  discard(): Promise<void> {
    return this.#file.discard();
  }

  #prefixed(bytes: Uint8Array, rows: number): Uint8Array {
    const rowBytes = this.dimensions * ELEMENT_BYTES[this.type];
    const out = new Uint8Array(rows * (4 + rowBytes));
    const view = new DataView(out.buffer);
    for (let row = 0; row < rows; row++) {
      const start = row * (4 + rowBytes);
      view.setInt32(start, this.dimensions, true);
      out.set(bytes.subarray(row * rowBytes, (row + 1) * rowBytes), start + 4);
    }
    return out;
  }
}

/** Writes one whole file. */
export async function writeVectors(
  path: string,
  type: ElementType,
  dimensions: number,
  elements: Elements,
): Promise<void> {
  const writer = await VectorWriter.create(path, type, dimensions);
  try {
    await writer.write(elements);
    await writer.commit();
  } catch (error) {
    await writer.discard();
    throw error;
  }
}
