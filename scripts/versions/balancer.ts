/** A load balancer as a market has one: it looks at `/readyz` and hands each request to the next process that is ready. */
import http from "node:http";
import { setTimeout } from "node:timers/promises";

export interface Balancer {
  /** Sends requests to this process too, once it is ready. */
  add: (url: string) => void;
  /** Sends none to it any more, even if it says that it is ready. */
  drop: (url: string) => void;
  /** How many requests this process has answered so far. */
  answered: (url: string) => number;
  /** What went wrong: answers of 500 and above, and requests that got none. */
  failures: string[];
  close: () => Promise<void>;
}

/** Milliseconds between two looks at a process. */
const pause = 200;

/** @param port on which it listens, on loopback */
export async function openBalancer(port: number): Promise<Balancer> {
  const backends = new Map<string, { isReady: boolean; answered: number }>();
  const failures: string[] = [];
  const agent = new http.Agent({ keepAlive: true });
  let turn = 0;

  const server = http.createServer((request, response) => {
    const ready = [...backends].filter(([, { isReady }]) => isReady);
    turn += 1;
    const [url, backend] = ready[turn % ready.length] ?? [];
    const what = `${request.method} ${request.url}`;
    const fail = (why: string) => {
      failures.push(`${what} at ${url}: ${why}`);
      if (!response.headersSent) response.writeHead(502);
      response.end();
    };
    if (!url || !backend) return fail("no process is ready");
    const { method, headers } = request;
    const forwarded = http.request(`${url}${request.url}`, { method, headers, agent });
    forwarded.on("error", (error) => fail(error.message));
    forwarded.on("response", (answer) => {
      const status = answer.statusCode ?? 0;
      if (status >= 500) failures.push(`${what} at ${url}: ${status}`);
      backend.answered += 1;
      answer.on("error", (error) => fail(error.message));
      response.writeHead(status, answer.headers);
      answer.pipe(response);
    });
    request.pipe(forwarded);
  });
  await new Promise<void>((resolve) => {
    server.listen(port, "127.0.0.1", resolve);
  });

  const closing = new AbortController();
  const looking = (async () => {
    while (!closing.signal.aborted) {
      for (const [url, backend] of backends) {
        const reply = await fetch(`${url}/readyz`).catch(() => null);
        await reply?.body?.cancel();
        backend.isReady = reply?.ok ?? false;
      }
      await setTimeout(pause, undefined, { signal: closing.signal }).catch(() => {});
    }
  })();
  return {
    add: (url) => backends.set(url, { isReady: false, answered: 0 }),
    drop: (url) => backends.delete(url),
    answered: (url) => backends.get(url)?.answered ?? 0,
    failures,
    close: async () => {
      closing.abort();
      await looking;
      agent.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}
