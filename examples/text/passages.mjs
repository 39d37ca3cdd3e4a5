/** Markdown, cut into passages of a few sentences that know the headings they stand under. */

const PASSAGE_CHARACTERS = 600;
const PASSAGE_LETTERS_MIN = 40;

/**
 * @typedef {object} Passage
 * @property {string} heading the headings above it, outermost first: "Usage > Options"
 * @property {string} text    plain text
 */

/** Leaves what a reader would read: no images, addresses, tags or marks. */
function plain(/** @type {string} */ markdown) {
  return markdown
    .replace(/<!--[\s\S]*?-->/g, " ")
    .replace(/!\[[^\]]*\](\([^)]*\)|\[[^\]]*\])/g, " ")
    .replace(/\[([^\]]*)\](\([^)]*\)|\[[^\]]*\])/g, "$1")
    .replace(/^ {0,3}\[[^\]]+\]:\s*\S+.*$/gm, " ")
    .replace(/<\/?[a-z][^<>]*>/gi, " ")
    .replace(/https?:\/\/\S+/g, " ")
    .replace(/^[\s|:-]+$/gm, " ")
    .replace(/[*`|]+/g, " ")
    .replace(/^[\s>]*([-+] )?/gm, "")
    .replace(/\s+/g, " ")
    .trim();
}

/** Blocks of lines with the heading they begin; lines within a code fence are never headings. */
function* sectionsOf(/** @type {string} */ markdown) {
  /** @type {string[]} */
  const path = [];
  /** @type {string[]} */
  let lines = [];
  let fence = "";
  const section = () => ({ heading: path.filter(Boolean).join(" > "), lines });
  for (const line of markdown.split(/\r?\n/)) {
    const mark = /^ {0,3}(```+|~~~+)/.exec(line)?.[1];
    if (mark !== undefined && fence === "") fence = mark;
    else if (mark?.startsWith(fence)) fence = "";
    const heading = fence === "" ? /^ {0,3}(#{1,6})\s+(.*?)\s*#*$/.exec(line) : null;
    const underline = fence === "" && lines.at(-1)?.trim() ? /^ {0,3}(=+|--+)\s*$/.exec(line) : null;
    if (heading === null && underline === null) {
      if (mark === undefined) lines.push(line);
      continue;
    }
    const title = heading?.[2] ?? lines.pop() ?? "";
    const level = heading?.[1]?.length ?? (underline?.[1]?.startsWith("=") ? 1 : 2);
    yield section();
    path.length = Math.min(path.length, level - 1);
    path[level - 1] = plain(title);
    lines = [];
  }
  yield section();
}

/** Paragraphs, joined while they are short and cut between words where one is long. */
function* cut(/** @type {readonly string[]} */ lines) {
  let text = "";
  for (const paragraph of lines.join("\n").split(/\n\s*\n/)) {
    for (const word of plain(paragraph).split(" ")) {
      if (text.length + word.length > PASSAGE_CHARACTERS) {
        yield text.trim();
        text = "";
      }
      text += ` ${word}`;
    }
    if (text.length > PASSAGE_CHARACTERS / 2) {
      yield text.trim();
      text = "";
    }
  }
  yield text.trim();
}

/**
 * @param {string} markdown
 * @returns {Passage[]}
 */
export function splitMarkdown(markdown) {
  const body = markdown.replace(/^\uFEFF?---\n[\s\S]*?\n---\n/, "");
  const passages = [];
  for (const { heading, lines } of sectionsOf(body)) {
    for (const text of cut(lines)) {
      const letters = text.replace(/[^\p{L}]/gu, "").length;
      if (letters >= PASSAGE_LETTERS_MIN) passages.push({ heading, text });
    }
  }
  return passages;
}
