/** Values of options, checked where they are parsed: what is wrong here is wrong usage. */
import { InvalidArgumentError } from "commander";

/** Queries of a self-check. */
export const CHECK_QUERIES_DEFAULT = 100;

function wholeNumber(text: string, min: number, max: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text.trim()) || value < min || value > max)
    throw new InvalidArgumentError(`It must be a whole number in ${min} .. ${max}.`);
  return value;
}

export function integer(min: number, max: number = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => wholeNumber(text, min, max);
}

export function oneOf(values: readonly number[]): (text: string) => number {
  return (text) => {
    if (!values.includes(Number(text)))
      throw new InvalidArgumentError(`It must be one of ${values.join(", ")}.`);
    return Number(text);
  };
}

export function decimal(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === "" || !(value >= min && value <= max))
      throw new InvalidArgumentError(`It must be a number in ${min} .. ${max}.`);
    return value;
  };
}

/** `10,20,50`: ascending order and no repetition are made, not asked for. */
export function integerList(min: number, max: number): (text: string) => readonly number[] {
  return (text) => {
    const values = text.split(",").map((part) => wholeNumber(part, min, max));
    return [...new Set(values)].sort((a, b) => a - b);
  };
}

/** A file name with one of some extensions. */
export function fileNamed(...extensions: readonly string[]): (text: string) => string {
  return (text) => {
    if (!extensions.some((extension) => text.toLowerCase().endsWith(extension)))
      throw new InvalidArgumentError(`Its name must end in ${extensions.join(" or ")}.`);
    return text;
  };
}

const UNITS = ["", "K", "M", "G", "T"];

/** `1000`, `16M`, `2GiB`: units are powers of 1024. */
export function byteCount(max: number): (text: string) => number {
  return (text) => {
    const [, digits = "", unit = ""] = /^(\d+)([KMGT]?)(?:i?B)?$/i.exec(text.trim()) ?? [];
    const value = Number(digits) * 1024 ** UNITS.indexOf(unit.toUpperCase());
    if (digits === "" || value > max)
      throw new InvalidArgumentError("It must be a number of bytes, at most 1T: 0, 500K, 16M, 2G.");
    return value;
  };
}
