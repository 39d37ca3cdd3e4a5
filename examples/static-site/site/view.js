/** What the page shows. Texts go in as text, never as HTML. */

const TEXT_CHARACTERS = 220;
/** Height of all bars, at most, and of one with the gap below it. */
const BARS = 232;
const BAR = 8;
const LEFT = 4;
const SVG = "http://www.w3.org/2000/svg";

const find = (selector) => document.querySelector(selector);

function element(name, ...children) {
  const made = document.createElement(name);
  made.append(...children);
  return made;
}

function shape(name, attributes, text = "") {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  made.textContent = text;
  return made;
}

export function showText(selector, text) {
  find(selector).textContent = text;
}

export function showSuggestions(texts, choose) {
  for (const text of texts) {
    const button = element("button", text);
    button.type = "button";
    button.addEventListener("click", () => choose(text));
    find("#suggestions").append(button);
  }
}

/** A bar for each request, from its beginning to its end, one below the other. */
export function drawWaterfall(requests, began, ended) {
  const svg = find("#waterfall");
  const width = svg.clientWidth;
  const sorted = [...requests].sort((a, b) => a.startTime - b.startTime);
  const pitch = Math.min(BAR, BARS / Math.max(1, sorted.length));
  const height = Math.max(24, Math.ceil(sorted.length * pitch) + 26);
  const scale = (width - 2 * LEFT) / Math.max(1, ended - began);
  const x = (time) => LEFT + (time - began) * scale;
  const bars = sorted.map((entry, row) =>
    shape("rect", {
      x: x(entry.startTime).toFixed(1),
      y: (row * pitch + 2).toFixed(1),
      width: Math.max(2, (entry.responseEnd - entry.startTime) * scale).toFixed(1),
      height: (0.75 * pitch).toFixed(1),
      rx: pitch / 4,
    }),
  );
  const base = height - 20;
  const axis = shape("line", { x1: LEFT, x2: width - LEFT, y1: base, y2: base });
  const texts = [
    shape("text", { x: LEFT, y: height - 5 }, "0 ms"),
    shape(
      "text",
      { x: width - LEFT, y: height - 5, "text-anchor": "end" },
      `${(ended - began).toFixed(0)} ms`,
    ),
  ];
  if (sorted.length === 0)
    texts.push(shape("text", { x: width / 2, y: height - 5, "text-anchor": "middle" }, "all from memory"));
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("height", String(height));
  svg.replaceChildren(axis, ...bars, ...texts);
}

function shorten(text) {
  return text.length <= TEXT_CHARACTERS
    ? text
    : `${text.slice(0, TEXT_CHARACTERS).replace(/\s+\S*$/, "")} ...`;
}

export function showHits(hits, question) {
  const items = hits.map((hit) => {
    const where = element("span", hit.heading);
    where.className = "where";
    const distance = element("data", hit.distance.toFixed(3));
    distance.value = String(hit.distance);
    return element(
      "li",
      element("h2", element("span", hit.package), distance),
      where,
      element("p", shorten(hit.text)),
    );
  });
  const list = find("#hits");
  list.replaceChildren(...items);
  list.setAttribute("data-question", question);
}
