import fp from "fastify-plugin";

/** `Link: rel="next"` (RFC 8288) on every page that has a next one: the same address with its cursor. */
export default fp(
  async (app) => {
    app.addHook("preSerialization", (request, reply, payload, done) => {
      const page = (payload as { page?: { next?: unknown; hasMore?: unknown } } | null)?.page;
      const next = page?.next;
      if (typeof next === "string" && page?.hasMore === true) {
        const start = request.url.indexOf("?");
        const path = start === -1 ? request.url : request.url.slice(0, start);
        const parameters = new URLSearchParams(start === -1 ? "" : request.url.slice(start + 1));
        parameters.set(request.routeOptions.config.pagesBy ?? "cursor", next);
        reply.header("link", `<${path}?${parameters}>; rel="next"`);
      }
      done(null, payload);
    });
  },
  { name: "links", dependencies: ["contract"] },
);
