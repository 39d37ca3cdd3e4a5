/** What a verification has found, out of the module. In a chunk of its own: few pages ask. */
import type { VerifyReport } from "../../core/types.js";
import { verifyReport } from "../findings.js";
import type { Core } from "./core.js";
import { type Address, FINDING, FINDINGS } from "./exchange.js";

export function readFindings(core: Core, op: Address): VerifyReport {
  core.run((exports) => exports.verify_findings(op));
  const count = core.slot(FINDINGS.count);
  const total = core.slot(FINDINGS.total);
  const first = core.slot(FINDINGS.first);
  const columns = { kinds: [] as number[], slots: [] as number[], pages: [] as number[] };
  for (let i = 0; i < count; i++) {
    core.run((exports) => exports.verify_finding(first, i));
    columns.kinds.push(core.slot(FINDING.kind));
    columns.slots.push(core.slot(FINDING.slot));
    columns.pages.push(core.slot(FINDING.page));
  }
  return verifyReport(columns.kinds, columns.slots, columns.pages, total);
}
