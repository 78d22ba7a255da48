/** The limit: a bare Fastify handler that sends a constant as long as the reply. What is left to gain ends there. */
import Fastify from "fastify";
import type { Job } from "./cases.ts";

/** Opens it; it listens on a free port. */
export async function openLimit({ capture }: Job) {
  if (!capture) throw new Error("the limit needs what was captured of the API");
  const { one, page, own, create } = capture.replies;
  const type = "application/json; charset=utf-8";
  const app = Fastify({ logger: false });
  app.get("/v1/results/:id", (_request, reply) => reply.type(type).send(one));
  app.get<{ Querystring: { fieldCode?: string } }>("/v1/results", ({ query }, reply) =>
    reply.type(type).send(query.fieldCode ? page : own),
  );
  app.post("/v1/needs", (_request, reply) => reply.code(201).type(type).send(create));
  return { app, close: () => app.close() };
}
