import type { Outcome } from "../conformance/suite.js";
import { bundleSuite } from "./bundle.js";
import { withChromium } from "./chromium.js";
import { ONE_PAGE, ONE_WORKER } from "./in-page.js";
import { reportRuns } from "./report.js";
import { serveSuite } from "./server.js";

const served = await serveSuite(await bundleSuite("chromium"));

const inPage = (entry: string) => () =>
  withChromium<Outcome[]>(served.url, (page) => page.evaluate(ONE_PAGE(entry)));
const inWorker = (entry: string) => () =>
  withChromium<Outcome[]>(served.url, (page) => page.evaluate(ONE_WORKER(entry)));

await reportRuns({
  "WebAssembly in a page of Chromium": inPage("/dist/wasm.js"),
  "diskann/worker in a page of Chromium": inPage("/dist/worker.js"),
  "WebAssembly within a worker of Chromium": inWorker("/dist/wasm.js"),
});
await served.close();
