/** What stores do of their own: joining reads, how many requests they make, what the browser's promises come to. */
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { lockedSink } from "../../ts/storage/browser.js";
import { coalesce, scatter } from "../../ts/storage/coalesce.js";
import { crc32c } from "../../ts/storage/crc32c.js";
import type { PageRead } from "../../ts/storage/page-store.js";
import { persist } from "../../ts/storage/persist.js";
import { openSource, openStore } from "../../ts/storage/select.js";
import type { ByteSink } from "../../ts/storage/storage.js";
import { startFileServer } from "../support/file-server.js";

const request = (offset: number, length: number): PageRead => ({ offset, into: new Uint8Array(length) });
const shapes = (requests: PageRead[], gap: number, most: number) =>
  coalesce(requests, gap, most).map(({ offset, length, requests: { length: count } }) => [
    offset,
    length,
    count,
  ]);

describe("joining reads", () => {
  test("reads that touch, overlap or lie near each other are one, in any order", () => {
    expect(shapes([], 10, 100)).toEqual([]);
    expect(shapes([request(20, 5), request(0, 10)], 9, 100)).toEqual([
      [0, 10, 1],
      [20, 5, 1],
    ]);
    expect(shapes([request(20, 5), request(0, 10)], 10, 100)).toEqual([[0, 25, 2]]);
    expect(shapes([request(0, 10), request(10, 10), request(5, 2), request(5, 20)], 0, 100)).toEqual([
      [0, 25, 4],
    ]);
    expect(shapes([request(3, 4), request(3, 4)], 0, 100)).toEqual([[3, 4, 2]]);
  });

  test("no range grows beyond what is allowed, but a request may be longer itself", () => {
    expect(shapes([request(0, 60), request(60, 40), request(100, 1)], 0, 100)).toEqual([
      [0, 100, 2],
      [100, 1, 1],
    ]);
    expect(shapes([request(0, 500), request(10, 20), request(500, 1)], 0, 100)).toEqual([
      [0, 500, 1],
      [10, 20, 1],
      [500, 1, 1],
    ]);
  });

  test("the bytes of a range reach all who asked for them", () => {
    const bytes = Uint8Array.from({ length: 64 }, (_, i) => i);
    const requests = [request(40, 9), request(3, 4), request(5, 10), request(5, 0)];
    for (const range of coalesce(requests, 50, 100))
      scatter(range, bytes.subarray(range.offset, range.offset + range.length));
    for (const { offset, into } of requests) expect(into).toEqual(bytes.slice(offset, offset + into.length));
  });
});

test("CRC-32C is that of the format, of any length, in one piece or in two", () => {
  const text = new TextEncoder().encode("123456789");
  expect(crc32c(text)).toBe(0xe3069283);
  expect(crc32c(text.subarray(3), crc32c(text.subarray(0, 3)))).toBe(0xe3069283);
  expect(crc32c(new Uint8Array(0))).toBe(0);
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(crc32c(new Uint8Array(32).fill(255))).toBe(0x62a8ab43);
});

