/** Opens the index where it lies, on the server, and shows what each search reads of it. */
import { project } from "./axes.js";
import { VectorIndex } from "./diskann/wasm.js";
import { LexicalEmbedder } from "./embedder.js";
import { drawWaterfall, showHits, showSuggestions, showText } from "./view.js";

const SUGGESTIONS = [
  "draw a progress bar",
  "keep the least recently used entries",
  "parse command line options",
  "watch files for changes",
];
const HITS = 6;
const INDEX = new URL("docs.diskann", location.href);
const TEXTS = new URL("texts.bin", location.href);

/** What the browser fetched of the index, one entry for each request. */
const requests = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (entry.name === INDEX.href) requests.push(entry);
}).observe({ type: "resource", buffered: true });

const question = document.querySelector("#question");
const bytesOf = async (name) => (await fetch(name)).arrayBuffer();

const [index, weights, axes, ends] = await Promise.all([
  // What was read is kept by the browser: the next visit asks whether the index is still the same, and reads what is new.
  VectorIndex.open(INDEX, { mode: "paged", keepBytes: 2 ** 26 }),
  bytesOf("weights.u8"),
  bytesOf("axes.f32").then((bytes) => new Float32Array(bytes)),
  bytesOf("ends.u32").then((bytes) => new Uint32Array(bytes)),
]);
const embedder = LexicalEmbedder.fromWeights(new Uint8Array(weights));
const { layout } = index.stats();

/** The text of a hit: a part of a file, too. */
async function textOf(id) {
  const range = `bytes=${id > 0 ? ends[id - 1] : 0}-${ends[id] - 1}`;
  return (await fetch(TEXTS, { headers: { range } })).json();
}

/** Observers are told of requests a little later than these end. */
async function requestsSince(began, count) {
  for (
    let turn = 0;
    turn < 20 && requests.filter(({ startTime }) => startTime >= began).length < count;
    turn++
  )
    await new Promise((resolve) => setTimeout(resolve, 5));
  return requests.filter(({ startTime }) => startTime >= began);
}

async function search() {
  const asked = question.value.trim();
  if (asked === "") return;
  const began = performance.now();
  const hits = await index.search(project(axes, embedder.embed(asked)), { k: HITS, counters: true });
  const ended = performance.now();
  const { reads, bytesRead, rounds } = hits.counters;
  const texts = await Promise.all(hits.map(({ id }) => textOf(id)));
  const made = await requestsSince(began, reads > 0 ? 1 : 0);
  if (asked !== question.value.trim()) return; // typed on meanwhile
  showText("#requests", String(made.length));
  showText("#bytes", `${(bytesRead / 1000).toFixed(0)} KB`);
  showText("#rounds", String(rounds));
  showText("#time", `${(ended - began).toFixed(0)} ms`);
  const all = requests.reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0);
  const size = `${(layout.fileBytes / 1e6).toFixed(1)} MB`;
  const share = `${((100 * all) / layout.fileBytes).toFixed(0)}\u00a0%`;
  showText(
    "#share",
    `So far ${(all / 1e6).toFixed(2)} of ${size} were read, ${share}, with what opening takes. It is kept.`,
  );
  drawWaterfall(made, began, ended);
  showHits(
    hits.map(({ distance }, i) => ({ ...texts[i], distance })),
    asked,
  );
}

let timer;
question.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(search, 150);
});
showSuggestions(SUGGESTIONS, (text) => {
  question.value = text;
  void search();
});
question.placeholder = `Ask ${index.size.toLocaleString("en")} passages of documentation`;
question.disabled = false;
document.body.dataset.state = "ready";
question.focus();
