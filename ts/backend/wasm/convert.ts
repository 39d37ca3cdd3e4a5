/** An index made into another for a while, in the same instance. In a chunk of its own: few pages ask. */
import type { Control, CoreLayout } from "../backend.js";
import type { Core } from "./core.js";
import type { operate } from "./drive.js";
import type { Address } from "./exchange.js";

export async function withConverted<Result>(
  core: Core,
  index: Address,
  { codes, codeBytes, pageBytes }: CoreLayout,
  control: Control,
  run: typeof operate,
  use: (converted: Address) => Promise<Result>,
): Promise<Result> {
  const op = core.create((exports) => exports.convert_begin(index, codes, codeBytes, pageBytes));
  const take = (): Address => core.run((exports) => exports.convert_take(op)) >>> 0;
  const converted = await run(core, op, control, {}, take);
  try {
    return await use(converted);
  } finally {
    if (core.whole) core.run((exports) => exports.index_destroy(converted));
  }
}
