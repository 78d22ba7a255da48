import fp from "fastify-plugin";
import { AppError } from "../lib/errors.ts";

/** A client's own request id is taken only in this shape; anything else could forge a log line. */
export const requestIdShape = /^[A-Za-z0-9._-]{8,64}$/;

/** W3C trace context, version 00. */
const traceparent = /^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/;

/** Whether the query string cannot be decoded. The router refuses only paths; a query would be taken as typed. */
function hasBrokenQuery(url: string): boolean {
  const start = url.indexOf("?");
  if (start === -1 || !url.includes("%", start)) return false;
  try {
    decodeURIComponent(url.slice(start));
    return false;
  } catch {
    return true;
  }
}

/** The request id on every reply, and one log line a request: route template, never the URL. */
export default fp(
  async (app) => {
    app.addHook("onRequest", async (request, reply) => {
      reply.header("request-id", request.id);
      if (hasBrokenQuery(request.url)) throw new AppError("request.malformed_url");
    });
    app.addHook("onResponse", async (request, reply) => {
      request.log.info(
        {
          method: request.method,
          route: request.routeOptions.url,
          status: reply.statusCode,
          ms: Math.round(reply.elapsedTime * 10) / 10,
          actor: request.actor?.id,
          trace: traceparent.exec(String(request.headers.traceparent ?? ""))?.[1],
        },
        "request",
      );
    });
  },
  { name: "requests" },
);
