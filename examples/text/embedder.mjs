/**
 * A small lexical embedder: texts that share words, or parts of words, get near vectors. No model, no download,
 * nothing random: equal texts give equal vectors. For real use take a trained model; the index does not mind where
 * vectors come from.
 *
 * 1. Features of a text: its words and their character 3-, 4- and 5-grams, hashed into 2^18 buckets.
 * 2. Weight of a feature: (1 + log(count)) * idf, where idf = log((texts + 1) / (texts with it + 1)).
 * 3. Random projection to 256 dimensions: every bucket adds +-weight to 16 dimensions that its hash names.
 * 4. Unit length.
 */

export const DIMENSIONS = 256;
const BUCKETS = 2 ** 18;
const GRAM_MIN = 3;
const GRAM_MAX = 5;
const TARGETS = 16;

/** One step of FNV-1a, the classic byte hash, over character codes. */
const step = (/** @type {number} */ hash, /** @type {number} */ code) => Math.imul(hash ^ code, 0x01000193);

/** Mixes all bits into all bits (the finisher of MurmurHash3). */
function mix(/** @type {number} */ value) {
  let h = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Lower case, accents off, runs of letters and digits. */
function wordsOf(/** @type {string} */ text) {
  const plain = text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  return plain.match(/[\p{L}\p{N}]+/gu) ?? [];
}

/** Weights are kept in these steps, so that a byte holds each and what is embedded by them elsewhere is the same. */
const STEPS = 16;

export class LexicalEmbedder {
  /** By bucket, in steps. */
  #idf = new Uint8Array(BUCKETS);
  // Counts of the text at hand: zeroed after use by way of #seen, which lists the buckets that are not zero.
  #counts = new Uint32Array(BUCKETS);
  /** @type {number[]} */
  #seen = [];

  /**
   * Learns which features are rare. The texts are read once.
   *
   * @param {Iterable<string>} texts
   */
  constructor(texts) {
    const containing = new Uint32Array(BUCKETS);
    let total = 0;
    for (const text of texts) {
      total++;
      this.#count(text, (bucket) => {
        containing[bucket] = (containing[bucket] ?? 0) + 1;
      });
    }
    this.#idf = Uint8Array.from(containing, (n) =>
      Math.min(255, Math.round(STEPS * Math.log((total + 1) / (n + 1)))),
    );
  }

  /** What was learnt, for `fromWeights`: 256 KB, of which most are the same. */
  get weights() {
    return this.#idf;
  }

  /** An embedder that learnt elsewhere. */
  static fromWeights(/** @type {Uint8Array<ArrayBuffer>} */ weights) {
    const embedder = new LexicalEmbedder([]);
    embedder.#idf = weights;
    return embedder;
  }

  /**
   * The vector of a text: 256 numbers of unit length, or zeros where nothing in it tells it from others.
   *
   * @param {string} text
   */
  embed(text) {
    const vector = new Float64Array(DIMENSIONS);
    this.#count(text, (bucket, count) => {
      const weight = ((1 + Math.log(count)) * (this.#idf[bucket] ?? 0)) / STEPS;
      for (let i = 0; i < TARGETS; i++) {
        const random = mix(bucket * TARGETS + i + 1);
        const at = random % DIMENSIONS;
        vector[at] = (vector[at] ?? 0) + (random >>> 31 === 1 ? weight : -weight);
      }
    });
    const length = Math.sqrt(vector.reduce((sum, x) => sum + x * x, 0));
    return Float32Array.from(vector, (x) => (length > 0 ? x / length : 0));
  }

  /**
   * Calls `visit` for every feature of a text, once.
   *
   * @param {string} text
   * @param {(bucket: number, count: number) => void} visit
   */
  #count(text, visit) {
    for (const word of wordsOf(text)) this.#countWord(` ${word} `);
    for (const bucket of this.#seen) {
      visit(bucket, this.#counts[bucket] ?? 0);
      this.#counts[bucket] = 0;
    }
    this.#seen.length = 0;
  }

  /** Spaces around the word tell its beginning and its end from its middle. */
  #countWord(/** @type {string} */ word) {
    let whole = 0x811c9dc5;
    for (let from = 0; from < word.length; from++) {
      whole = step(whole, word.charCodeAt(from));
      let hash = 0x811c9dc5;
      for (let n = 1; n <= GRAM_MAX && from + n <= word.length; n++) {
        hash = step(hash, word.charCodeAt(from + n - 1));
        if (n >= GRAM_MIN) this.#add(hash);
      }
    }
    if (word.length > GRAM_MAX) this.#add(whole);
  }

  #add(/** @type {number} */ hash) {
    const bucket = mix(hash) % BUCKETS;
    const count = this.#counts[bucket] ?? 0;
    if (count === 0) this.#seen.push(bucket);
    this.#counts[bucket] = count + 1;
  }
}
