/** What is measured of this package alone, and the numbers it has to meet. */

export interface ExtraTable {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export interface Check {
  readonly what: string;
  readonly measured: string;
  readonly wanted: string;
  /** Undefined: not measured in this run. */
  readonly met: boolean | undefined;
}
