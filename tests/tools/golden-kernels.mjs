/*
 * The golden vectors of the kernels: what every family must answer, to the bit.
 *
 *     node tests/tools/golden-kernels.mjs          # compares tests/golden/kernels.json with the rule
 *     node tests/tools/golden-kernels.mjs --write  # writes it
 *
 * This is a second statement of the lane rule of csrc/simd/simd.h, in JavaScript, where a float operation is a double
 * operation rounded once more (exact for + - * of floats). It was written from the rule, not from the kernels, and
 * does not run them. Write the file anew only when the rule itself changes, which changes what every saved index
 * was built with: the commit must say why. A family whose bits differ from the file is wrong, not the file.
 *
 * Inputs are not stored: `inputs` makes them from a seed, and tests/c/golden.h does the same in C.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const PATH = fileURLToPath(new URL("../golden/kernels.json", import.meta.url));
const LANES = 32;
const { fround } = Math;

/** splitmix64: a function that gives the next 64 bits as a BigInt. */
export function splitmix64(seed) {
  let state = BigInt(seed);
  const wrap = (value) => BigInt.asUintN(64, value);
  return () => {
    state = wrap(state + 0x9e3779b97f4a7c15n);
    let z = state;
    z = wrap((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
    z = wrap((z ^ (z >> 27n)) * 0x94d049bb133111ebn);
    return z ^ (z >> 31n);
  };
}

const word = new DataView(new ArrayBuffer(4));

function floatOf(bits) {
  word.setUint32(0, bits);
  return word.getFloat32(0);
}

function bitsOf(value) {
  word.setFloat32(0, value);
  return word.getUint32(0).toString(16).padStart(8, "0");
}

const sign = (draw) => Number(draw >> 63n) * 2 ** 31;
const mantissa = (draw) => Number(draw & 0x7fffffn);
const exponent = (draw, low, count) => (low + (Number((draw >> 32n) & 0xffffn) % count)) * 2 ** 23;

/** One element from 64 random bits. */
export const KINDS = {
  /** [-1, 1) in steps of 2^-23 */
  uniform: (draw) => (Number(draw >> 40n) - 2 ** 23) / 2 ** 23,
  /** 0 .. 255, as in image descriptors */
  bytes: (draw) => Number(draw & 255n),
  /** magnitudes of 2^-40 .. 2^40: sums that lose most of their terms, in an order that shows */
  wide: (draw) => floatOf(sign(draw) + exponent(draw, 87, 81) + mantissa(draw)),
  /** around 2^55: squares near the end of the range */
  huge: (draw) => floatOf(sign(draw) + exponent(draw, 177, 5) + mantissa(draw)),
  /** denormals of both signs; their products vanish */
  denormal: (draw) => floatOf(sign(draw) + mantissa(draw)),
  /** zeros of both signs, denormals, and ordinary numbers between */
  mixed: (draw) => {
    const pick = Number((draw >> 56n) & 3n);
    if (pick === 0) return floatOf(sign(draw));
    return pick === 1 ? floatOf(sign(draw) + mantissa(draw)) : KINDS.uniform(draw);
  },
};

/** The two vectors of a case; elements are drawn in turns: a[0], b[0], a[1], ... */
export function inputs({ kind, dims, seed }) {
  const next = splitmix64(seed);
  const a = new Float32Array(dims);
  const b = new Float32Array(dims);
  for (let i = 0; i < dims; i++) {
    a[i] = KINDS[kind](next());
    b[i] = KINDS[kind](next());
  }
  return { a, b };
}

const TERMS = {
  l2: (a, b) => fround(fround(a - b) * fround(a - b)),
  dot: (a, b) => fround(a * b),
  l1: (a, b) => Math.abs(fround(a - b)),
};

/** The lane rule. */
export function laneSum(sum, a, b) {
  const lanes = new Float32Array(LANES);
  for (let i = 0; i < a.length; i++) lanes[i % LANES] += TERMS[sum](a[i], b[i]);
  for (let half = LANES / 2; half >= 1; half /= 2) {
    for (let j = 0; j < half; j++) lanes[j] += lanes[j + half];
  }
  return lanes[0] === 0 ? 0 : lanes[0];
}

/** The value of a finite half, a u16. */
export function halfValue(half) {
  const exponent = (half >> 10) & 31;
  const magnitude = exponent === 0 ? (half & 1023) * 2 ** -24 : (1024 + (half & 1023)) * 2 ** (exponent - 25);
  return half & 0x8000 ? -magnitude : magnitude;
}

const byte = (draw) => Number(draw & 255n);

/**
 * Inputs of other types from 64 random bits. Rows of halves are searched with floats, `uniform` ones here; integers with
 * their own kind. An exponent of all ones is not finite and becomes a smaller one.
 */
export const TYPED_KINDS = {
  f16: {
    any: (draw) => {
      const half = Number(draw & 0xffffn);
      return (half & 0x7c00) === 0x7c00 ? half & 0xbfff : half;
    },
    subnormal: (draw) => Number(draw & 0x83ffn),
  },
  i8: {
    any: (draw) => byte(draw) - (byte(draw) > 127 ? 256 : 0),
    extreme: (draw) => (byte(draw) & 1 ? 127 : -128),
  },
  u8: { any: byte, extreme: (draw) => (byte(draw) & 1 ? 255 : 0) },
};

/** As `inputs`; `b` of type f16 are the bits of halves. */
export function typedInputs({ type, kind, dims, seed }) {
  const next = splitmix64(seed);
  const element = TYPED_KINDS[type][kind];
  const a = [];
  const b = [];
  for (let i = 0; i < dims; i++) {
    a.push(type === "f16" ? KINDS.uniform(next()) : element(next()));
    b.push(element(next()));
  }
  return { a, b };
}

/** Halves by the lane rule; integers exactly, rounded once. */
export function typedSum({ type, sum }, a, b) {
  if (type === "f16") return laneSum(sum, Float32Array.from(a), Float32Array.from(b, halfValue));
  const terms = { l2: (x, y) => (x - y) ** 2, dot: (x, y) => x * y, l1: (x, y) => Math.abs(x - y) };
  return fround(a.reduce((total, x, i) => total + terms[sum](x, b[i]), 0)) + 0;
}

/** CRC-32C bit by bit. */
export function crc32c(bytes) {
  let state = 0xffffffff;
  for (const byte of bytes) {
    state ^= byte;
    for (let bit = 0; bit < 8; bit++) state = state & 1 ? (state >>> 1) ^ 0x82f63b78 : state >>> 1;
  }
  return ~state >>> 0;
}

export function checksumInput({ bytes, seed }) {
  const next = splitmix64(seed);
  return Uint8Array.from({ length: bytes }, () => Number(next() & 255n));
}

const DIMS = [
  1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 32, 33, 47, 63, 64, 65, 96, 100, 128, 200, 300, 384, 768, 1536,
];
const TYPED_DIMS = [1, 3, 7, 16, 31, 33, 64, 100, 128, 384, 1536];
const CHECKSUM_BYTES = [0, 1, 7, 8, 9, 63, 64, 1000, 4080, 4092, 8188, 65532];

function makeTyped() {
  const typed = [];
  for (const [type, kinds] of Object.entries(TYPED_KINDS)) {
    for (const kind of Object.keys(kinds)) {
      for (const dims of TYPED_DIMS) {
        for (const sum of Object.keys(TERMS)) {
          const entry = { type, sum, kind, dims, seed: typed.length };
          const { a, b } = typedInputs(entry);
          typed.push({ ...entry, bits: bitsOf(typedSum(entry, a, b)) });
        }
      }
    }
  }
  return typed;
}

function makeGolden() {
  const sums = [];
  for (const kind of Object.keys(KINDS)) {
    for (const dims of DIMS) {
      for (const sum of Object.keys(TERMS)) {
        const seed = sums.length;
        const { a, b } = inputs({ kind, dims, seed });
        sums.push({ sum, kind, dims, seed, bits: bitsOf(laneSum(sum, a, b)) });
      }
    }
  }
  const checksums = CHECKSUM_BYTES.map((bytes, seed) => {
    const crc = crc32c(checksumInput({ bytes, seed }));
    return { checksum: "crc32c", bytes, seed, bits: crc.toString(16).padStart(8, "0") };
  });
  return { sums, typed: makeTyped(), checksums };
}

/** One case a line: tests/c/golden.h reads it line by line. */
function format({ sums, typed, checksums }) {
  const member = ([key, value]) => `"${key}": ${JSON.stringify(value)}`;
  const line = (entry) => `    { ${Object.entries(entry).map(member).join(", ")} }`;
  const block = (entries) => `[\n${entries.map(line).join(",\n")}\n  ]`;
  return `{\n  "sums": ${block(sums)},\n  "typed": ${block(typed)},\n  "checksums": ${block(checksums)}\n}\n`;
}

/** What the file holds. */
export function readGolden() {
  return JSON.parse(readFileSync(PATH, "utf8"));
}

function main() {
  const golden = makeGolden();
  if (process.argv.includes("--write")) {
    writeFileSync(PATH, format(golden));
    console.log(
      `${golden.sums.length + golden.typed.length} sums, ${golden.checksums.length} checksums written`,
    );
    return;
  }
  const same = JSON.stringify(golden) === JSON.stringify(readGolden());
  console.log(same ? "1 passed, 0 failed" : "the file differs from the rule\n0 passed, 1 failed");
  process.exitCode = same ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
