import fp from "fastify-plugin";

/** `Link: rel="next"` (RFC 8288) on every page that has a next one: the same address with its cursor. */
export default fp(
  async (app) => {
    app.addHook("preSerialization", async (request, reply, payload) => {
      const next = (payload as { page?: { next?: unknown } } | null)?.page?.next;
      if (typeof next === "string") {
        const [path, query] = request.url.split("?", 2);
        const parameters = new URLSearchParams(query);
        parameters.set("cursor", next);
        reply.header("link", `<${path}?${parameters}>; rel="next"`);
      }
      return payload;
    });
  },
  { name: "links", dependencies: ["contract"] },
);
