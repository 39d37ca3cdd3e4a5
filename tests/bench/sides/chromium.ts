/** This package in a page of Chromium, in a worker as pages use it (`diskann/worker`); the page takes the time itself. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import type { Page } from "playwright-core";
import { withProfile } from "../../runtimes/chromium.js";
import { serveSuite } from "../../runtimes/server.js";
import { repositoryRoot } from "../../support/data.js";
import type { PageBuild, PagePass } from "./in-chromium.js";
import { BUILD_LIST, DEGREE, type MakeSide } from "./side.js";

interface OpenPage {
  readonly page: Page;
  readonly close: () => Promise<void>;
}

/** A page that stays until it is closed. */
function openPage(profile: string, url: string): Promise<OpenPage> {
  return new Promise((resolve, reject) => {
    const ended = withProfile(
      profile,
      url,
      (page) =>
        new Promise<void>((end) => {
          const close = () => {
            end();
            return ended;
          };
          resolve({ page, close });
        }),
    );
    ended.catch(reject);
  });
}

async function bundlePage(folder: string): Promise<void> {
  await build({
    entryPoints: [join(repositoryRoot(), "tests/bench/sides/in-chromium.ts")],
    outfile: join(folder, "page.mjs"),
    bundle: true,
    platform: "browser",
    format: "esm",
    logLevel: "warning",
  });
}

export const makeChromium: MakeSide = async ({ data, threads, folder }) => {
  const { base, queries, metric } = data;
  const site = join(folder, "site");
  mkdirSync(site, { recursive: true });
  await bundlePage(site);
  writeFileSync(join(site, "base.f32"), base.values);
  writeFileSync(join(site, "queries.f32"), queries.values);
  const served = await serveSuite(site);
  const { page, close } = await openPage(join(folder, "profile"), served.url);
  await page.waitForFunction("globalThis.bench !== undefined");
  const call = <T>(method: string, ...args: readonly unknown[]): Promise<T> =>
    page.evaluate<T>(`bench.${method}(${args.map((value) => JSON.stringify(value)).join(", ")})`);
  let list = BUILD_LIST;
  return {
    prepare: () => call("load"),
    build() {
      const shape = { dimensions: base.dimensions, metric, maxDegree: DEGREE, buildListSize: BUILD_LIST };
      return call("build", { ...shape, threads } satisfies PageBuild);
    },
    setList(size) {
      list = size;
    },
    searchAll: () => call<PagePass>("pass", list, threads),
    seconds: (raw) => (raw as PagePass).seconds,
    ids: (raw) => Float64Array.from((raw as PagePass).ids),
    searchOne: (query) => call("searchOne", list, query),
    latencies: async () => Float64Array.from(await call<number[]>("latencies", list)),
    save: () => call<number>("save"),
    async close() {
      await close();
      await served.close();
    },
    note: "in a worker of a page; the page takes the time, by a clock with steps of up to .1 ms",
    elsewhere: true,
  };
};
