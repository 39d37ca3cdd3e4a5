/** Slots of builds into a file; what is given is `BUDGET_FIELDS`. */
export const NEEDS = { memoryBytes: 0, shards: 1, workers: 2 } as const;
