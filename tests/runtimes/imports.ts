/** Imports of pages that are killed, of two tabs at once, from a server that restarts and where there is no room. In Chromium. */
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { VectorIndex } from "../../ts/native.js";
import { bundleSuite } from "./bundle.js";
import { withChromium } from "./chromium.js";
import { type Served, serveSuite } from "./server.js";

/** What a crash may lose. */
const PART_BYTES = 2 ** 22;
const MIB = 2 ** 20;

let served: Served;
let url: string;

/** 17 MB of noise, which no database makes smaller. The first number says which version it is. */
async function put(version: number): Promise<void> {
  const vectors = new Float32Array(128 * 32768);
  for (let i = 0, state = version; i < vectors.length; i++) {
    state = (state * 48271) % 2147483647;
    vectors[i] = state / 2147483647;
  }
  vectors[0] = version;
  const shape = { dimensions: 32768, maxDegree: 4, buildListSize: 4, codes: "none" } as const;
  const index = await VectorIndex.build(vectors, shape);
  await fetch(url, { method: "PUT", body: (await index.toBytes()) as BodyInit });
  await index.close();
}

/** In the page: `load(place, fault)` imports, `versionAt(place)` opens. */
const HELP = (entry: string): string => `(async () => {
  const { VectorIndex } = await import("/dist/${entry}");
  const codeOf = (error) => error.code + ": " + error.message;
  globalThis.load = (place, fault) => {
    const onProgress = ({ phase, done, total }) => console.log([phase, done, total].join(" "));
    return VectorIndex.import(location.origin + "/files/large?fault=" + fault, place, { onProgress }).then(
      ({ resumed }) => resumed,
      codeOf,
    );
  };
  globalThis.versionAt = async (place) => {
    try {
      const index = await VectorIndex.open(place);
      const [first] = await index.get(0);
      await index.close();
      return first;
    } catch (error) {
      return codeOf(error);
    }
  };
})()`;

async function openTab(page: Page, entry: string): Promise<Page> {
  const tab = await page.context().newPage();
  await tab.goto(served.url);
  await tab.evaluate(HELP(entry));
  return tab;
}

const load = (tab: Page, place: string, fault = "none"): Promise<unknown> =>
  tab.evaluate(`load(${JSON.stringify(place)}, ${JSON.stringify(fault)})`);
const versionAt = (tab: Page, place: string): Promise<unknown> =>
  tab.evaluate(`versionAt(${JSON.stringify(place)})`);

/** Resolves when so much of the file has come. */
const come = (tab: Page, bytes: number): Promise<unknown> =>
  tab.waitForEvent("console", {
    predicate: (message) =>
      message.text().startsWith("read") && Number(message.text().split(" ")[1]) >= bytes,
  });

/** Ends the process of a tab, without a word to it. */
async function kill(tab: Page): Promise<void> {
  const session = await tab.context().newCDPSession(tab);
  const gone = tab.waitForEvent("crash");
  session.send("Page.crash").catch(() => {});
  await gone;
}

/** Tests of one place. */
export function testImports(place: string): void {
  beforeAll(async () => {
    served = await serveSuite(await bundleSuite(`imports ${place.split(":")[0]}`));
    url = `${served.url}files/large`;
  });
  afterAll(() => served.close());

  test.each(["wasm.js", "worker.js"])(
    "a tab that is killed leaves the old index; the next goes on, %s",
    async (entry) => {
      await put(1);
      await withChromium(served.url, async (page) => {
        const first = await openTab(page, entry);
        expect(await load(first, place)).toBe(0);
        await put(2);
        const most = come(first, 9e6);
        load(first, place, "stops at 9 MB").catch(() => {});
        await most;
        await kill(first);
        const second = await openTab(page, entry);
        expect(await versionAt(second, place)).toBe(1);
        served.requests.length = 0;
        expect(await load(second, place, "stops at 9 MB")).toBe(2 * PART_BYTES);
        expect(served.requests.map(({ range }) => range)).toEqual([
          expect.stringMatching(`bytes=${8 * MIB}-`),
        ]);
        expect(await versionAt(second, place)).toBe(2);
      });
    },
  );

  test("a file that was replaced meanwhile is fetched from its beginning", async () => {
    await put(3);
    await withChromium(served.url, async (page) => {
      const first = await openTab(page, "wasm.js");
      const most = come(first, 9e6);
      load(first, place, "stops at 9 MB").catch(() => {});
      await most;
      await put(4);
      await served.restart(300);
      await first.waitForEvent("console", { predicate: (message) => message.text().startsWith("check") });
      const second = await openTab(page, "wasm.js");
      await expect.poll(() => versionAt(second, place), { timeout: 20_000 }).toBe(4);
    });
  });

  test("a server that restarts is asked again; of two tabs the second is refused meanwhile", async () => {
    await put(5);
    await withChromium(served.url, async (page) => {
      const [one, two] = [await openTab(page, "wasm.js"), await openTab(page, "worker.js")];
      const most = come(one, 9e6);
      const importing = load(one, place, "stops at 9 MB");
      await most;
      expect(await load(two, place)).toMatch(/^ERR_LOCKED: cannot write .*another tab/);
      served.requests.length = 0;
      await served.restart(600);
      expect(await importing).toBe(0);
      expect(served.requests.at(-1)?.range).toMatch(/^bytes=\d{7}-/);
      expect(await versionAt(two, place)).toBe(5);
    });
  });

  test("where there is no room, the error says how much is needed; the old index stays, parts go", async () => {
    await put(6);
    await withChromium(served.url, async (page) => {
      const tab = await openTab(page, "wasm.js");
      const session = await page.context().newCDPSession(tab);
      const origin = new URL(served.url).origin;
      await session.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 45e6 });
      expect(await load(tab, place)).toBe(0);
      await put(7);
      expect(await load(tab, place)).toMatch(/^ERR_IO: cannot write .*: 17\.\d MB are needed/);
      expect(await versionAt(tab, place)).toBe(6);
      await session.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 200e6 });
      expect(await load(tab, place)).toBe(0);
      expect(await versionAt(tab, place)).toBe(7);
    });
  });
}
