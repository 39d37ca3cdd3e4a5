/** Saves of pages that are killed, of many tabs at once and where there is no room; files of other origins. In Chromium. */
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startFileServer } from "../support/file-server.js";
import { bundleSuite } from "./bundle.js";
import { withChromium } from "./chromium.js";
import { type Served, serveSuite } from "./server.js";

let served: Served;
beforeAll(async () => {
  served = await serveSuite(await bundleSuite("tabs"));
});
afterAll(() => served.close());

/**
 * In the page: an index of 17 MB of noise whose first number says which version it is; `save(place, blockMs)` holds the thread of the page for so
 * long when half is written, after it said so.
 */
const HELP = (entry: string): string => `(async () => {
  const { VectorIndex } = await import("/dist/${entry}");
  const make = (version) => {
    const vectors = new Float32Array(128 * 32768);
    for (let i = 0, state = version; i < vectors.length; i++) {
      state = (state * 48271) % 2147483647;
      vectors[i] = state / 2147483647;
    }
    vectors[0] = version;
    return VectorIndex.build(vectors, { dimensions: 32768, maxDegree: 4, buildListSize: 4, codes: "none" });
  };
  const codeOf = (error) => error.code + ": " + error.message;
  globalThis.save = async (version, place, blockMs = 0) => {
    const index = await make(version);
    let told = false;
    const onProgress = ({ phase, done, total }) => {
      if (blockMs === 0 || told || phase !== "write" || done === 0 || done === total) return;
      told = true;
      console.log("half");
      for (const end = performance.now() + blockMs; performance.now() < end; );
    };
    return index.save(place, { onProgress }).then(() => "saved", codeOf).finally(() => index.close());
  };
  globalThis.versionAt = async (place) => {
    try {
      const index = await VectorIndex.open(place);
      const [first] = await index.get(0);
      const { ok } = await index.verify();
      await index.close();
      return ok ? first : "damaged";
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

const save = (tab: Page, version: number, place: string, blockMs = 0): Promise<string> =>
  tab.evaluate(`save(${version}, ${JSON.stringify(place)}, ${blockMs})`);
const versionAt = (tab: Page, place: string): Promise<unknown> =>
  tab.evaluate(`versionAt(${JSON.stringify(place)})`);

/** Resolves when the tab has written half of what it saves, and holds still. */
const half = (tab: Page): Promise<unknown> =>
  tab.waitForEvent("console", { predicate: (message) => message.text() === "half" });

/** Ends the process of a tab whose thread is busy, without a word to it: the one that works most right now. */
async function kill(tab: Page): Promise<void> {
  const session = await tab.context().browser()?.newBrowserCDPSession();
  const pages = async () => {
    const { processInfo = [] } = (await session?.send("SystemInfo.getProcessInfo")) ?? {};
    return processInfo.filter(({ type }) => type === "renderer");
  };
  const before = new Map((await pages()).map(({ id, cpuTime }) => [id, cpuTime]));
  await new Promise((resolve) => setTimeout(resolve, 500));
  const worked = (await pages()).map(({ id, cpuTime }) => ({ id, time: cpuTime - (before.get(id) ?? 0) }));
  const busiest = worked.reduce((a, b) => (b.time > a.time ? b : a));
  const gone = tab.waitForEvent("crash");
  process.kill(busiest.id, "SIGKILL");
  await gone;
}

describe.each(["opfs:/kept/index", "idb:index"])("%s", (place) => {
  test.each(["wasm.js", "worker.js"])(
    "a page that is killed while it saves leaves the old index, %s",
    async (entry) => {
      await withChromium(served.url, async (page) => {
        const first = await openTab(page, entry);
        const begun = half(first);
        save(first, 1, place, 60_000).catch(() => {});
        await begun;
        await kill(first);
        const second = await openTab(page, entry);
        // the worker beside a page that holds still may have been done before
        expect([1, expect.stringMatching(/^ERR_IO/)]).toContainEqual(await versionAt(second, place));
        if (entry === "wasm.js") expect(await versionAt(second, place)).toMatch(/^ERR_IO: cannot read/);
        expect(await save(second, 2, place)).toBe("saved");
        const again = half(second);
        save(second, 3, place, 60_000).catch(() => {});
        await again;
        await kill(second);
        const third = await openTab(page, entry);
        const found = await versionAt(third, place);
        expect(entry === "wasm.js" ? [2] : [2, 3]).toContain(found);
        expect(await save(third, 4, place)).toBe("saved");
        expect(await versionAt(third, place)).toBe(4);
      });
    },
  );

  test("of two tabs that save to it the second is refused, until the first is done", async () => {
    await withChromium(served.url, async (page) => {
      const [one, two] = [await openTab(page, "wasm.js"), await openTab(page, "worker.js")];
      const begun = half(one);
      const saving = save(one, 1, place, 5000);
      await begun;
      expect(await save(two, 2, place)).toMatch(/^ERR_LOCKED: cannot write .*another tab/);
      expect(await saving).toBe("saved");
      expect(await versionAt(two, place)).toBe(1);
      expect(await save(two, 2, place)).toBe("saved");
      expect(await versionAt(one, place)).toBe(2);
    });
  });

  test("where there is no room, the error says how much is needed and free, and the old index stays", async () => {
    await withChromium(served.url, async (page) => {
      const tab = await openTab(page, "wasm.js");
      const session = await page.context().newCDPSession(tab);
      const origin = new URL(served.url).origin;
      // Before the first save: how much is left is remembered for a while.
      await session.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 25e6 });
      expect(await save(tab, 1, place)).toBe("saved");
      expect(await save(tab, 2, place)).toMatch(
        /^ERR_IO: cannot write .*: 17\.\d MB are needed .* (less is|\d\.\d MB are) free/,
      );
      expect(await versionAt(tab, place)).toBe(1);
      await session.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 100e6 });
      expect(await save(tab, 3, place)).toBe("saved");
      expect(await versionAt(tab, place)).toBe(3);
    });
  });
});

test("an index of another origin is opened where that allows it; parts of it need names of headers", async () => {
  const other = await startFileServer();
  try {
    await withChromium(served.url, async (page) => {
      const tab = await openTab(page, "wasm.js");
      const url = `${other.base}index`;
      const { VectorIndex } = await import("../../ts/wasm.js");
      const index = await VectorIndex.build(new Float32Array(4000).fill(7), { dimensions: 4 });
      await fetch(url, { method: "PUT", body: (await index.toBytes()) as BodyInit });
      await index.close();
      expect(await versionAt(tab, url)).toMatch(/^ERR_IO: cannot read http.*Failed to fetch/);
      expect(await versionAt(tab, `${url}?fault=open to all`)).toBe(7);
      const sizeOf = (fault: string): Promise<unknown> =>
        tab.evaluate(`openStore({ kind: "http", url: ${JSON.stringify(`${url}?fault=${fault}`)} })
          .then((store) => store.size, (error) => error.code + ": " + error.message)`);
      expect(await sizeOf("open to all")).toMatch(/^ERR_UNSUPPORTED: .*Access-Control-Expose-Headers/);
      expect(await sizeOf("open to all, with names")).toBeGreaterThan(4096);
      expect(other.requests.filter(({ method }) => method === "OPTIONS")).toEqual([]);
    });
  } finally {
    other.close();
  }
});
