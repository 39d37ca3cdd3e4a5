import { DiskAnnError } from "../../core/errors.js";
import type { VerifyReport } from "../../core/types.js";
import type { CommonOptions, Context } from "../context.js";
import { type Engine, withIndex } from "../engine.js";
import { formatDuration, formatNumber } from "../terminal.js";

export type VerifyOptions = CommonOptions;

/** Damage that shows when the file is opened is a finding like any other. */
const FINDINGS: readonly string[] = ["ERR_CORRUPT", "ERR_VERSION"];

interface Outcome {
  readonly report: VerifyReport;
  readonly size?: number;
}

async function check(engine: Engine, path: string, context: Context): Promise<Outcome> {
  try {
    return await withIndex(engine, path, context, async (index) => {
      const progress = await context.progress();
      const report = await index
        .verify({ signal: context.signal, onProgress: (event) => progress.update(event, "pages") })
        .finally(() => progress.stop());
      return { report, size: index.size };
    });
  } catch (error) {
    if (!(error instanceof DiskAnnError) || !FINDINGS.includes(error.code)) throw error;
    const { code, page } = error;
    const message = error.message.replace(`${path}: `, "");
    return { report: { ok: false, errors: [{ code, message, ...(page === undefined ? {} : { page }) }] } };
  }
}

/** Resolves with whether the index is sound. */
export async function runVerify(
  engine: Engine,
  path: string,
  _options: VerifyOptions,
  context: Context,
): Promise<boolean> {
  const started = performance.now();
  const { report, size } = await check(engine, path, context);
  const took = formatDuration(performance.now() - started);
  const { style } = context;
  if (context.json) {
    context.printJson({ path, size, ...report });
  } else if (report.ok) {
    context.print(
      `${style.green("ok")} ${style.bold(path)}: checksums and graph of ${formatNumber(size ?? 0)} vectors, ${took}\n`,
    );
  } else {
    const lines = report.errors.map(({ code, message, page }) => {
      const place = page === undefined || message.includes(`page ${page}`) ? "" : `page ${page}: `;
      return `  ${place}${message} ${style.dim(`(${code})`)}\n`;
    });
    context.print(`${style.red("damaged")} ${style.bold(path)}\n${lines.join("")}`);
  }
  return report.ok;
}
