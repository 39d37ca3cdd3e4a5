/** Files of ids, one for each vector. */
import { DiskAnnError } from "../../core/errors.js";
import { InputFile } from "./files.js";

function invalid(path: string, what: string): DiskAnnError {
  return new DiskAnnError("ERR_INVALID_ARGUMENT", `${path}: ${what}`);
}

function checkId(path: string, value: unknown, place: string): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw invalid(path, `${place} is ${JSON.stringify(value)}, not an integer in 0 .. 2^53 - 1`);
}

function parseText(path: string, text: string): Float64Array {
  const lines = text.split(/\r?\n/);
  while (lines.length > 0 && lines.at(-1) === "") lines.pop();
  return Float64Array.from(lines, (line, i) => {
    const digits = line.trim();
    return checkId(path, /^\d+$/.test(digits) ? Number(digits) : line, `line ${i + 1}`);
  });
}

function parseJson(path: string, text: string): Float64Array {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw invalid(path, `not valid JSON: ${(cause as Error).message}`);
  }
  if (!Array.isArray(value)) throw invalid(path, "must be one JSON array of ids");
  return Float64Array.from(value, (id: unknown, i) => checkId(path, id, `element ${i}`));
}

/** `u32 count, u32 1`, then u32 or u64 ids; the size tells which. */
function parseBinary(path: string, bytes: Uint8Array): Float64Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = bytes.length >= 8 ? view.getUint32(0, true) : 0;
  const width = [4, 8].find((size) => bytes.length === 8 + count * size);
  if (bytes.length < 8 || view.getUint32(4, true) !== 1 || (width === undefined && count > 0))
    throw new DiskAnnError(
      "ERR_CORRUPT",
      `${path}: ${bytes.length} bytes are no list of ids: expected are u32 count, u32 1, then u32 or u64 ids`,
    );
  const ids = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const id = width === 8 ? Number(view.getBigUint64(8 + 8 * i, true)) : view.getUint32(8 + 4 * i, true);
    ids[i] = checkId(path, id, `id ${i}`);
  }
  return ids;
}

/** `.txt`: an id a line. `.json`: an array. `.bin`: see `parseBinary`. */
export async function readIds(path: string): Promise<Float64Array> {
  const parsers: Readonly<Record<string, (path: string, bytes: Uint8Array) => Float64Array>> = {
    txt: (name, bytes) => parseText(name, new TextDecoder().decode(bytes)),
    json: (name, bytes) => parseJson(name, new TextDecoder().decode(bytes)),
    bin: parseBinary,
  };
  const parse = parsers[path.slice(path.lastIndexOf(".") + 1).toLowerCase()];
  if (parse === undefined)
    throw invalid(path, "a file of ids must end in .txt (an id a line), .json (an array) or .bin");
  const file = await InputFile.open(path);
  try {
    return parse(path, await file.head(file.size));
  } finally {
    await file.close();
  }
}
