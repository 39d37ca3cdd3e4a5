import * as diskann from "diskann";
import * as inline from "diskann/inline";
import * as native from "diskann/native";
import * as wasm from "diskann/wasm";
import * as worker from "diskann/worker";
import { program } from "./program.mjs";

const entries = { diskann, inline, native, wasm, worker };
const results = {};
for (const name of process.argv.slice(2)) results[name] = await program(entries[name]);
console.log(JSON.stringify(results));
