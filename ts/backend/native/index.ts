/** The native backend: the Node-API addon. */
import { availableParallelism } from "node:os";
import { SIMD_FAMILIES, simdName } from "../../core/constants.js";
import { DiskAnnError } from "../../core/errors.js";
import type { Simd } from "../../core/types.js";
import type { Backend } from "../backend.js";
import type { Binding } from "./binding.js";
import { Calls } from "./calls.js";
import { loadBinding, type NativeOptions } from "./load.js";
import { createIndex, openIndex } from "./native-index.js";
import { openPaged } from "./paged-index.js";

export type { NativeOptions } from "./load.js";

const AUTO = 0;

/**
 * The kernel family: the best this CPU has, unless the environment variable DISKANN_SIMD names one. All give the same
 * bits; naming one is for tests and measurements.
 */
function chooseSimd(binding: Binding): number {
  const name = process.env.DISKANN_SIMD;
  if (name === undefined || name === "") return AUTO;
  const simd = (SIMD_FAMILIES as readonly string[]).indexOf(name);
  if (simd < 0) {
    throw new DiskAnnError(
      "ERR_INVALID_ARGUMENT",
      `DISKANN_SIMD is "${name}"; it may be one of ${SIMD_FAMILIES.join(", ")}`,
    );
  }
  if (!binding.simdAvailable(simd)) {
    throw new DiskAnnError(
      "ERR_UNSUPPORTED",
      `DISKANN_SIMD asks for ${name}, which this CPU or this build of diskann does not have`,
    );
  }
  return simd;
}

/** The addon in use: its calls, the kernels it was asked for and those it runs. */
export interface Connection {
  readonly calls: Calls;
  readonly simd: number;
  readonly family: Simd;
}

const connections = new WeakMap<Binding, Connection>();

/** Connects once. Throws `ERR_UNSUPPORTED` where there is no addon for this machine. */
export function connectNative(options: NativeOptions): Connection {
  const binding = loadBinding(options);
  const known = connections.get(binding);
  if (known) return known;
  const simd = chooseSimd(binding);
  const family = simdName(simd === AUTO ? binding.simdBest() : simd);
  const connection = { calls: new Calls(binding, availableParallelism()), simd, family };
  connections.set(binding, connection);
  return connection;
}

/** Throws `ERR_UNSUPPORTED` where there is no addon for this machine. */
export async function nativeBackend(options: NativeOptions): Promise<Backend> {
  const { calls, simd, family } = connectNative(options);
  return {
    name: "native",
    simd: family,
    create: async (config) => createIndex(calls, config, simd),
    open: (source, control, paged) =>
      paged ? openPaged(calls, source, control, simd, paged) : openIndex(calls, source, control, simd),
    fileBuilder: async () =>
      (await import("./file-build.js")).fileBuilder(calls, simd, availableParallelism()),
  };
}
