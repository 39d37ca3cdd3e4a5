/** Expressions that a browser evaluates to the outcomes of the suite. */

/** On the page's own thread. */
export const ONE_PAGE = (entry: string): string => `(async () => {
  while (!globalThis.runSuite) await new Promise((resolve) => setTimeout(resolve, 10));
  return globalThis.runSuite(${JSON.stringify(entry)});
})()`;

/** The suite and the library in a worker of the page. */
export const ONE_WORKER = (entry: string): string => `new Promise((resolve, reject) => {
  const worker = new Worker("/suite/page.mjs", { type: "module" });
  worker.onmessage = (event) => resolve(event.data);
  worker.onerror = (event) => reject(new Error(event.message));
  worker.postMessage(${JSON.stringify(entry)});
})`;
