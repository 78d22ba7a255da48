import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import fp from "fastify-plugin";
import { loggable } from "../lib/loggable.ts";

declare module "fastify" {
  interface FastifyInstance {
    /** Port on which metrics are served apart from everything else; null where they are not. */
    metricsPort: () => number | null;
  }
}

/** A few monitors ask now and then; whoever takes more of it takes nothing from callers. */
const bounds = {
  connections: 20,
  requestsOfOne: 100,
  /** Milliseconds for a request to arrive, for a reply to be taken, and between two requests. */
  patience: 10_000,
  headerBytes: 8 * 1024,
} as const;

/** Serves metrics on a port of their own, which a proxy in front of the market does not pass on. */
export default fp<{ host: string; port: number | null }>(
  async (app, { host, port }) => {
    let server: Server | null = null;
    app.decorate("metricsPort", () => {
      const address = server?.address();
      return typeof address === "object" && address ? address.port : null;
    });
    if (port === null) return;

    async function answer({ method, url }: IncomingMessage, response: ServerResponse) {
      const isAsked = url?.split("?", 1)[0] === "/metrics";
      if (!isAsked || (method !== "GET" && method !== "HEAD")) {
        // A body that comes along is not read.
        response.writeHead(404, { "content-length": 0, connection: "close" }).end();
        return;
      }
      const text = await app.metrics.metrics();
      response.writeHead(200, {
        "content-type": app.metrics.contentType,
        "content-length": Buffer.byteLength(text),
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
      });
      response.end(method === "HEAD" ? undefined : text);
    }

    const { patience } = bounds;
    const made = createServer(
      {
        requestTimeout: patience,
        headersTimeout: patience,
        keepAliveTimeout: patience,
        connectionsCheckingInterval: 1_000,
        maxHeaderSize: bounds.headerBytes,
      },
      (request, response) => {
        answer(request, response).catch((error: unknown) => {
          app.log.error({ error: loggable(error) }, "metrics could not be told");
          if (!response.headersSent) response.writeHead(500, { "content-length": 0 });
          response.end();
        });
      },
    );
    made.maxConnections = bounds.connections;
    made.maxRequestsPerSocket = bounds.requestsOfOne;
    // A reply that nobody takes.
    made.setTimeout(patience, (socket) => socket.destroy());

    app.addHook("onReady", async () => {
      await new Promise<void>((resolve, reject) => {
        made.once("error", reject).listen(port, host, () => {
          made.off("error", reject);
          // Without a listener, running out of file descriptors would end the process.
          made.on("error", (error) => app.log.error({ error: loggable(error) }, "metrics"));
          resolve();
        });
      });
      server = made;
    });
    // The last that ends: whoever watches sees how it stops.
    app.addHook("onClose", async () => {
      if (!server) return;
      const closed = new Promise((resolve) => made.close(resolve));
      made.closeAllConnections();
      await closed;
    });
  },
  { name: "metrics-server", dependencies: ["metrics"] },
);
