/** The Markdown of installed packages, as passages. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { splitMarkdown } from "./passages.mjs";

/**
 * @typedef {import("./passages.mjs").Passage & { readonly package: string, readonly file: string }} PackagePassage
 */

/**
 * Every Markdown file below a folder, in an order that no file system decides; links are not followed.
 *
 * @param {string} folder
 * @returns {AsyncGenerator<string>}
 */
async function* markdownFiles(folder) {
  const entries = await readdir(folder, { withFileTypes: true });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* markdownFiles(path);
    else if (entry.isFile() && /\.(md|markdown)$/i.test(entry.name)) yield path;
  }
}

/** "a/node_modules/@b/c/docs/d.md" lies in @b/c. */
function packageOf(/** @type {string} */ path) {
  const rest = path.replaceAll("\\", "/").split("/node_modules/").at(-1) ?? "";
  const [first = "", second = ""] = rest.split("/");
  return first.startsWith("@") ? `${first}/${second}` : first;
}

/**
 * Reads all of node_modules. A passage that stands in several packages, such as a licence, is taken once.
 *
 * @param {string} nodeModules
 * @returns {Promise<{ files: number, passages: PackagePassage[] }>}
 */
export async function readPackages(nodeModules) {
  const seen = new Set();
  /** @type {PackagePassage[]} */
  const passages = [];
  let files = 0;
  for await (const file of markdownFiles(nodeModules)) {
    files++;
    for (const passage of splitMarkdown(await readFile(file, "utf8"))) {
      if (seen.has(passage.text)) continue;
      seen.add(passage.text);
      passages.push({ ...passage, package: packageOf(file), file });
    }
  }
  return { files, passages };
}

/** What is embedded of a passage: where it stands counts as much as what it says. */
export function textOf(/** @type {PackagePassage} */ passage) {
  return `${passage.package} ${passage.heading}\n${passage.text}`;
}
