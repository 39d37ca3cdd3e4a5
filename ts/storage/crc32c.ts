/** CRC-32C as `csrc/FORMAT.md` has it, for bytes that pass by where the core is not. */

const POLYNOMIAL = 0x82f63b78;
const SLICES = 8;

/** Table `s` has the state after a byte and `s` bytes of zeros. */
function makeTables(): Int32Array {
  const tables = new Int32Array(256 * SLICES);
  for (let byte = 0; byte < 256; byte++) {
    let state = byte;
    for (let bit = 0; bit < 8; bit++) state = state & 1 ? (state >>> 1) ^ POLYNOMIAL : state >>> 1;
    tables[byte] = state;
  }
  for (let i = 256; i < tables.length; i++) {
    const before = tables[i - 256] as number;
    tables[i] = (before >>> 8) ^ (tables[before & 255] as number);
  }
  return tables;
}

let tables: Int32Array | undefined;

/** Of `bytes`, behind those whose checksum is `before`. Eight bytes a step. */
export function crc32c(bytes: Uint8Array, before = 0): number {
  tables ??= makeTables();
  const t = tables;
  const n = bytes.length;
  const at = (i: number): number => t[i] as number;
  let state = ~before;
  let i = 0;
  for (; i + 8 <= n; i += 8) {
    const low =
      state ^
      ((bytes[i] as number) |
        ((bytes[i + 1] as number) << 8) |
        ((bytes[i + 2] as number) << 16) |
        ((bytes[i + 3] as number) << 24));
    state =
      at(1792 + (low & 255)) ^
      at(1536 + ((low >>> 8) & 255)) ^
      at(1280 + ((low >>> 16) & 255)) ^
      at(1024 + (low >>> 24)) ^
      at(768 + (bytes[i + 4] as number)) ^
      at(512 + (bytes[i + 5] as number)) ^
      at(256 + (bytes[i + 6] as number)) ^
      at(bytes[i + 7] as number);
  }
  for (; i < n; i++) state = (state >>> 8) ^ at((state ^ (bytes[i] as number)) & 255);
  return ~state >>> 0;
}
