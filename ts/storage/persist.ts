/** Browsers may throw away what pages have stored when the disk is full, unless they were asked not to. */

/** What is used of `navigator.storage`, of which every browser lacks something. */
interface Manager {
  persist?(): Promise<boolean>;
  persisted?(): Promise<boolean>;
  estimate?(): Promise<{ quota?: number; usage?: number }>;
}

let asked = false;

function manager(): Manager | undefined {
  return (globalThis as { navigator?: { storage?: Manager } }).navigator?.storage;
}

/** Asks once. Saves go on whatever the answer is, so nobody waits for it: it may be the user's. */
export function persist(): void {
  if (asked) return;
  asked = true;
  manager()
    ?.persist?.()
    .catch(() => {});
}

/** What the browser tells of the storage of this origin. Some tell pages of more than they give. */
export async function quotaStats(): Promise<{
  readonly persisted: boolean | undefined;
  readonly quota: number | undefined;
  readonly usage: number | undefined;
}> {
  const storage = manager();
  const [persisted, estimate] = await Promise.all([
    storage?.persisted?.().catch(() => undefined),
    storage?.estimate?.().catch(() => undefined),
  ]);
  return { persisted, quota: estimate?.quota, usage: estimate?.usage };
}
