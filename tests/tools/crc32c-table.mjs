/* Writes csrc/simd/crc32c_table.h to standard output: node tests/tools/crc32c-table.mjs > csrc/simd/crc32c_table.h */

const POLYNOMIAL = 0x82f63b78;
const SLICES = 8;

const table = [new Uint32Array(256)];
for (let byte = 0; byte < 256; byte++) {
  let state = byte;
  for (let bit = 0; bit < 8; bit++) state = state & 1 ? (state >>> 1) ^ POLYNOMIAL : state >>> 1;
  table[0][byte] = state;
}
for (let k = 1; k < SLICES; k++) {
  table[k] = table[k - 1].map((state) => (state >>> 8) ^ table[0][state & 255]);
}

const lines = [
  "/*",
  " * Remainders for crc32c_slicing.c, written by tests/tools/crc32c-table.mjs: entry [k][b] is the state after byte b",
  " * and k zero bytes, from state 0. Polynomial 0x82f63b78 (Castagnoli, reflected).",
  " */",
  `static const uint32_t crc32c_table[${SLICES}][256] = {`,
];
for (const slice of table) {
  lines.push("    {");
  for (let at = 0; at < 256; at += 8) {
    const words = [...slice.subarray(at, at + 8)].map((word) => `0x${word.toString(16).padStart(8, "0")}`);
    lines.push(`        ${words.join(", ")},`);
  }
  lines.push("    },");
}
lines.push("};", "");
process.stdout.write(lines.join("\n"));
