#!/usr/bin/env node
/** The program `diskann`. */
import { readFileSync } from "node:fs";
import { main } from "./cli/main.js";

const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));

await main({
  version: manifest.version,
  engines: {
    auto: async () => (await import("./index.js")).VectorIndex,
    native: async () => (await import("./native.js")).VectorIndex,
    wasm: async () => (await import("./wasm.js")).VectorIndex,
  },
  quantizers: {
    auto: async () => (await import("./pq.js")).ProductQuantizer,
    native: async () => (await import("./pq-native.js")).ProductQuantizer,
    wasm: async () => (await import("./pq-wasm.js")).ProductQuantizer,
  },
});