describe("requests over HTTP", () => {
  let server: Awaited<ReturnType<typeof startFileServer>>;
  let url = "";
  const bytes = new Uint8Array(3e6).map((_, i) => i % 251);
  beforeAll(async () => {
    server = await startFileServer();
    url = `${server.base}a`;
    await fetch(url, { method: "PUT", body: bytes });
    server.requests.length = 0;
  });
  afterEach(() => {
    server.requests.length = 0;
  });
  afterAll(() => server.close());

  test("all of a file is one request, without a range", async () => {
    const source = await openSource({ kind: "http", url });
    const head = new Uint8Array(4096);
    await source.read(0, head);
    const rest = new Uint8Array(bytes.length - 5000);
    await source.read(5000, rest);
    await source.close();
    expect([source.size, Buffer.compare(rest, bytes.subarray(5000))]).toEqual([bytes.length, 0]);
    expect(server.requests).toEqual([{ method: "GET", name: "/files/a", range: undefined }]);
  });

  test("a source that is closed early ends the download", async () => {
    const source = await openSource({ kind: "http", url: `${url}?fault=slow` });
    await source.read(0, new Uint8Array(10));
    await source.close();
    await expect(source.read(10, new Uint8Array(1e6))).rejects.toMatchObject({ code: "ERR_IO" });
  });

  test("neighbours of a round are one request, the others are made side by side", async () => {
    const store = await openStore({ kind: "http", url });
    server.requests.length = 0;
    const offsets = [400_000, 404_096, 408_192, 1_000_000, 1_004_096, 2_000_000];
    await store.read(offsets.map((offset) => request(offset, 4096)));
    const ranges = server.requests.map(({ range }) => range).sort();
    expect(ranges).toEqual(["bytes=1000000-1008191", "bytes=2000000-2004095", "bytes=400000-412287"]);
  });

  test("opening reads the head, which is not read again", async () => {
    const store = await openStore({ kind: "http", url });
    expect(server.requests.map(({ range }) => range)).toEqual(["bytes=0-135167"]);
    server.requests.length = 0;
    const reads = [request(0, 4096), request(135_000, 168), request(135_000, 169), request(2_999_999, 1)];
    await store.read(reads);
    for (const { offset, into } of reads) expect(into).toEqual(bytes.slice(offset, offset + into.length));
    const ranges = server.requests.map(({ range }) => range).sort();
    expect(ranges).toEqual(["bytes=135000-135168", "bytes=2999999-2999999"]);
  });

  test("no more than 32 requests of a store are under way, and none is forgotten", async () => {
    const { fetch } = globalThis;
    let now = 0;
    let most = 0;
    vi.stubGlobal("fetch", async (...words: Parameters<typeof fetch>) => {
      most = Math.max(most, ++now);
      try {
        return await fetch(...words);
      } finally {
        now--;
      }
    });
    const store = await openStore({ kind: "http", url });
    const rounds = Array.from({ length: 33 }, (_, i) => [
      request(i * 90_000, 100),
      request(i * 90_000 + 40_000, 9),
    ]);
    await Promise.all(rounds.map((round) => store.read(round)));
    vi.unstubAllGlobals();
    for (const { offset, into } of rounds.flat())
      expect(into).toEqual(bytes.slice(offset, offset + into.length));
    expect(most).toBeLessThanOrEqual(32);
    expect(most).toBeGreaterThan(1);
  });
});

describe("places of a browser", () => {
  afterEach(() => vi.unstubAllGlobals());
  const named = (name: string) => Object.assign(new Error("no"), { name });
  const sink = (failure?: Error): ByteSink => ({
    write: async () => {
      if (failure) throw failure;
    },
    sync: async () => {},
    commit: async () => {},
    abort: async () => {},
  });

  test("want of room tells what is needed and what is free, where that is believable", async () => {
    const estimates = [
      [{ quota: 30e6, usage: 28e6 }, /10\.0 MB are needed .* 2\.0 MB are free/],
      [{ quota: 9e9, usage: 0 }, /10\.0 MB are needed .* less is free/],
      [undefined, /10\.0 MB are needed .* less is free/],
    ] as const;
    for (const [estimate, message] of estimates) {
      const storage = {
        estimate: () => (estimate ? Promise.resolve(estimate) : Promise.reject(new Error())),
      };
      vi.stubGlobal("navigator", { storage });
      const full = await lockedSink("idb:a", 10e6, async () => sink(named("QuotaExceededError")));
      const write = full.write(0, new Uint8Array(1));
      await expect(write).rejects.toMatchObject({ code: "ERR_IO", message: expect.stringMatching(message) });
    }
  });

  test("a place that another has open is locked; the lock of a save ends with it", async () => {
    let held = 0;
    const locks = {
      request: async (
        _name: string,
        _options: object,
        body: (lock: object | null) => Promise<void> | undefined,
      ) => {
        if (held > 0) return body(null);
        held++;
        await body({});
        held--;
      },
    };
    vi.stubGlobal("navigator", { locks });
    const locked = { code: "ERR_LOCKED", message: expect.stringContaining("opfs:/a") };
    for (const end of ["commit", "abort"] as const) {
      const one = await lockedSink("opfs:/a", 1, async () => sink());
      await expect(lockedSink("opfs:/a", 1, async () => sink())).rejects.toMatchObject(locked);
      await one[end]();
      expect(held).toBe(0);
    }
    const failing = lockedSink("opfs:/a", 1, async () => Promise.reject(named("NoModificationAllowedError")));
    await expect(failing).rejects.toMatchObject(locked);
    expect(held).toBe(0);
  });

  test("the browser is asked once to keep what is saved, and may refuse", async () => {
    let asked = 0;
    const ask = async () => {
      asked++;
      throw new Error("no");
    };
    vi.stubGlobal("navigator", { storage: { persist: ask } });
    persist();
    persist();
    await new Promise((resolve) => setImmediate(resolve));
    expect(asked).toBe(1);
  });
});
