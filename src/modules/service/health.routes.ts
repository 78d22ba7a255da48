import { z } from "zod";
import { version } from "../../lib/version.ts";
import type { App } from "../../plugins/contract.ts";

const tags = ["service"];
const access = { public: true } as const;

const State = z.object({ status: z.enum(["ok", "unavailable"]) }).meta({ id: "State" });

const Readiness = z
  .object({
    status: z
      .enum(["ok", "degraded", "unavailable"])
      .describe("`degraded`: calls are answered, and the operator is to look at something."),
    checks: z.object({
      database: z.boolean(),
      migrations: z
        .boolean()
        .describe(
          "The schema is the one this program was written for, or a newer one, which only adds.",
        ),
      draining: z.boolean().describe("The process is about to stop and takes no new work."),
    }),
    degraded: z.array(z.string()).describe("What the operator is to look at, by name."),
  })
  .meta({ id: "Readiness" });

const Version = z.object({ version: z.string(), node: z.string() }).meta({ id: "Version" });

/** How a process stands: all that one which runs jobs and serves nobody (`src/worker.ts`) answers. */
export default async function healthRoutes(app: App) {
  app.get(
    "/livez",
    {
      config: { access, vital: true },
      schema: {
        operationId: "readLiveness",
        summary: "Is the process alive",
        description: "Never touches the database.",
        tags,
        response: { 200: State },
      },
    },
    async () => ({ status: "ok" as const }),
  );

  app.get(
    "/readyz",
    {
      config: { access, vital: true },
      schema: {
        operationId: "readReadiness",
        summary: "May requests be sent here",
        description:
          "Database answering, schema migrated, not about to stop. Known from looking every half second: the answer waits for nobody.",
        tags,
        response: {
          200: Readiness,
          503: {
            description: "Not ready.",
            content: { "application/json": { schema: Readiness } },
          },
        },
      },
    },
    async (_request, reply) => {
      const readiness = app.readiness();
      const isReady = readiness.status !== "unavailable";
      if (!isReady) reply.refusedWith = "server.unavailable";
      return reply.code(isReady ? 200 : 503).send(readiness);
    },
  );

  app.get(
    "/version",
    {
      config: { access, vital: true },
      schema: {
        operationId: "readVersion",
        summary: "Which version runs here",
        description: "The program's and Node's.",
        tags,
        response: { 200: Version },
      },
    },
    async () => ({ version, node: process.version }),
  );

  // Else `plugins/metrics-server.ts` serves them, and nothing is here.
  if (app.config.metrics.port !== null) return;
  app.get(
    "/metrics",
    {
      config: { access, vital: true },
      schema: {
        operationId: "readMetrics",
        summary: "Measurements for Prometheus",
        description:
          "By route template, without ids or names. Keep it inside: let the proxy answer 404 outside, or set METRICS_PORT: then it is on that port only, and a 404 here.",
        tags,
        response: {
          200: { description: "Text format.", content: { "text/plain": { schema: z.string() } } },
        },
      },
    },
    async (_request, reply) => {
      const text = await app.metrics.metrics();
      return reply.type("text/plain; version=0.0.4; charset=utf-8").send(text);
    },
  );
}
