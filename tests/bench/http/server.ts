/** A server of one file, by HTTP/2 without TLS and by HTTP/1.1, that answers each request a round trip late. */
import { closeSync, openSync, readSync, statSync } from "node:fs";
import { createServer as createServer1, type ServerResponse } from "node:http";
import { createServer as createServer2, type Http2ServerResponse } from "node:http2";
import type { AddressInfo } from "node:net";

export interface Server {
  readonly port1: number;
  readonly port2: number;
  close(): void;
}

export async function serveFile(path: string, delayMs: number): Promise<Server> {
  const file = openSync(path, "r");
  const { size } = statSync(path);
  const answer = (range: string | undefined, response: ServerResponse | Http2ServerResponse): void => {
    const [, begin = "0", last = ""] = /^bytes=(\d+)-(\d*)$/.exec(range ?? "") ?? [];
    const from = Number(begin);
    const end = last === "" ? size : Math.min(Number(last) + 1, size);
    const body = Buffer.alloc(end - from);
    readSync(file, body, 0, body.length, from);
    const headers = {
      "content-type": "application/octet-stream",
      "content-length": String(body.length),
      "content-range": `bytes ${from}-${end - 1}/${size}`,
      etag: '"1"',
    };
    setTimeout(() => (response as ServerResponse).writeHead(206, headers).end(body), delayMs);
  };
  const server1 = createServer1((request, response) => answer(request.headers.range, response));
  const server2 = createServer2({ maxSessionMemory: 100 }, (request, response) =>
    answer(request.headers.range, response),
  );
  const listening = [server1, server2].map(
    (server) => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve)),
  );
  await Promise.all(listening);
  return {
    port1: (server1.address() as AddressInfo).port,
    port2: (server2.address() as AddressInfo).port,
    close: () => {
      server1.close();
      server1.closeAllConnections();
      server2.close();
      closeSync(file);
    },
  };
}
