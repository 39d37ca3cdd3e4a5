/*
 * Writes the tables of CRC-32C: node tests/tools/crc32c-table.mjs
 *
 * csrc/simd/crc32c_table.h for the routine without help of the CPU, csrc/simd/crc32c_shift.h for those with it.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./sources.mjs";

const POLYNOMIAL = 0x82f63b78;
const SLICES = 8;
const PART_BYTES = 1360;

/** The state after `bits` zero bits. */
function shift(state, bits) {
  let shifted = state;
  for (let bit = 0; bit < bits; bit++) shifted = shifted & 1 ? (shifted >>> 1) ^ POLYNOMIAL : shifted >>> 1;
  return shifted >>> 0;
}

function formatWords(words, indent) {
  const lines = [];
  for (let at = 0; at < words.length; at += 8) {
    const row = words.slice(at, at + 8).map((word) => `0x${word.toString(16).padStart(8, "0")}`);
    lines.push(`${indent}${row.join(", ")},`);
  }
  return lines;
}

function sliceTable() {
  const lines = [
    "/*",
    " * Remainders for crc32c_slicing.c, written by tests/tools/crc32c-table.mjs: entry [k][b] is the state after byte",
    " * b and k zero bytes, from state 0. Polynomial 0x82f63b78 (Castagnoli, reflected).",
    " */",
    "#include <stdint.h>",
    "",
    `static const uint32_t crc32c_table[${SLICES}][256] = {`,
  ];
  for (let k = 0; k < SLICES; k++) {
    const slice = Array.from({ length: 256 }, (_, byte) => shift(byte, 8 * (k + 1)));
    lines.push("    {", ...formatWords(slice, "        "), "    },");
  }
  return [...lines, "};", ""].join("\n");
}

function shiftTable() {
  const words = Array.from({ length: 32 }, (_, bit) => shift((1 << bit) >>> 0, 8 * PART_BYTES));
  return [
    "/*",
    " * For crc32c_streams.h, written by tests/tools/crc32c-table.mjs: entry [i] is the state after CRC_PART_BYTES zero",
    " * bytes, from the state that has only bit i set.",
    " */",
    "#include <stdint.h>",
    "",
    `enum { CRC_PART_BYTES = ${PART_BYTES} };`,
    "static const uint32_t crc_shift[32] = {",
    ...formatWords(words, "    "),
    "};",
    "",
  ].join("\n");
}

writeFileSync(join(ROOT, "csrc/simd/crc32c_table.h"), sliceTable());
writeFileSync(join(ROOT, "csrc/simd/crc32c_shift.h"), shiftTable());
