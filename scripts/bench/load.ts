/** Load on a target, and what came of it. */
import autocannon from "autocannon";
import { newId } from "../../src/lib/ids.ts";
import { bodyOf, type CaseName, cases, pathsOf } from "./cases.ts";
import { percentile } from "./numbers.ts";

export interface Load {
  url: string;
  name: CaseName;
  resultIds: readonly string[];
  token: string;
  seconds: number;
  connections: number;
}

export interface Measured {
  requestsPerSecond: number;
  /** Latency in ms. */
  p50: number;
  p99: number;
  replies: number;
  /** Replies other than 2xx, and requests without a reply. */
  failed: number;
}

export const headersOf = (name: CaseName, token: string): Record<string, string> => ({
  ...(cases[name].signedIn ? { authorization: `Bearer ${token}` } : {}),
  ...(bodyOf(name) ? { "content-type": "application/json", "idempotency-key": newId() } : {}),
});

/** How far each target has come in the addresses of each case: the next round goes on there. */
const places = new Map<string, number>();

/** Sends requests of one case for some seconds, each connection the next one once it has its reply. */
export async function run(load: Load): Promise<Measured> {
  const { url, name, resultIds, token, seconds, connections } = load;
  const headers = headersOf(name, token);
  const body = bodyOf(name);
  const paths = pathsOf(name, resultIds);
  const place = `${name} ${url}`;
  const setupRequest = (given: autocannon.Request) => {
    const next = places.get(place) ?? 0;
    places.set(place, next + 1);
    const path = paths[next % paths.length];
    if (!body) return { ...given, path };
    return { ...given, path, headers: { ...headers, "idempotency-key": newId() } };
  };
  const requests = [{ method: cases[name].method, headers, body, setupRequest }];
  const latencies: number[] = [];
  let first = 0;
  let last = 0;
  const result = await new Promise<autocannon.Result>((resolve, reject) => {
    const given = { url, connections, duration: seconds, requests };
    const running = autocannon(given, (error, ended) => (error ? reject(error) : resolve(ended)));
    running.on("response", (_client, _status, _bytes, time) => {
      last = performance.now();
      first ||= last - time;
      latencies.push(time);
    });
  });
  const sorted = Float64Array.from(latencies).sort();
  return {
    requestsPerSecond: (latencies.length / (last - first)) * 1000 || 0,
    p50: percentile(sorted, 0.5),
    p99: percentile(sorted, 0.99),
    replies: latencies.length,
    failed: result.non2xx + result.errors + result.timeouts + result.mismatches,
  };
}
