declare module "virtual:passages" {
  /** What the page searches. */
  export const passages: readonly {
    readonly package: string;
    readonly heading: string;
    readonly text: string;
  }[];
  /** Of `../text/axes.mjs`. */
  export const axes: readonly number[];
}
