/**
 * Searches an index that lies in the browser's own storage, in a worker, and shows what it reads there. The index is built here, or fetched, or
 * dropped into the page; the next visit opens it again.
 */

import { axes, passages } from "virtual:passages";
import { type SearchHits, VectorIndex } from "diskann/worker";
import { project } from "../text/axes.mjs";
import { LexicalEmbedder } from "../text/embedder.mjs";
import { showWork } from "./chart.js";
import { showFacts, showHits, showMessage, showProgress, showSuggestions } from "./view.js";

const SUGGESTIONS = [
  "draw a progress bar",
  "options that may be left out",
  "keep the least recently used entries",
  "compile an addon on Windows",
];
const TEXTS_A_TURN = 40;
/** OPFS, or IndexedDB where there is none. Beside it, in localStorage, what it is. */
const PLACE = "browser:passages.diskann";
/** Small, so that there is something to see. */
const CACHE_BYTES = 2 ** 18;

const find = <T extends Element>(selector: string) => document.querySelector<T>(selector)!;
const question = find<HTMLInputElement>("#question");
const controls = [...document.querySelectorAll<HTMLButtonElement | HTMLInputElement>("button, input")];

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
const nextTurn = () => new Promise((resolve) => setTimeout(resolve));
const onProgress = ({ phase, done, total }: { phase: string; done: number; total: number }) =>
  showProgress(phase, done, total);

const texts = passages.map(({ package: from, heading, text }) => `${from} ${heading}\n${text}`);
const embedder = new LexicalEmbedder(texts);
const directions = Float32Array.from(axes);
const embed = (text: string) => project(directions, embedder.embed(text));
let index: VectorIndex | undefined;

/** A few texts a turn, so that the page stays alive meanwhile. */
async function embedAll(): Promise<Float32Array[]> {
  const vectors: Float32Array[] = [];
  for (const text of texts) {
    vectors.push(embed(text));
    if (vectors.length % TEXTS_A_TURN > 0) continue;
    showProgress("embed", vectors.length, texts.length);
    await nextTurn();
  }
  return vectors;
}

async function build(): Promise<void> {
  const rows = await embedAll();
  const dimensions = directions.length / embedder.embed("").length;
  const options = { dimensions, metric: "cosine", dataType: "f16", codes: "pq" } as const;
  const built = await VectorIndex.build(rows, { ...options, onProgress });
  await built.save(PLACE, { onProgress });
  await built.close();
}

async function bring(source: URL | File): Promise<void> {
  await VectorIndex.import(source, PLACE, { onProgress });
}

/** Opens what lies there, where it lies; false if nothing does. */
async function openKept(): Promise<boolean> {
  const name = localStorage.getItem(PLACE);
  if (name === null) return false;
  const began = performance.now();
  // A small file would go into memory: here it is to be read.
  const opened = await VectorIndex.open(PLACE, { mode: "paged", cacheBytes: CACHE_BYTES }).catch(
    () => undefined,
  );
  if (!opened) return false;
  index = opened;
  showIndex(opened, name, performance.now() - began);
  return true;
}

function showIndex(opened: VectorIndex, name: string, openedMs: number): void {
  const { size, layout, storage } = opened.stats();
  const kind = storage?.kind === "opfs" ? "OPFS" : storage?.kind === "idb" ? "IndexedDB" : "memory";
  showFacts({
    Vectors: size.toLocaleString("en"),
    File: megabytes(layout.fileBytes),
    "Kept in": kind,
    Quota: storage?.quota === undefined ? "not told" : `${megabytes(storage.usage ?? 0)} used`,
    "Kept when full": storage?.persisted ? "yes" : "no promise",
    "Opened in": `${openedMs.toFixed(0)} ms`,
  });
  showMessage("#kept", `${name}. A reload opens it again.`);
}

/** While an index is on its way nothing else can be asked for. */
async function work(name: string, make: () => Promise<void>): Promise<void> {
  setBusy(true);
  const before = index;
  index = undefined;
  try {
    // What lies there may not be open when it is replaced.
    await before?.close();
    await make();
    localStorage.setItem(PLACE, name);
  } catch (error) {
    showMessage("#summary", (error as Error).message);
  }
  await openKept();
  setBusy(false);
  await search();
}

function setBusy(busy: boolean): void {
  for (const control of controls) control.disabled = busy;
  document.body.dataset.state = busy ? "loading" : "ready";
}

/** Of an index of something else what is typed can only be a seed. */
function queryOf(asked: string, dimensions: number): Float32Array {
  const own = embed(asked);
  if (own.length === dimensions) return own;
  let state = [...asked].reduce((sum, char) => (sum * 31 + (char.codePointAt(0) ?? 0)) % 2147483647, 1);
  return Float32Array.from({ length: dimensions }, () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647 - 0.5;
  });
}

function showAnswer(asked: string, hits: SearchHits, { size, dimensions }: VectorIndex): void {
  const ours = size === passages.length && dimensions === embed("").length;
  showHits(
    hits.map(({ id, distance }) => {
      const passage = ours ? passages[id] : undefined;
      return { ...(passage ?? { package: `vector ${id}`, heading: "", text: "" }), distance };
    }),
    asked,
  );
}

async function search(): Promise<void> {
  const asked = question.value.trim();
  const searched = index;
  if (asked === "" || !searched) return showHits([], "");
  const query = queryOf(asked, searched.dimensions);
  const began = performance.now();
  const hits = await searched.search(query, { k: 8, counters: true });
  const ms = performance.now() - began;
  showWork(ms, hits.counters?.reads ?? 0, searched.stats().cache);
  if (asked !== question.value.trim()) return; // typed on meanwhile
  const size = searched.size.toLocaleString("en");
  showMessage("#summary", `${hits.length} nearest of ${size} in ${ms.toFixed(1)} ms`);
  showAnswer(asked, hits, searched);
}

const fromFile = (file: File | undefined) => file && work(`Brought from ${file.name}`, () => bring(file));
const fromPage = () => work("Built in this page", build);

addEventListener("unhandledrejection", ({ reason }) => showMessage("#phase", String(reason)));
addEventListener("dragover", (event) => event.preventDefault());
addEventListener("drop", (event) => {
  event.preventDefault();
  void fromFile(event.dataTransfer?.files[0]);
});
find<HTMLInputElement>("#file").addEventListener("change", ({ target }) => {
  void fromFile((target as HTMLInputElement).files?.[0]);
});
find("#build").addEventListener("click", fromPage);
find("#fetch").addEventListener("click", () =>
  work("Fetched, as it was built in Node", () => bring(new URL("passages.diskann", location.href))),
);
question.addEventListener("input", search);
showSuggestions(SUGGESTIONS, (text) => {
  question.value = text;
  void search();
});
question.placeholder = "Ask something";
if (await openKept()) setBusy(false);
else await fromPage();
question.focus();
