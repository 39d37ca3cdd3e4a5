/**
 * The label files beside an index of Microsoft's: text, line by line. They are checked and carried along; searches here know no labels.
 * A mistake is `ERR_CORRUPT`, with the number of its line.
 */
import { corrupt } from "./bin.js";

/** A label is a number; text has one by the map. */
export type Label = number;

function fail(what: string, line: number, why: string): never {
  throw corrupt(`${what}, line ${line + 1}: ${why}`);
}

/** The lines. `ended`: the last one too must end, since Microsoft's reader of disk indexes drops one that does not. */
function linesOf(bytes: Uint8Array, what: string, ended = false): string[] {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw corrupt(`${what}: it is not text in UTF-8`);
  }
  if (text === "") return [];
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  else if (ended) fail(what, lines.length - 1, "the last line does not end with a line feed");
  return lines.map((line) => (line.endsWith("\r") ? line.slice(0, -1) : line));
}

function readNumber(text: string, what: string, line: number): number {
  const trimmed = text.trim();
  if (!/^\d{1,10}$/.test(trimmed) || Number(trimmed) > 0xffffffff)
    fail(what, line, `${JSON.stringify(trimmed.slice(0, 40))} is no number from 0 to 4294967295`);
  return Number(trimmed);
}

/** `_labels.txt`: the labels of each point. A point without any makes Microsoft's tools give up. */
export function readLabels(bytes: Uint8Array, points?: number): Label[][] {
  const what = "the labels";
  const labels = linesOf(bytes, what, true).map((line, i) => {
    if (line.trim() === "") fail(what, i, "a point has no label");
    return line.split(",").map((label) => readNumber(label, what, i));
  });
  if (points !== undefined && labels.length !== points)
    throw corrupt(`${what}: ${labels.length} lines for ${points} points`);
  return labels;
}

/** `_labels_map.txt`: the number of each text. */
export function readLabelMap(bytes: Uint8Array): Map<string, Label> {
  const what = "the map of labels";
  const map = new Map<string, Label>();
  const numbers = new Set<Label>();
  linesOf(bytes, what).forEach((line, i) => {
    const tab = line.lastIndexOf("\t");
    if (tab <= 0) fail(what, i, "a text, a tab and a number are wanted");
    const label = readNumber(line.slice(tab + 1), what, i);
    const text = line.slice(0, tab);
    if (map.has(text) || numbers.has(label))
      fail(what, i, `${JSON.stringify(text)} or ${label} is there twice`);
    map.set(text, label);
    numbers.add(label);
  });
  return map;
}

/**
 * `_labels_to_medoids.txt`: where searches for a label start. Merged indexes have the label a second time, as if it were the first
 * medoid: it is kept as it stands, since it may be one.
 */
export function readMedoids(bytes: Uint8Array, points?: number): Map<Label, number[]> {
  const what = "the medoids of labels";
  const map = new Map<Label, number[]>();
  linesOf(bytes, what).forEach((line, i) => {
    const [label, ...medoids] = line.split(",").map((part) => readNumber(part, what, i)) as [
      number,
      ...number[],
    ];
    if (medoids.length === 0) fail(what, i, `label ${label} has no medoid`);
    if (map.has(label)) fail(what, i, `label ${label} is there twice`);
    const isEcho = (medoid: number, place: number): boolean =>
      place === 0 && medoid === label && medoids.length > 1;
    const wrong = medoids.find(
      (medoid, place) => points !== undefined && medoid >= points && !isEcho(medoid, place),
    );
    if (wrong !== undefined) fail(what, i, `point ${wrong} is named, but there are ${points}`);
    map.set(label, medoids);
  });
  return map;
}

/** `_universal_label.txt`: the label that all filters match. */
export function readUniversalLabel(bytes: Uint8Array): Label {
  const what = "the universal label";
  const lines = linesOf(bytes, what);
  if (lines.length !== 1) throw corrupt(`${what}: one line is wanted, it has ${lines.length}`);
  return readNumber(lines[0] as string, what, 0);
}

/** `_dummy_map.txt`: points that stand for others. */
export function readDummyMap(bytes: Uint8Array): Map<number, number> {
  const what = "the map of dummies";
  const map = new Map<number, number>();
  linesOf(bytes, what).forEach((line, i) => {
    const [dummy, real, ...more] = line.split(",").map((part) => readNumber(part, what, i));
    if (dummy === undefined || real === undefined || more.length > 0) fail(what, i, "two numbers are wanted");
    if (map.has(dummy)) fail(what, i, `point ${dummy} is there twice`);
    map.set(dummy, real);
  });
  return map;
}

/** Label files by what their names end with, and how each is checked for an index of so many points. */
export const LABEL_FILES: Readonly<Record<string, (bytes: Uint8Array, points: number) => unknown>> = {
  "_labels.txt": readLabels,
  "_raw_labels.txt": (bytes) => linesOf(bytes, "the raw labels"),
  "_labels_map.txt": readLabelMap,
  "_labels_to_medoids.txt": readMedoids,
  "_universal_label.txt": readUniversalLabel,
  "_dummy_map.txt": readDummyMap,
};
