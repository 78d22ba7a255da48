import type { Socket } from "node:net";
import type { FastifyReply, FastifyRequest } from "fastify";
import fp from "fastify-plugin";
import type { Config } from "../config.ts";
import { AppError, type ErrorCode } from "../lib/errors.ts";
import { isOver } from "../lib/exchanges.ts";
import { type BoundedServers, boundedServers } from "../lib/http-server.ts";
import { unknownOutcome } from "../lib/outages.ts";
import { bareProblem } from "./problems.ts";

declare module "fastify" {
  interface FastifyInstance {
    /** What is known of connections, for metrics. */
    connections: { open: () => number; cut: ReadonlyMap<string, number> };
  }
}

interface Bounded {
  servers: BoundedServers;
  /** Answers what is no request, or did not become one in time. */
  refuseBroken: (error: Error & { code?: string }, socket: Socket) => void;
  /** How many connections were cut, by reason. */
  cuts: Map<string, number>;
}

/** Milliseconds for which a connection may rest between two requests: longer than proxies keep theirs. */
const keepAlive = 65_000;

/** What Node's parser and its clock find, in this API's words; what is not listed is no HTTP. */
const brokenCodes: Record<string, ErrorCode> = {
  ERR_HTTP_REQUEST_TIMEOUT: "request.timeout",
  HPE_HEADER_OVERFLOW: "request.headers_too_large",
  HPE_CHUNK_EXTENSIONS_OVERFLOW: "request.too_large",
  HPE_INVALID_URL: "request.malformed_url",
};

/** The servers of an app, made before it: Fastify asks for one while it is built. */
export function openSockets(config: Readonly<Config>, draining: { now: boolean }): Bounded {
  const cuts = new Map<string, number>();
  const servers = boundedServers({
    limits: {
      request: config.requestSeconds * 1000,
      handler: config.handlerSeconds * 1000,
      reply: config.replySeconds * 1000,
      transfer: config.uploadSeconds * 1000,
    },
    keepAlive,
    isDraining: () => draining.now,
    onCut: (reason) => cuts.set(reason, (cuts.get(reason) ?? 0) + 1),
  });

  function refuseBroken(error: Error & { code?: string }, socket: Socket): void {
    const connection = servers.connectionOf(socket);
    // More of the same on a connection that is closing.
    if (connection && connection.cutAt !== null) return;
    if (!connection || error.code === "ECONNRESET" || !socket.writable) {
      socket.destroy();
      return;
    }
    const code = brokenCodes[error.code ?? ""] ?? "request.malformed_http";
    const { running } = connection;
    if (!running || isOver(running)) {
      socket.write(bareProblem(config.publicUrl, code));
      servers.close(connection);
      return;
    }
    // Requests that came whole before it are answered first; then the connection is closed.
    connection.isLast = true;
    if (running.request.complete) return;
    // A reply that has begun must not get a second head in its middle.
    if (running.response.headersSent || !running.refuse) socket.destroy();
    else running.refuse(code);
  }

  return { servers, refuseBroken, cuts };
}

const isRead = (method: string | undefined) => method === "GET" || method === "HEAD";

/** How a request is refused from outside of its handler, perhaps again and again until it is answered. */
function refusalOf(request: FastifyRequest, reply: FastifyReply): (code: ErrorCode) => void {
  const { raw } = request;
  let isTold = false;
  return (code) => {
    if (reply.sent) return;
    const headers = code === "server.overloaded" ? { "retry-after": "5" } : undefined;
    // The handler of a change goes on, whatever the caller is told: it may still be committed.
    const goesOn = code === "server.overloaded" && raw.complete && !isRead(raw.method);
    const refusal = new AppError(code, { headers, ...(goesOn && unknownOutcome) });
    if (!raw.complete) reply.header("connection", "close");
    if (!raw.complete && !isTold && raw.listenerCount("error") > 0) {
      // The reader of the body gets it like any failure, cleans up, and refuses the request.
      isTold = true;
      raw.emit("error", refusal);
    } else reply.send(refusal);
  };
}

/**
 * Bounds of what callers take: a request that does not arrive (408), a handler that does not answer
 * (503), a reply that nobody reads (the connection ends), and what still runs when the process stops.
 */
export default fp<{ bounded: Bounded; stopSeconds: number }>(
  async (app, { bounded: { servers, cuts }, stopSeconds }) => {
    app.decorate("connections", { open: servers.openConnections, cut: cuts });
    app.addHook("onRequest", (request, reply, done) => {
      const exchange = servers.exchangeOf(request.raw);
      if (exchange) {
        exchange.transfers = request.routeOptions.config.transfers ?? false;
        exchange.refuse = refusalOf(request, reply);
      }
      done();
    });
    // Also when the stop began after the request: a reply that says nothing would be taken for one of a
    // connection that stays.
    app.addHook("onSend", (request, reply, payload, done) => {
      if (servers.isLastReply(request.raw)) reply.header("connection", "close");
      done(null, payload);
    });
    app.addHook("preClose", async () => {
      app.draining.now = true;
      await servers.stop(stopSeconds * 1000);
    });
    app.addHook("onClose", async () => {
      const cut = servers.ended();
      if (cut > 0) app.log.warn({ cut }, "requests that still ran were cut");
    });
  },
  { name: "sockets", dependencies: ["problems"] },
);
