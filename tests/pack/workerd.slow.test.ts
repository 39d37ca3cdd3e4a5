/** The published package in workerd, the runtime of Cloudflare Workers: bundled, the module compiled ahead of time. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, it } from "vitest";
import { DiskAnnError, VectorIndex } from "../../ts/wasm.js";
import { runtime } from "../tools/runtimes.mjs";
import { program } from "./apps/program.mjs";
import { type Installed, install } from "./installed.js";

/** The oldest date here has no FinalizationRegistry. */
const configOf = (date: string) => `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .main)],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const main :Workerd.Worker = (
  modules = [(name = "app.mjs", esModule = embed "app.mjs"), (name = "diskann.wasm", wasm = embed "diskann.wasm")],
  compatibilityDate = "${date}",
);
`;

let app: Installed;
let workerd = "";

beforeAll(async () => {
  [app, workerd] = await Promise.all([install({ withAddon: false }), runtime("workerd")]);
  await build({
    absWorkingDir: app.folder,
    entryPoints: ["workerd.mjs"],
    bundle: true,
    format: "esm",
    conditions: ["workerd"],
    external: ["./diskann.wasm"],
    outfile: join(app.folder, "app.mjs"),
  });
  await cp(join(app.package, "dist/diskann.wasm"), join(app.folder, "diskann.wasm"));
});
afterAll(() => app?.remove());

/** Starts it on any free port, and asks it once. */
async function answerAt(date: string): Promise<unknown> {
  await writeFile(join(app.folder, "config.capnp"), configOf(date));
  const words = ["serve", "--control-fd=3", "config.capnp"];
  const child = spawn(workerd, words, { cwd: app.folder, stdio: ["ignore", "inherit", "inherit", "pipe"] });
  try {
    const control = createInterface({ input: child.stdio[3] as NodeJS.ReadableStream });
    for await (const line of control) {
      const { event, port } = JSON.parse(line) as { event: string; port?: number };
      if (event === "listen") return await (await fetch(`http://127.0.0.1:${port}/`)).json();
    }
    throw new Error("workerd did not start");
  } finally {
    child.kill();
    await once(child, "exit");
  }
}

it.each(["2024-01-01", "2026-01-01"])("answers as everywhere, with the rules of %s", async (date) => {
  const { answers } = await program({ VectorIndex, DiskAnnError });
  expect(await answerAt(date)).toEqual({ result: { backend: "wasm", answers }, without: "ERR_IO" });
});
