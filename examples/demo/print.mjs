/** How the demo words times and hits. */

const WIDTH = 100;

export const seconds = (/** @type {number} */ ms) => `${(ms / 1000).toFixed(1)} s`;
export const milliseconds = (/** @type {number} */ ms) => `${ms.toFixed(2)} ms`;

const short = (/** @type {string} */ text, /** @type {number} */ width) =>
  text.length <= width ? text : `${text.slice(0, width - 3)}...`;

/**
 * Two lines for each hit: where the passage stands, and how it begins.
 *
 * @param {readonly import("diskann/wasm").SearchHit[]} hits
 * @param {readonly import("../text/packages.mjs").PackagePassage[]} passages
 */
export function* hitLines(hits, passages) {
  for (const { id, distance } of hits) {
    const passage = passages[id];
    if (passage === undefined) continue;
    yield `  ${distance.toFixed(3)}  ${short(`${passage.package}: ${passage.heading}`, WIDTH)}`;
    yield `         ${short(passage.text, WIDTH)}`;
  }
}
