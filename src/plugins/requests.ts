import type { FastifyReply, FastifyRequest } from "fastify";
import fp from "fastify-plugin";
import { AppError } from "../lib/errors.ts";

declare module "fastify" {
  interface FastifyReply {
    /** Its line is in the log. */
    isLogged: boolean;
    /** Code of the refusal that it is, for that line; null when it is none. */
    refusedWith: string | null;
  }
}

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

/**
 * What an API tells browsers (OWASP REST Security Cheat Sheet): take the reply for what it says it is,
 * frame nothing, run nothing. The docs page, which is one, says its own.
 */
const securityHeaders = {
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "strict-transport-security": "max-age=31536000; includeSubDomains",
  "x-content-type-options": "nosniff",
};

/** The line of a request: route template, never the URL. */
function logRequest(request: FastifyRequest, reply: FastifyReply, cut?: true): void {
  request.log.info(
    {
      method: request.method,
      route: request.routeOptions.url,
      status: reply.statusCode,
      code: reply.refusedWith ?? undefined,
      cut,
      ms: Math.round(reply.elapsedTime * 10) / 10,
      actor: request.actor?.id,
      trace: traceparent.exec(String(request.headers.traceparent ?? ""))?.[1],
    },
    "request",
  );
}

/** The request id on every reply, and one log line a request, whether or not its reply went out whole. */
export default fp(
  async (app) => {
    app.decorateReply("isLogged", false);
    app.decorateReply("refusedWith", null);
    // Hooks that every request passes take a callback: an async one costs a turn of the event loop.
    app.addHook("onRequest", (request, reply, done) => {
      reply.headers(securityHeaders).header("request-id", request.id);
      // A connection that ends in the middle of a reply, or before it, is no response to Fastify.
      reply.raw.once("close", () => {
        if (!reply.isLogged) logRequest(request, reply, true);
      });
      const { httpVersion, headers } = request.raw;
      // RFC 9112 3.2
      if (httpVersion === "1.1" && headers.host === undefined) {
        return done(new AppError("request.malformed_http"));
      }
      done(hasBrokenQuery(request.url) ? new AppError("request.malformed_url") : undefined);
    });
    app.addHook("onResponse", (request, reply, done) => {
      reply.isLogged = true;
      logRequest(request, reply);
      done();
    });
  },
  { name: "requests" },
);
