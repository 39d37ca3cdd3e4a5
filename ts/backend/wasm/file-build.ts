/** Builds into a file in an instance of their own, on this thread. */
import type { FileBuild, FileBuilder } from "../backend.js";
import type { Core } from "./core.js";
import type { Address } from "./exchange.js";
import { NEEDS } from "./file-exchange.js";
import type { Kit } from "./index.js";

function put(kit: Kit, core: Core, build: FileBuild): void {
  const { config, rows, rowType, hasIds, memoryBytes } = build;
  const fields = [
    ...kit.CONFIG_FIELDS.map((name) => config[name]),
    rows,
    rowType,
    Number(hasIds),
    memoryBytes,
  ];
  for (const [slot, value] of fields.entries()) core.put(slot, value);
}

export async function fileBuilder(kit: Kit, module: WebAssembly.Module): Promise<FileBuilder> {
  const core = await kit.acquireCore(module);
  let open = true;

  /** Through memory of the module, which is given back at once. */
  const giveIds = (op: Address, ids: Float64Array): void => {
    const at = core.allocate(ids.byteLength);
    core.f64.set(ids, at / 8);
    const status = core.run((exports) => exports.budget_ids(op, at, ids.length));
    core.release(at);
    if (status < 0) throw kit.failureError({ status, detail: 0, row: -1, page: -1, value: 0 });
  };

  return {
    needs: (build) => {
      put(kit, core, build);
      const status = core.run((exports) => exports.budget_need());
      if (status < 0) throw kit.failureError({ status, detail: 0, row: -1, page: -1, value: 0 });
      return core.take(NEEDS);
    },
    run: async (build, places, control) => {
      put(kit, core, build);
      const op = core.create((exports) => exports.budget_begin());
      try {
        for (let first = 0; build.hasIds && first < build.rows; first += kit.IDS_PER_SLAB)
          giveIds(op, places.ids(first, Math.min(kit.IDS_PER_SLAB, build.rows - first)));
      } catch (error) {
        core.run((exports) => exports.op_end(op));
        throw error;
      }
      await kit.operate(core, op, control, { host: places }, () => {});
    },
    close: () => {
      if (open) kit.releaseCore(module, core);
      open = false;
    },
  };
}
