import type { FastifyReply, FastifyRequest, onSendHookHandler } from "fastify";
import fp from "fastify-plugin";
import { AppError } from "../lib/errors.ts";
import { etagOf, noneMatches } from "../lib/etag.ts";

/**
 * Entity tags on replies, 304 for `If-None-Match`, 428 where a change must name its version, and
 * what caches may do with a reply (RFC 9110 13, RFC 9111).
 */
export default fp(
  async (app) => {
    app.addHook("onRoute", (route) => {
      const { etag, ifMatch, cacheSeconds, idempotency, sameForAll } = route.config ?? {};
      if (ifMatch === "required") {
        route.preHandler = [route.preHandler ?? []].flat();
        route.preHandler.push(async (request) => {
          if (request.headers["if-match"] === undefined) {
            throw new AppError("request.precondition_required");
          }
        });
      }
      const secret = idempotency === "refused";
      /** What caches may do: nothing with what was made for somebody, or tells a secret (RFC 9111 5.2.2.5). */
      const useOf = ({ headers }: FastifyRequest): string => {
        const isSignedIn = headers.authorization !== undefined;
        if (secret || (isSignedIn && !sameForAll)) return "no-store";
        return cacheSeconds && !isSignedIn
          ? `public, max-age=${cacheSeconds}`
          : "private, no-cache";
      };
      route.onSend = [route.onSend ?? []].flat();
      const conditional = (request: FastifyRequest, reply: FastifyReply, payload: unknown) => {
        const isRefusal = reply.statusCode >= 400;
        if (!reply.hasHeader("cache-control")) {
          const use = isRefusal ? "no-store" : useOf(request);
          reply.header("cache-control", use);
          if (!reply.hasHeader("vary")) reply.header("vary", "Authorization, Accept-Language");
        }
        if (isRefusal) return payload;
        if (!etag || (typeof payload !== "string" && !Buffer.isBuffer(payload))) return payload;
        if (!reply.hasHeader("etag")) {
          reply.header("etag", etagOf(etag === "version" ? reply.resourceVersion : null, payload));
        }
        const known = request.headers["if-none-match"];
        const isRead = request.method === "GET" || request.method === "HEAD";
        if (isRead && known && noneMatches(known, String(reply.getHeader("etag")))) {
          reply.code(304).removeHeader("content-length").removeHeader("content-type");
          // Fastify's own hook of a HEAD route takes the payload's length, and the payload away.
          return request.method === "HEAD" ? payload : null;
        }
        return payload;
      };
      const hook: onSendHookHandler = (request, reply, payload, done) =>
        done(null, conditional(request, reply, payload));
      // On a HEAD route the last hook takes the payload away, so the tag is made before it.
      if (route.method === "HEAD") route.onSend.unshift(hook);
      else route.onSend.push(hook);
    });
  },
  { name: "conditional", dependencies: ["contract"] },
);
