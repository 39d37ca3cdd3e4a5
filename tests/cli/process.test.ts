import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { vectorSource } from "../../ts/cli/commands/build.js";
import { runConvert } from "../../ts/cli/commands/convert.js";
import { createContext, Interrupted } from "../../ts/cli/context.js";
import { VectorFile, writeVectors } from "../../ts/cli/formats/index.js";
import { generate } from "../support/generate.js";
import { diskannCommand } from "./command.js";
import { DIMENSIONS, ROWS, writeFixture } from "./fixture.js";
import { scratchFolder } from "./scratch.js";

const scratch = scratchFolder();
const diskann = diskannCommand();
const here = { cwd: scratch.folder };
const ESCAPE = "\u001b";
const COMMANDS = ["build", "search", "benchmark", "convert", "info", "verify"];

beforeAll(async () => {
  await writeFixture(scratch.folder);
  await diskann.run(["build", "-i", "base.fvecs", "-o", "base.diskann", "--quiet"], here);
});

describe("help", () => {
  test("of the program names every command", async () => {
    const { code, stdout, stderr } = await diskann.run(["--help"], here);
    expect([code, stderr]).toEqual([0, ""]);
    for (const command of COMMANDS) expect(stdout).toContain(`  ${command} `);
    expect(stdout).toContain("Exit code: 0 done, 1 failed or damage found, 2 wrong usage.");
  });

  test.each(COMMANDS)("of %s has short and long flags and examples", async (command) => {
    const { code, stdout } = await diskann.run([command, "--help"], here);
    expect(code).toBe(0);
    expect(stdout).toMatch(/-h, --help/);
    expect(await diskann.run(["help", command], here)).toMatchObject({ code: 0, stdout });
    const examples = stdout.split("\n").filter((line) => line.includes(`  $ diskann ${command} `));
    expect(examples.length).toBeGreaterThan(0);
    for (const example of examples) {
      // They parse: what they lack here is their files.
      const outcome = await diskann.run(example.trim().split(" ").slice(2), { cwd: scratch.path("..") });
      expect([outcome.code, outcome.stderr], example).toEqual([1, expect.stringContaining("no such file")]);
    }
  });

  test("the version is that of the package", async () => {
    const { code, stdout } = await diskann.run(["--version"], here);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^\d+\.\d+\.\d+\n$/)]);
  });
});

describe("wrong usage ends with 2, tells what is wrong, writes nothing to standard output", () => {
  const build = ["build", "-i", "base.fvecs", "-o", "x.diskann"];
  const cases: readonly [string, string[], string][] = [
    ["no command", [], "Usage: diskann"],
    ["an unknown command", ["biuld"], "unknown command 'biuld'"],
    ["an unknown option", [...build, "--fast"], "unknown option '--fast'"],
    ["a missing option", ["build", "-i", "base.fvecs"], "required option '-o, --output <file>'"],
    ["a missing argument", ["info"], "missing required argument 'file'"],
    ["an argument too many", ["verify", "a", "b"], "too many arguments"],
    ["a degree too small", [...build, "-R", "3"], "whole number in 4 .. 512"],
    ["no number", [...build, "-L", "1e3"], "whole number in 1 .. 65535"],
    ["an alpha out of range", [...build, "--alpha", "2.5"], "number in 1 .. 2"],
    ["an unknown metric", [...build, "-m", "l3"], "Allowed choices are l2, cosine, ip, l1"],
    ["an unknown type", [...build, "--type", "f64"], "Allowed choices are"],
    ["k of 0", ["search", "-i", "a", "-q", "b", "-k", "0"], "whole number in 1 .. 65535"],
    [
      "a list that is none",
      ["benchmark", "-i", "a", "-q", "b", "-L", "10,,20"],
      "whole number in 1 .. 65535",
    ],
    ["an output of unknown kind", ["search", "-i", "a", "-q", "b", "-o", "x.csv"], ".ivecs or .bin or .json"],
    ["a plot that is no SVG", ["benchmark", "-i", "a", "-q", "b", "--plot", "x.png"], "must end in .svg"],
    [
      "an unknown backend",
      ["info", "base.diskann", "--backend", "gpu"],
      "Allowed choices are auto, native, wasm",
    ],
  ];
  test.each(cases)("%s", async (_what, args, message) => {
    const { code, stdout, stderr } = await diskann.run(args, here);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(message);
    expect(existsSync(scratch.path("x.diskann"))).toBe(false);
  });
});

