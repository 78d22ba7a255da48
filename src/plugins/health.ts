import fp from "fastify-plugin";
import { schemaState, servesSchema } from "../database/schema-state.ts";
import { loggable } from "../lib/loggable.ts";

/** Something that is not as it should be, though calls are answered: the operator is to look at it. */
export interface ReadinessCheck {
  /** As it stands in `degraded` of /readyz. */
  name: string;
  /** Read at each call of /readyz, so it knows the answer already: no waiting here. */
  degraded: () => boolean;
}

export interface Readiness {
  status: "ok" | "degraded" | "unavailable";
  checks: { database: boolean; migrations: boolean; draining: boolean };
  /** Names of the checks that found something. */
  degraded: string[];
}

declare module "fastify" {
  interface FastifyInstance {
    addReadinessCheck: (check: ReadinessCheck) => void;
    /** How the process stands, from what is known already. */
    readiness: () => Readiness;
  }
}

/**
 * How the process stands, found out in the background, and routes that answer in every state (`vital`):
 * load shedding lets them through.
 */
export default fp(
  async (app) => {
    const watch = app.database.watch({
      isCurrent: async (db) => servesSchema(await schemaState(db)),
      onChange: (isThere, reason) => {
        if (isThere) app.log.info("the database answers again");
        else app.log.error({ error: reason && loggable(reason) }, "the database does not answer");
      },
    });
    app.addHook("onReady", () => watch.begun);
    app.addHook("onClose", () => watch.stop());

    const checks: ReadinessCheck[] = [];
    app.decorate("addReadinessCheck", (check) => {
      checks.push(check);
    });
    app.decorate("readiness", () => {
      const { database, migrations } = watch.health();
      const draining = app.draining.now;
      const degraded = checks.filter((check) => check.degraded()).map(({ name }) => name);
      const isReady = database && migrations && !draining;
      const status = !isReady ? "unavailable" : degraded.length > 0 ? "degraded" : "ok";
      return { status, checks: { database, migrations, draining }, degraded };
    });

    app.addHook("onRoute", ({ config }) => {
      // How @fastify/under-pressure is told, for each route, to do nothing; its types do not say so.
      if (config?.vital) Object.assign(config, { pressureHandler: () => {} });
    });
  },
  { name: "health", dependencies: ["database"] },
);
