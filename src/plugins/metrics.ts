import fp from "fastify-plugin";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

declare module "fastify" {
  interface FastifyInstance {
    metrics: Registry;
  }
}

/** Counts and times requests for Prometheus, labelled by route template: no ids, no names. */
export default fp(
  async (app) => {
    const registry = new Registry();
    collectDefaultMetrics({ register: registry });
    const duration = new Histogram({
      name: "http_request_duration_seconds",
      help: "Time from the request's arrival to its reply.",
      labelNames: ["method", "route", "status"] as const,
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
      registers: [registry],
    });
    new Gauge({
      name: "database_pool_waiting",
      help: "Requests that wait for a database connection.",
      registers: [registry],
      collect() {
        this.set(app.database.pool.waitingCount);
      },
    });
    new Gauge({
      name: "database_gate_waiting",
      help: "Requests that wait until fewer others hold connections for the same.",
      registers: [registry],
      collect() {
        this.set(app.gate.waiting());
      },
    });
    new Gauge({
      name: "http_connections",
      help: "Connections of callers that are open.",
      registers: [registry],
      collect() {
        this.set(app.connections.open());
      },
    });
    new Counter({
      name: "http_connections_cut_total",
      help: "Connections that this side ended, by reason.",
      labelNames: ["reason"] as const,
      registers: [registry],
      collect() {
        this.reset();
        for (const [reason, count] of app.connections.cut) this.inc({ reason }, count);
      },
    });
    app.decorate("metrics", registry);
    app.addHook("onResponse", (request, reply, done) => {
      duration.observe(
        {
          method: request.method,
          route: request.routeOptions.url ?? "none",
          status: reply.statusCode,
        },
        reply.elapsedTime / 1000,
      );
      done();
    });
  },
  { name: "metrics", dependencies: ["gate", "sockets"] },
);
