import fp from "fastify-plugin";
import type { Database } from "../database/connect.ts";
import { AppError } from "../lib/errors.ts";

declare module "fastify" {
  interface FastifyInstance {
    database: Database;
  }
}

/** Requests that may wait for a connection before further ones are turned away. */
const longestQueue = 500;

/** Makes the database known to routes, and turns requests away while too many wait for it. */
export default fp<{ database: Database }>(
  async (app, { database }) => {
    app.decorate("database", database);
    app.addHook("onRequest", ({ routeOptions: { config } }, _reply, done) => {
      const isFree = config.vital || config.withoutDatabase;
      const isFull = !isFree && database.pool.waitingCount > longestQueue;
      done(
        isFull ? new AppError("server.overloaded", { headers: { "retry-after": "2" } }) : undefined,
      );
    });
  },
  { name: "database", dependencies: ["contract"] },
);