describe("colour and terminals", () => {
  const build = ["build", "-i", "base.fvecs", "-o", "c.diskann"];

  test("none in pipes, none with NO_COLOR, some with FORCE_COLOR", async () => {
    for (const args of [build, ["verify", "base.diskann"], ["--help"], ["verify", "absent"]]) {
      const piped = await diskann.run(args, here);
      expect(piped.stdout + piped.stderr).not.toContain(ESCAPE);
    }
    const forced = await diskann.run(build, { ...here, env: { FORCE_COLOR: "1" } });
    expect(forced.stdout).toContain(`${ESCAPE}[32mbuilt${ESCAPE}[39m`);
    const both = await diskann.run(build, { ...here, env: { FORCE_COLOR: "1", NO_COLOR: "1" } });
    expect(both.stdout + both.stderr).not.toContain(ESCAPE);
  });

  /** Runs a command in a pseudo-terminal; all it writes comes together. */
  const inTerminal = (args: readonly string[], env: Readonly<Record<string, string>>): Promise<string> =>
    new Promise((resolve, reject) => {
      const command = [process.execPath, diskann.path, ...args].map((word) => `'${word}'`).join(" ");
      const child = spawn("script", ["-qec", command, "/dev/null"], {
        cwd: scratch.folder,
        env: { PATH: process.env.PATH ?? "", TERM: "xterm-256color", ...env },
      });
      let text = "";
      child.stdout.on("data", (bytes: Buffer) => {
        text += bytes.toString();
      });
      child.once("error", reject);
      child.once("close", () => resolve(text));
    });

  test("a terminal gets colours and a bar, and its cursor back", async () => {
    const text = await inTerminal(build, {});
    expect(text).toContain(`${ESCAPE}[32mbuilt${ESCAPE}[39m`);
    expect(text).toContain("█");
    expect(text.lastIndexOf(`${ESCAPE}[?25h`)).toBeGreaterThan(text.lastIndexOf(`${ESCAPE}[?25l`));
    const gray = await inTerminal(build, { NO_COLOR: "1" });
    expect(gray).toContain("█");
    expect(gray).not.toContain(`${ESCAPE}[3`);
  });

  test("--quiet says only the result, --json only JSON", async () => {
    const quiet = await diskann.run([...build, "--quiet"], here);
    expect(quiet.stderr).toBe("");
    expect(quiet.stdout).toContain("built c.diskann");
    const json = await diskann.run(["verify", "base.diskann", "--json"], here);
    expect(JSON.parse(json.stdout)).toMatchObject({ ok: true });
  });
});

test("vectors go in whole or row by row, and are the same", async () => {
  const file = await VectorFile.open(scratch.path("base.u8bin"));
  const { signal } = new AbortController();
  const read: number[] = [];
  const whole = await vectorSource(file, "f32", signal, (rows) => read.push(rows));
  const streamed = await vectorSource(file, "f32", signal, (rows) => read.push(rows), 1000);
  const rows: number[] = [];
  for await (const row of streamed as AsyncIterable<Float32Array>) {
    expect(row).toHaveLength(DIMENSIONS);
    rows.push(...row);
  }
  await file.close();
  expect(whole).toBeInstanceOf(Float32Array);
  expect(Float32Array.from(rows)).toEqual(whole);
  expect(read).toEqual([ROWS, ROWS]);
});

describe("interruption", () => {
  const leftovers = (): string[] => readdirSync(scratch.folder).filter((name) => /stop|\.tmp/.test(name));

  beforeAll(async () => {
    const values = generate({ dimensions: 64, rows: 40_000 });
    await writeVectors(scratch.path("large.fvecs"), "f32", 64, values);
  });

  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("%s during a build: exit code %i, no output, no temporary file", async (signal, exitCode) => {
    const args = ["build", "-i", "large.fvecs", "-o", "stop.diskann", "-L", "400", "--backend", "wasm"];
    const running = diskann.start(args, here);
    await running.said("linking: ");
    running.child.kill(signal);
    const { code, stdout, stderr } = await running.ended;
    expect([code, stdout]).toEqual([exitCode, ""]);
    expect(stderr).toContain("interrupted");
    expect(leftovers()).toEqual([]);
  });

  test("during a conversion: what was written so far goes", async () => {
    const controller = new AbortController();
    const sink = { write: () => true };
    const context = createContext({}, { stdout: sink, stderr: sink, env: {} }, controller.signal);
    let slabs = 0;
    const progress = {
      update: () => {
        slabs++;
        expect(leftovers()).toHaveLength(1);
        controller.abort(new Interrupted(130));
      },
      stop: () => undefined,
    };
    const noEngine = () => Promise.reject(new Error("no index is converted"));
    const options = { input: scratch.path("large.fvecs"), output: scratch.path("stop.npy"), skip: 0 };
    const conversion = runConvert(noEngine, options, { ...context, progress: async () => progress });
    await expect(conversion).rejects.toBeInstanceOf(Interrupted);
    expect(slabs).toBe(1);
    expect(leftovers()).toEqual([]);
  });

  test("a reader that stops early is no failure", async () => {
    const running = diskann.start(["search", "-i", "base.diskann", "-q", "base.fvecs", "-k", "100"], here);
    running.child.stdout.destroy();
    const { code, stderr } = await running.ended;
    expect(code, stderr).toBe(0);
  });
});
