import { test } from "vitest";
import { expectFlat, WAYS } from "./cycles.js";

test.each(WAYS)("%s: memory stays flat over 100,000 cycles", (way) => expectFlat(way, 100_000));
