import { expect, test } from "vitest";
import { runProgram } from "./child.js";

test("the garbage collector knows what an index weighs: indexes dropped without close are freed in time", async () => {
  const { code, out } = await runProgram("pressure", ["40"]);
  expect(code, out).toBe(0);
  const { peak, bytes } = JSON.parse(out) as { peak: number; bytes: number };
  expect(peak).toBeLessThan(bytes / 2);
});
