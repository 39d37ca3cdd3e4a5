/**
 * `fetch` as a browser has it, in Node: over one HTTP/2 connection, or over six of HTTP/1.1. Counts requests, bytes, and
 * rounds: a request belongs to the round after the last one whose answer was there when it was made.
 */
import { Agent, get } from "node:http";
import { type ClientHttp2Session, connect } from "node:http2";

export interface Traffic {
  requests: number;
  bytes: number;
  rounds: number;
}

export interface Client {
  readonly traffic: Traffic;
  readonly fetch: typeof fetch;
  /** Counts from zero. */
  reset(): void;
  close(): void;
}

type Fetched = { readonly status: number; readonly headers: Record<string, string>; readonly body: Buffer };

const CONNECTIONS_HTTP1 = 6;
/** As browsers have it: what is measured is round trips, not windows. */
const WINDOW_BYTES = 2 ** 24;

function clientOf(fetchOne: (url: URL, range: string) => Promise<Fetched>, close: () => void): Client {
  const traffic: Traffic = { requests: 0, bytes: 0, rounds: 0 };
  return {
    traffic,
    close,
    reset: () => void Object.assign(traffic, { requests: 0, bytes: 0, rounds: 0 }),
    fetch: async (url, init) => {
      const round = traffic.rounds + 1;
      traffic.requests++;
      const range = (init?.headers as Record<string, string> | undefined)?.range ?? "";
      const { status, headers, body } = await fetchOne(new URL(String(url)), range);
      traffic.bytes += body.length;
      traffic.rounds = Math.max(traffic.rounds, round);
      return new Response(new Uint8Array(body), { status, headers });
    },
  };
}

function fetchHttp2(session: ClientHttp2Session, url: URL, range: string): Promise<Fetched> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ":path": url.pathname, range });
    const pieces: Buffer[] = [];
    let status = 0;
    let headers: Record<string, string> = {};
    stream.on("response", (received) => {
      status = received[":status"] ?? 0;
      const fields = Object.entries(received).filter(([name]) => !name.startsWith(":"));
      headers = Object.fromEntries(fields.map(([name, value]) => [name, String(value)]));
    });
    stream.on("data", (piece: Buffer) => pieces.push(piece));
    stream.on("end", () => resolve({ status, headers, body: Buffer.concat(pieces) }));
    stream.on("error", reject);
  });
}

function fetchHttp1(agent: Agent, url: URL, range: string): Promise<Fetched> {
  return new Promise((resolve, reject) => {
    get(url, { agent, headers: { range } }, (response) => {
      const pieces: Buffer[] = [];
      const headers = response.headers as Record<string, string>;
      response.on("data", (piece: Buffer) => pieces.push(piece));
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, headers, body: Buffer.concat(pieces) }),
      );
    }).on("error", reject);
  });
}

export function http2Client(port: number): Client {
  const session = connect(`http://127.0.0.1:${port}`, {
    settings: { initialWindowSize: WINDOW_BYTES },
    maxSessionMemory: 100,
  });
  session.on("connect", () => session.setLocalWindowSize(WINDOW_BYTES));
  return clientOf(
    (url, range) => fetchHttp2(session, url, range),
    () => session.close(),
  );
}

export function http1Client(): Client {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS_HTTP1 });
  return clientOf(
    (url, range) => fetchHttp1(agent, url, range),
    () => agent.destroy(),
  );
}
