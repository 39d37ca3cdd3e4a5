/**
 * Whether bytes are those of an index, seen while they pass: lengths and checksums, as `csrc/FORMAT.md` has them in sections 2 and 3. What
 * records hold is looked at when it is opened.
 */
import { DiskAnnError } from "../core/errors.js";
import { crc32c } from "./crc32c.js";

const LAYOUT_VERSION = 1;
export const SUPERBLOCK_BYTES = 4096;
const MAGIC = "DISKANN\0";
const PAGE_BYTES_MIN = 4096;

const DO = "download it again, or build it again";

function corrupt(what: string, page?: number): DiskAnnError {
  const error = new DiskAnnError("ERR_CORRUPT", `not an undamaged index: ${what}; ${DO}`);
  if (page !== undefined) error.page = page;
  return error;
}

const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** How pages lie behind the superblock. */
export interface PagesShape {
  readonly pageBytes: number;
  /** Pages of the navigator come first; their numbers go on from those of the node pages. */
  readonly navigatorPages: number;
  readonly nodePages: number;
}

/** Checks the first 4096 bytes of a file of `size` bytes. */
export function checkSuperblock(bytes: Uint8Array, size: number): PagesShape {
  const view = viewOf(bytes);
  const magic = String.fromCharCode(...bytes.subarray(0, MAGIC.length));
  if (magic !== MAGIC) throw corrupt("the bytes are not an index");
  const checksum = crc32c(bytes.subarray(12), crc32c(bytes.subarray(0, 8)));
  if (view.getUint32(8, true) !== checksum) throw corrupt("the superblock is damaged");
  const version = view.getUint32(12, true);
  const features = view.getBigUint64(16, true);
  if (version !== LAYOUT_VERSION || features !== 0n)
    throw new DiskAnnError(
      "ERR_VERSION",
      `the file uses a layout version or a feature that this version of diskann does not know (${version !== LAYOUT_VERSION ? version : features}); upgrade diskann or build the index again`,
    );
  const pageBytes = view.getUint32(64, true);
  const whole = Number(view.getBigUint64(24, true)) === size;
  if (!whole || pageBytes < PAGE_BYTES_MIN || (size - SUPERBLOCK_BYTES) % pageBytes !== 0)
    throw corrupt("the file is shorter or longer than its superblock says");
  return {
    pageBytes,
    navigatorPages: view.getUint32(116, true) === 0 ? 0 : Number(view.getBigUint64(120, true)),
    nodePages: Number(view.getBigUint64(32, true)),
  };
}

/** The number of the page at a place of the file, from 0 behind the superblock. */
export function pageNumber(place: number, { navigatorPages, nodePages }: PagesShape): number {
  if (place < navigatorPages) return nodePages + place;
  return place - navigatorPages;
}

/** Checks a page by its own checksum, and that it is this one. */
export function checkPage(bytes: Uint8Array, page: number): void {
  const view = viewOf(bytes);
  if (view.getUint32(0, true) !== crc32c(bytes.subarray(4)))
    throw corrupt(`the checksum of a page does not match its bytes (page ${page})`, page);
  if (view.getUint32(4, true) !== 0 || view.getBigUint64(8, true) !== BigInt(page))
    throw corrupt(`a page has a wrong number (page ${page})`, page);
}
