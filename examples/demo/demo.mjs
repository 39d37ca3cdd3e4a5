/**
 * Search in the documentation of the installed packages: `npm run demo`, or with questions of your own
 * `npm run demo -- "cancel a request" "parse arguments"`.
 *
 * Reads their Markdown, cuts it into passages, embeds those, builds an index, saves it, and opens that one file with
 * the native addon and with WebAssembly. Both answer the same questions; both are held against brute force.
 */
import { mkdir, stat } from "node:fs/promises";
import { dirname, relative } from "node:path";
import { fileURLToPath } from "node:url";
import cliProgress from "cli-progress";
import { DIMENSIONS, LexicalEmbedder } from "../text/embedder.mjs";
import { readPackages, textOf } from "../text/packages.mjs";
import { hitLines, milliseconds, seconds } from "./print.mjs";

/**
 * @typedef {import("diskann/wasm").VectorIndex} VectorIndex
 * @typedef {Pick<typeof import("diskann/wasm").VectorIndex, "create" | "build" | "open">} VectorIndexClass
 * @typedef {{ readonly name: string, readonly VectorIndex: VectorIndexClass }} Backend
 */

const QUESTIONS = [
  "cancel a running request with an abort signal",
  "draw a progress bar in the terminal",
  "how do I parse command line arguments",
  "serve files from a web worker",
  "compile a native addon on Windows",
];
const SHOWN = 3;
const K = 10;
const SAMPLE = 200;
const SAMPLE_WORDS = 8;

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const FILE = fileURLToPath(new URL("../../build/demo/packages.diskann", import.meta.url));

/** The backends that work on this machine. @returns {Promise<Backend[]>} */
async function findBackends() {
  const entries = {
    native: () => import("diskann/native"),
    wasm: () => import("diskann/wasm"),
  };
  const found = [];
  for (const [name, load] of Object.entries(entries)) {
    try {
      const { VectorIndex } = await load();
      const probe = await VectorIndex.create({ dimensions: DIMENSIONS });
      console.log(`${name.padEnd(7)} is here, with ${probe.stats().simd} kernels`);
      await probe.close();
      found.push({ name, VectorIndex });
    } catch (error) {
      console.log(`${name.padEnd(7)} is left out: ${error instanceof Error ? error.message : error}`);
    }
  }
  return found;
}

async function readCorpus() {
  const started = performance.now();
  const { files, passages } = await readPackages(`${ROOT}node_modules`);
  const packages = new Set(passages.map((passage) => passage.package)).size;
  const took = seconds(performance.now() - started);
  console.log(`${files} Markdown files of ${packages} packages: ${passages.length} passages, ${took}`);
  return passages;
}

/** Row after row in one array. */
function embedAll(/** @type {LexicalEmbedder} */ embedder, /** @type {readonly string[]} */ texts) {
  const started = performance.now();
  const vectors = new Float32Array(texts.length * DIMENSIONS);
  texts.forEach((text, row) => {
    vectors.set(embedder.embed(text), row * DIMENSIONS);
  });
  console.log(`embedded into ${DIMENSIONS} dimensions each, ${seconds(performance.now() - started)}`);
  return vectors;
}

/** Draws the progress of a build on a terminal; elsewhere the bar keeps quiet. */
function progressBar() {
  const format = "building [{bar}] {percentage} % of {phase}, {value}/{total}";
  const options = { format, clearOnComplete: true, hideCursor: true };
  const bar = new cliProgress.SingleBar(options, cliProgress.Presets.shades_classic);
  let shown = "";
  const onProgress = (/** @type {import("diskann/wasm").ProgressEvent} */ { phase, done, total }) => {
    if (phase !== shown) bar.start(total, done, { phase });
    bar.setTotal(total); // it may grow within a phase
    bar.update(done);
    shown = phase;
  };
  return { onProgress, stop: () => bar.stop() };
}

