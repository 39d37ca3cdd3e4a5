/** Browsers may throw away what pages have stored when the disk is full, unless they were asked not to. */

let asked = false;

/** Asks once. Saves go on whatever the answer is, so nobody waits for it: it may be the user's. */
export function persist(): void {
  if (asked) return;
  asked = true;
  const { navigator } = globalThis as { navigator?: { storage?: { persist?(): Promise<boolean> } } };
  navigator?.storage?.persist?.().catch(() => {});
}
