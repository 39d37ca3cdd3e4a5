/**
 * Reading vector files of any format in slabs, so that a file may be larger than memory. All formats have rows of
 * one size at fixed places; opening a file finds shape and places, and checks them against the size of the file.
 */
import { DiskAnnError } from "../../core/errors.js";
import {
  allocateElements,
  ELEMENT_BYTES,
  type Elements,
  type ElementType,
  elementsOver,
} from "./elements.js";
import { InputFile } from "./files.js";
import { type FormatKind, formatOf } from "./kinds.js";
import { NPY_HEADER_BYTES_MAX, parseNpyHeader } from "./npy.js";

const SLAB_BYTES = 4 << 20;

export interface ReadOptions {
  /** Element type of a `.bin` file, whose name does not tell; ignored where the name or the file tells. */
  readonly type?: ElementType | undefined;
  /** The type where neither name nor size tell, if the size allows it. */
  readonly fallback?: ElementType | undefined;
}

export interface RowRange {
  /** First row; default 0. */
  readonly start?: number;
  /** Row after the last; default all. */
  readonly end?: number;
  /** Slabs are read into this, each good until the next one: for those who must not leave memory to be collected. */
  readonly into?: ArrayBuffer | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Consecutive rows, row-major. */
export interface Slab {
  readonly first: number;
  readonly count: number;
  readonly elements: Elements;
}

/** Where the rows are: `prefix` bytes, then the elements, every `stride` bytes from `offset`. */
interface Shape {
  readonly type: ElementType;
  readonly count: number;
  readonly dimensions: number;
  readonly offset: number;
  readonly prefix: number;
}

export class VectorFile {
  readonly path: string;
  readonly extension: string;
  readonly type: ElementType;
  readonly count: number;
  readonly dimensions: number;
  readonly fileBytes: number;
  readonly #file: InputFile;
  readonly #offset: number;
  readonly #prefix: number;

  private constructor(file: InputFile, kind: FormatKind, shape: Shape) {
    this.path = file.path;
    this.extension = kind.extension;
    this.type = shape.type;
    this.count = shape.count;
    this.dimensions = shape.dimensions;
    this.fileBytes = file.size;
    this.#file = file;
    this.#offset = shape.offset;
    this.#prefix = shape.prefix;
  }

