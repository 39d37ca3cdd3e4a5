/*
 * How long the event loop is held up while the addon works: build, add, save, toBytes, open of 30,000 x 128 vectors with
 * one thread, beside the same process doing nothing.
 *
 *     node tests/bench/event-loop.mjs [--json]
 *
 * A delay is what a timer of 1 ms is late by (perf_hooks.monitorEventLoopDelay). The idle control says what the machine
 * itself adds; on a machine that is busy with other things that is most of it.
 */
import { mkdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import { buildSync } from "esbuild";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const ROWS = 30_000;
const DIMENSIONS = 128;
const ADDED = 5_000;
const RESOLUTION_MS = 1;
const IDLE_MS = 3_000;

async function loadLibrary() {
  const folder = join(ROOT, "build/event-loop");
  mkdirSync(folder, { recursive: true });
  const outfile = join(folder, "native.mjs");
  buildSync({
    entryPoints: [join(ROOT, "ts/native.ts")],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    logLevel: "warning",
  });
  return import(pathToFileURL(outfile).href);
}

/** Points around 300 centres; what matters here is only that building takes a while. */
function makeRows(count) {
  const rows = new Float32Array(count * DIMENSIONS);
  let state = 1;
  const next = () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return state / 0x7fffffff;
  };
  const centres = Float32Array.from({ length: 300 * DIMENSIONS }, next);
  for (let row = 0; row < count; row++) {
    const centre = Math.floor(next() * 300) * DIMENSIONS;
    for (let i = 0; i < DIMENSIONS; i++) rows[row * DIMENSIONS + i] = centres[centre + i] + 0.3 * next();
  }
  return rows;
}

const milliseconds = (nanoseconds) => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS);

/** Runs `work` and says how late the loop was meanwhile. */
async function measure(name, work) {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  await sleep(50);
  histogram.enable();
  const began = performance.now();
  const result = await work();
  const ms = performance.now() - began;
  histogram.disable();
  const at = (percentile) => milliseconds(histogram.percentile(percentile));
  const line = { name, ms, samples: histogram.count, p50: at(50), p99: at(99), p999: at(99.9) };
  return { result, line: { ...line, max: milliseconds(histogram.max) } };
}

const { VectorIndex } = await loadLibrary();
const options = { dimensions: DIMENSIONS, threads: 1 };
const rows = makeRows(ROWS);
const added = makeRows(ADDED);
const path = join(tmpdir(), `diskann-event-loop-${process.pid}.diskann`);
const lines = [];
const note = ({ result, line }) => {
  lines.push(line);
  return result;
};

note(await measure("idle", () => sleep(IDLE_MS)));
const index = note(await measure("build", () => VectorIndex.build(rows, options)));
note(await measure("add", () => index.add(added)));
note(await measure("save", () => index.save(path)));
const bytes = note(await measure("toBytes", () => index.toBytes()));
const opened = note(await measure("open file", () => VectorIndex.open(path)));
const again = note(await measure("open bytes", () => VectorIndex.open(bytes)));
note(await measure("verify", () => opened.verify()));
note(
  await measure("close", async () => {
    for (const one of [index, opened, again]) await one.close();
  }),
);
note(await measure("idle again", () => sleep(IDLE_MS)));
rmSync(path, { force: true });

if (process.argv.includes("--json")) {
  console.log(JSON.stringify(lines));
} else {
  console.log(`event loop delay in ms, ${ROWS} x ${DIMENSIONS} f32, one thread`);
  console.log("what          took ms  samples     p50     p99   p99.9     max");
  for (const { name, ms, samples, ...delays } of lines) {
    const numbers = Object.values(delays).map((delay) => delay.toFixed(2).padStart(8));
    console.log(
      `${name.padEnd(11)} ${ms.toFixed(0).padStart(9)} ${String(samples).padStart(8)}${numbers.join("")}`,
    );
  }
}
