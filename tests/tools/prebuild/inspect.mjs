/* What a built addon is: its size, and the oldest system libraries that it runs on. */
import { spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import { which } from "../setup/shell.mjs";

/** An addon must be smaller than this. */
export const BYTES_MAX = 1_000_000;

/* Node 20 itself asks for glibc 2.28; an addon that asks for more would fail where Node runs. */
export const GLIBC_MAX = "2.28";

const asNumbers = (version) => version.split(".").map(Number);

/** Negative, 0 or positive, as `a` is older, the same or newer. */
export function compareVersions(a, b) {
  const [left, right] = [asNumbers(a), asNumbers(b)];
  for (let at = 0; at < Math.max(left.length, right.length); at++) {
    const difference = (left[at] ?? 0) - (right[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** The symbols with versions that an ELF file wants, { GLIBC: [{ version, symbol }], GLIBCXX: ... }; {} for others. */
export function wantedVersions(path) {
  const tools = ["objdump", "aarch64-linux-gnu-objdump"].filter((tool) => which(tool) !== undefined);
  for (const tool of tools) {
    const { status, stdout } = spawnSync(tool, ["-T", path], { encoding: "utf8", maxBuffer: 1 << 26 });
    if (status === 0) return parseVersions(stdout);
  }
  return {};
}

function parseVersions(text) {
  const found = {};
  for (const [, family, version, symbol] of text.matchAll(/\*UND\*.*?\(?([A-Z]+)_(\d[\d.]*)\)?\s+(\S+)$/gm)) {
    found[family] ??= [];
    found[family].push({ version, symbol });
  }
  return found;
}

const newest = (wanted) =>
  wanted
    .map(({ version }) => version)
    .sort(compareVersions)
    .at(-1);

/** { bytes, needs, problems }: what to print, and what must not be. */
export function inspect(path) {
  const { size: bytes } = statSync(path);
  const wanted = wantedVersions(path);
  const needs = Object.entries(wanted).map(([family, list]) => `${family} ${newest(list)}`);
  const problems = [];
  if (bytes >= BYTES_MAX) problems.push(`${bytes} bytes, must be below ${BYTES_MAX}`);
  const tooNew = (wanted.GLIBC ?? []).filter(({ version }) => compareVersions(version, GLIBC_MAX) > 0);
  if (tooNew.length > 0) {
    const names = tooNew.map(({ version, symbol }) => `${symbol} (${version})`);
    problems.push(`wants a glibc newer than ${GLIBC_MAX}: ${names.join(", ")}`);
  }
  if (wanted.GLIBCXX !== undefined) problems.push(`wants the system's libstdc++: ${newest(wanted.GLIBCXX)}`);
  return { bytes, needs: needs.sort(), problems };
}