  /** Opens and checks a file; the caller closes it. */
  static async open(path: string, options: ReadOptions = {}): Promise<VectorFile> {
    const kind = formatOf(path);
    const file = await InputFile.open(path);
    try {
      return new VectorFile(file, kind, await readShape(file, kind, options));
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** All rows of a range, a few MB at a time. */
  async *slabs(range: RowRange = {}): AsyncGenerator<Slab, void, undefined> {
    const end = Math.min(range.end ?? this.count, this.count);
    const { into } = range;
    const rowsPerSlab = Math.max(1, Math.floor((into?.byteLength ?? SLAB_BYTES) / this.#stride));
    for (let first = range.start ?? 0; first < end; first += rowsPerSlab) {
      range.signal?.throwIfAborted();
      const count = Math.min(rowsPerSlab, end - first);
      yield { first, count, elements: await this.read(first, count, into) };
    }
  }

  /** `count` rows from `first`, which exist. */
  async read(first: number, count: number, into?: ArrayBuffer): Promise<Elements> {
    const stride = this.#stride;
    const fits = into !== undefined && count * stride <= into.byteLength;
    const buffer = fits ? new Uint8Array(into, 0, count * stride) : undefined;
    const bytes = await this.#file.read(this.#offset + first * stride, count * stride, buffer);
    const length = count * this.dimensions;
    if (this.#prefix === 0) return elementsOver(this.type, bytes.buffer, 0, length);
    return this.#withoutPrefixes(bytes, first, count);
  }

  /** Every row of a range in one array. */
  async readAll(range: RowRange = {}): Promise<Elements> {
    const start = Math.min(range.start ?? 0, this.count);
    const end = Math.min(range.end ?? this.count, this.count);
    const all = allocateElements(this.type, Math.max(0, end - start) * this.dimensions);
    for await (const slab of this.slabs(range))
      all.set(slab.elements, (slab.first - start) * this.dimensions);
    return all;
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  get #stride(): number {
    return this.#prefix + this.dimensions * ELEMENT_BYTES[this.type];
  }

  #withoutPrefixes(bytes: Uint8Array<ArrayBuffer>, first: number, count: number): Elements {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const stride = this.#stride;
    const rowBytes = stride - this.#prefix;
    for (let row = 0; row < count; row++) {
      const length = view.getInt32(row * stride, true);
      if (length !== this.dimensions)
        throw new DiskAnnError(
          "ERR_CORRUPT",
          `${this.path}: row ${first + row} says it has ${length} elements, the first row has ${this.dimensions}; ` +
            "rows must be of one length",
        );
      const start = row * stride + this.#prefix;
      bytes.copyWithin(row * rowBytes, start, start + rowBytes); // never over a row that is still to come
    }
    return elementsOver(this.type, bytes.buffer, 0, count * this.dimensions);
  }
}

function readShape(file: InputFile, kind: FormatKind, options: ReadOptions): Promise<Shape> {
  switch (kind.layout) {
    case "vecs":
      return vecsShape(file, kind.type as ElementType);
    case "bin":
      return binShape(file, kind, options);
    case "npy":
      return npyShape(file);
  }
}

async function vecsShape(file: InputFile, type: ElementType): Promise<Shape> {
  if (file.size < 4) throw new DiskAnnError("ERR_CORRUPT", `${file.path}: ${file.size} bytes hold no vector`);
  const dimensions = new DataView((await file.read(0, 4)).buffer).getInt32(0, true);
  const stride = 4 + dimensions * ELEMENT_BYTES[type];
  if (dimensions < 1 || stride > file.size)
    throw new DiskAnnError(
      "ERR_CORRUPT",
      `${file.path}: the first row says it has ${dimensions} elements, the file has ${file.size} bytes; ` +
        "is it really of this format?",
    );
  if (file.size % stride !== 0)
    throw new DiskAnnError(
      "ERR_CORRUPT",
      `${file.path}: ${file.size} bytes are no whole number of rows of ${stride} bytes (${dimensions} x ${type}); ` +
        "it is cut off or of another format",
    );
  return { type, count: file.size / stride, dimensions, offset: 0, prefix: 4 };
}

/** Element types of vectors that make a `.bin` file of this size. */
function typesBySize(size: number, count: number, dimensions: number): ElementType[] {
  const vectorTypes = ["f32", "f16", "i8", "u8"] as const;
  return vectorTypes.filter((type) => size === 8 + count * dimensions * ELEMENT_BYTES[type]);
}

/** The type of a `.bin` file that nobody names: what its size leaves, or the fallback among that. */
function guessType(
  fitting: readonly ElementType[],
  fallback: ElementType | undefined,
): ElementType | undefined {
  return fitting.length === 1 ? fitting[0] : fitting.find((type) => type === fallback);
}

async function binShape(file: InputFile, kind: FormatKind, options: ReadOptions): Promise<Shape> {
  const { path, size } = file;
  if (size < 8) throw new DiskAnnError("ERR_CORRUPT", `${path}: ${size} bytes are less than a header of 8`);
  const view = new DataView((await file.read(0, 8)).buffer);
  const count = view.getUint32(0, true);
  const dimensions = view.getUint32(4, true);
  if (dimensions < 1) throw new DiskAnnError("ERR_CORRUPT", `${path}: its header says 0 dimensions`);
  const fitting = typesBySize(size, count, dimensions);
  const type = kind.type ?? options.type ?? guessType(fitting, options.fallback);
  const header = `its header says ${count} x ${dimensions}`;
  if (type === undefined && fitting.length > 0)
    throw new DiskAnnError(
      "ERR_INVALID_ARGUMENT",
      `${path}: a .bin file does not tell its element type, and the size allows ${fitting.join(" and ")}: ` +
        `say which with --input-type ${fitting[0]}`,
    );
  if (type !== undefined && size === 8 + count * dimensions * ELEMENT_BYTES[type])
    return { type, count, dimensions, offset: 8, prefix: 0 };
  throw new DiskAnnError(
    "ERR_CORRUPT",
    `${path}: ${header}, ${misfit(type, size, count * dimensions, fitting)}`,
  );
}

function misfit(
  type: ElementType | undefined,
  size: number,
  elements: number,
  fitting: ElementType[],
): string {
  if (type === undefined)
    return `which fits its ${size} bytes with no element type; it is cut off or no vector file`;
  const expected = 8 + elements * ELEMENT_BYTES[type];
  const instead =
    fitting.length === 0 ? "it is cut off or no vector file" : `the size fits ${fitting.join(" or ")}`;
  return `${expected} bytes as ${type}, but it has ${size} bytes; ${instead}`;
}

async function npyShape(file: InputFile): Promise<Shape> {
  const header = parseNpyHeader(file.path, await file.head(NPY_HEADER_BYTES_MAX));
  const { type, count, dimensions, dataOffset } = header;
  const expected = dataOffset + count * dimensions * ELEMENT_BYTES[type];
  if (dimensions < 1) throw new DiskAnnError("ERR_CORRUPT", `${file.path}: its rows have no elements`);
  if (file.size !== expected)
    throw new DiskAnnError(
      "ERR_CORRUPT",
      `${file.path}: its header says ${count} x ${dimensions} ${type}, ${expected} bytes; the file has ${file.size}`,
    );
  return { type, count, dimensions, offset: dataOffset, prefix: 0 };
}
