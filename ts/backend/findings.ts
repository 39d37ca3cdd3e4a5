/** What a verification has found, as users see it. */
import type { ErrorCode, VerifyReport } from "../core/types.js";
import { findingText } from "./failure.js";

/** Findings of a verification, in the core's order, as three columns; `total` counts those beyond the columns too. */
export function verifyReport(
  kinds: ArrayLike<number>,
  slots: ArrayLike<number>,
  pages: ArrayLike<number>,
  total: number,
): VerifyReport {
  const errors: { code: ErrorCode; message: string; page?: number }[] = [];
  for (let i = 0; i < kinds.length; i++) {
    const slot = slots[i] as number;
    const page = pages[i] as number;
    const where = slot < 0xffffffff ? ` (record ${slot})` : "";
    const message = `${findingText(kinds[i] as number)}${where}`;
    errors.push(page >= 0 ? { code: "ERR_CORRUPT", message, page } : { code: "ERR_CORRUPT", message });
  }
  if (total > errors.length) {
    errors.push({ code: "ERR_CORRUPT", message: `${total - errors.length} more findings are not listed` });
  }
  return { ok: total === 0, errors };
}