async function buildAndSave(
  /** @type {Backend} */ { name, VectorIndex },
  /** @type {Float32Array} */ vectors,
) {
  const started = performance.now();
  const { onProgress, stop } = progressBar();
  const control = { dimensions: DIMENSIONS, metric: /** @type {const} */ ("cosine"), onProgress };
  const index = await VectorIndex.build(vectors, control).finally(stop);
  const { degree } = index.stats();
  const took = seconds(performance.now() - started);
  console.log(`built by ${name} in ${took}: ${degree.average.toFixed(1)} edges per passage on average`);
  await mkdir(dirname(FILE), { recursive: true });
  await index.save(FILE);
  await index.close();
  const size = ((await stat(FILE)).size / 1e6).toFixed(1);
  console.log(`saved as ${relative(ROOT, FILE)}, ${size} MB`);
}

/** Questions whose answers are counted: the first words of passages spread over the whole corpus. */
function sampleOf(/** @type {readonly { readonly text: string }[]} */ passages) {
  const stride = Math.max(1, Math.floor(passages.length / SAMPLE));
  return passages
    .filter((_, at) => at % stride === 0)
    .slice(0, SAMPLE)
    .map(({ text }) => text.split(" ").slice(0, SAMPLE_WORDS).join(" "));
}

/** The share of the true nearest that the graph finds; one that is as near as the last of them is right too. */
async function measureRecall(
  /** @type {VectorIndex} */ index,
  /** @type {readonly Float32Array[]} */ queries,
) {
  let right = 0;
  let wanted = 0;
  const spent = { graph: 0, scan: 0 };
  for (const query of queries) {
    const began = performance.now();
    const truth = await index.searchExact(query, { k: K });
    const between = performance.now();
    const hits = await index.search(query, { k: K });
    spent.scan += between - began;
    spent.graph += performance.now() - between;
    const farthest = truth.at(-1)?.distance ?? 0;
    right += hits.filter(({ distance }) => distance <= farthest).length;
    wanted += truth.length;
  }
  const each = { graph: spent.graph / queries.length, scan: spent.scan / queries.length };
  return { recall: right / wanted, each };
}

/** Opens the saved file with one backend and asks. Returns all answers, to be compared with another backend's. */
async function ask(/** @type {Backend} */ { name, VectorIndex }, /** @type {Asked} */ asked) {
  const started = performance.now();
  const index = await VectorIndex.open(FILE);
  const took = milliseconds(performance.now() - started);
  console.log(`\n--- ${name}: opened the file in ${took}, ${index.size} passages`);
  const answers = [];
  for (const question of asked.questions) {
    const query = asked.embedder.embed(question);
    const began = performance.now();
    const hits = await index.search(query, { k: K });
    console.log(`\n"${question}", ${milliseconds(performance.now() - began)}`);
    for (const line of hitLines(hits.slice(0, SHOWN), asked.passages)) console.log(line);
    answers.push(hits);
  }
  const queries = sampleOf(asked.passages).map((text) => asked.embedder.embed(text));
  const { recall, each } = await measureRecall(index, queries);
  const counted = `${queries.length} questions against brute force, ${name}`;
  console.log(`\nrecall@${K} ${recall.toFixed(3)}  ${counted}`);
  console.log(`one search ${milliseconds(each.graph)}, brute force ${milliseconds(each.scan)}, on average`);
  await index.close();
  return JSON.stringify(answers);
}

/**
 * @typedef {object} Asked
 * @property {LexicalEmbedder} embedder
 * @property {readonly import("../text/packages.mjs").PackagePassage[]} passages
 * @property {readonly string[]} questions
 */

async function main() {
  const backends = await findBackends();
  const [builder] = backends;
  if (builder === undefined) throw new Error("neither the addon nor WebAssembly works here");
  const passages = await readCorpus();
  const texts = passages.map(textOf);
  const embedder = new LexicalEmbedder(texts);
  await buildAndSave(builder, embedAll(embedder, texts));
  console.log("every search below walks the graph, however small the collection");
  const words = process.argv.slice(2);
  const asked = { embedder, passages, questions: words.length > 0 ? words : QUESTIONS };
  const answers = [];
  for (const backend of backends) answers.push(await ask(backend, asked));
  if (answers.length === 2) {
    if (answers[0] !== answers[1]) throw new Error("native and WebAssembly answer differently");
    console.log("\nnative and WebAssembly gave the same answers, to the last bit");
  }
}

await main();
