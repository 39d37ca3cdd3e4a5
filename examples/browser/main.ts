/**
 * Embeds, indexes and searches the page's own texts; the index lives in a worker, so the page never waits, and is kept in the
 * browser's private file system, so that the next visit opens it instead of building it.
 */

import passages from "virtual:passages";
import { VectorIndex } from "diskann/worker";
import { DIMENSIONS, LexicalEmbedder } from "../text/embedder.mjs";
import { showFact, showHits, showMessage, showProgress, showSuggestions } from "./view.js";

const SUGGESTIONS = [
  "draw a progress bar",
  "options that may be left out",
  "keep the least recently used entries",
  "compile an addon on Windows",
];
const TEXTS_A_TURN = 40;
/** Where the index is kept. Beside it, in localStorage, which texts it is of. */
const PLACE = "opfs:/passages.diskann";

const question = document.querySelector<HTMLInputElement>("#question")!;
const reopen = document.querySelector<HTMLButtonElement>("#reopen")!;
const download = document.querySelector<HTMLAnchorElement>("#download")!;

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
const milliseconds = (since: number) => `${(performance.now() - since).toFixed(1)} ms`;
const nextTurn = () => new Promise((resolve) => setTimeout(resolve));

/** A few texts a turn, so that the page stays alive meanwhile. */
async function embedAll(embedder: LexicalEmbedder, texts: readonly string[]): Promise<Float32Array> {
  const vectors = new Float32Array(texts.length * DIMENSIONS);
  for (const [row, text] of texts.entries()) {
    vectors.set(embedder.embed(text), row * DIMENSIONS);
    if (row % TEXTS_A_TURN > 0) continue;
    showProgress("Embedding", row, texts.length);
    await nextTurn();
  }
  return vectors;
}

async function build(texts: readonly string[], embedder: LexicalEmbedder): Promise<VectorIndex> {
  const vectors = await embedAll(embedder, texts);
  const started = performance.now();
  const index = await VectorIndex.build(vectors, {
    dimensions: DIMENSIONS,
    metric: "cosine",
    onProgress: ({ phase, done, total }) => showProgress(`Building (${phase})`, done, total),
  });
  showFact("Built in", milliseconds(started));
  return index;
}

/** The index of an earlier visit, if it was of the same texts and is still there. */
async function openKept(version: string): Promise<VectorIndex | undefined> {
  if (localStorage.getItem(PLACE) !== version) return undefined;
  const started = performance.now();
  const onProgress = ({ phase, done, total }: { phase: string; done: number; total: number }) =>
    showProgress(`Opening (${phase})`, done, total);
  const index = await VectorIndex.open(PLACE, { onProgress }).catch(() => undefined);
  if (index) showFact("Opened in", milliseconds(started));
  return index;
}

async function keep(version: string): Promise<void> {
  try {
    await index.save(PLACE);
    localStorage.setItem(PLACE, version);
    showMessage("#kept", `Kept as ${PLACE}: a reload opens it instead of building it`);
  } catch (error) {
    showMessage("#kept", `Not kept: ${(error as Error).message}`);
  }
}

async function hashOf(texts: readonly string[]): Promise<string> {
  const bytes = new TextEncoder().encode(texts.join("\0"));
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

addEventListener("error", ({ message }) => showMessage("#phase", message));
addEventListener("unhandledrejection", ({ reason }) => showMessage("#phase", String(reason)));

const texts = passages.map((passage) => `${passage.package} ${passage.heading}\n${passage.text}`);
const embedder = new LexicalEmbedder(texts);
const version = await hashOf(texts);
const kept = await openKept(version);
let index = kept ?? (await build(texts, embedder));
const { simd, layout } = index.stats();
showFact("Passages", index.size.toLocaleString("en"));
showFact("Index", megabytes(layout.fileBytes));
showFact("Runs in", `WebAssembly, ${simd}, in a worker`);
if (kept) showMessage("#kept", `Opened from ${PLACE}, where an earlier visit left it`);
else void keep(version);

async function search(): Promise<void> {
  const asked = question.value.trim();
  if (asked === "") return showHits([], "");
  const started = performance.now();
  const hits = await index.search(embedder.embed(asked), { k: 8 });
  if (asked !== question.value.trim()) return; // typed on meanwhile
  showMessage(
    "#summary",
    `${hits.length} nearest of ${index.size.toLocaleString("en")} in ${milliseconds(started)}`,
  );
  showHits(
    hits.flatMap(({ id, distance }) => {
      const passage = passages[id];
      return passage === undefined ? [] : [{ ...passage, distance }];
    }),
    asked,
  );
}

/** The bytes are those of a file: offer them as one, and go on with an index opened from them. */
async function saveAndReopen(): Promise<void> {
  reopen.disabled = true;
  const started = performance.now();
  const bytes = await index.toBytes();
  const saved = milliseconds(started);
  const opening = performance.now();
  const copy = await VectorIndex.open(bytes);
  showMessage(
    "#reopened",
    `${megabytes(bytes.length)} saved in ${saved}, opened in ${milliseconds(opening)}`,
  );
  const old = index;
  index = copy;
  await old.close();
  URL.revokeObjectURL(download.href);
  download.href = URL.createObjectURL(new Blob([new Uint8Array(bytes)]));
  download.hidden = false;
  reopen.disabled = false;
  await search();
}

question.addEventListener("input", search);
reopen.addEventListener("click", saveAndReopen);
showSuggestions(SUGGESTIONS, (text) => {
  question.value = text;
  void search();
});
question.placeholder = "Ask something";
question.disabled = false;
reopen.disabled = false;
document.body.dataset.state = "ready";
question.focus();
