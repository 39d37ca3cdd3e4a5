/** An index with other codes or pages of another size. */
import { DiskAnnError } from "../../core/errors.js";
import type { Codes } from "../../core/types.js";
import { type Context, UsageError } from "../context.js";
import { type Engine, withIndex } from "../engine.js";
import { formatBytes, formatDuration } from "../terminal.js";
import type { ConvertOptions } from "./convert.js";

export interface LayoutOptions {
  readonly codes?: Codes;
  readonly codeBytes?: number;
  readonly pageBytes?: number;
}

/** What is for files of vectors only. */
function checkOptions(options: ConvertOptions): void {
  const { type, inputType, normalize, limit, skip } = options;
  const given = { type, "input-type": inputType, normalize, limit, skip: skip === 0 ? undefined : skip };
  for (const [name, value] of Object.entries(given))
    if (value !== undefined)
      throw new UsageError(`${options.input} is an index: --${name} is for files of vectors`);
}

export async function convertIndex(engine: Engine, options: ConvertOptions, context: Context): Promise<void> {
  checkOptions(options);
  const { input, output, codes, codeBytes, pageBytes } = options;
  const started = performance.now();
  await withIndex(engine, input, context, async (index) => {
    const progress = await context.progress();
    try {
      await index.save(output, {
        ...{ codes, codeBytes, pageBytes, signal: context.signal },
        onProgress: (event) => progress.update(event, "steps"),
      });
    } catch (error) {
      if (error instanceof DiskAnnError && error.code === "ERR_INVALID_ARGUMENT" && pageBytes !== undefined)
        throw new DiskAnnError(error.code, `${error.message} (--page-bytes ${pageBytes})`, { cause: error });
      throw error;
    } finally {
      progress.stop();
    }
  });
  const milliseconds = performance.now() - started;
  await withIndex(
    engine,
    output,
    context,
    async (index) => {
      const stats = index.stats();
      if (context.json) {
        context.printJson({ input, output, seconds: milliseconds / 1000, stats });
        return;
      }
      const { fileBytes, pageBytes: bytes } = stats.layout;
      context.print(
        `${context.style.green("wrote")} ${context.style.bold(output)}: codes ${stats.codes}, pages of ` +
          `${formatBytes(bytes)}, ${formatBytes(fileBytes)} in ${formatDuration(milliseconds)}\n`,
      );
    },
    { mode: "auto", cacheBytes: 0 },
  );
}
