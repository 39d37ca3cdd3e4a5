import * as diskann from "diskann";
import * as inline from "diskann/inline";
import * as worker from "diskann/worker";
import { program } from "./program.mjs";

/** Turns that the page gets while it works. */
async function turnsDuring(work) {
  let turns = 0;
  const timer = setInterval(() => turns++, 0);
  const result = await work();
  clearInterval(timer);
  return { ...result, turns };
}

async function main() {
  const results = {};
  for (const [name, entry] of Object.entries({ diskann, inline, worker })) {
    results[name] = await turnsDuring(() => program(entry));
  }
  return results;
}

globalThis.result = main().catch((error) => ({ error: `${error?.stack ?? error}` }));
