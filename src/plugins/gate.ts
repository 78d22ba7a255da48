import type { FastifyRequest } from "fastify";
import fp from "fastify-plugin";
import { type Executor, executorThrough } from "../database/connect.ts";
import { type Gate, type Leave, makeGate, type Place } from "../lib/gate.ts";
import { outageOf } from "../lib/outages.ts";
import { costOf } from "../lib/search-cost.ts";

declare module "fastify" {
  interface FastifyInstance {
    gate: Gate;
    /** Runs the change that a request asks for, once it is let through. */
    throughGate: <T>(request: FastifyRequest, change: () => Promise<T>) => Promise<T>;
    /** For finding out who calls, and whether they may: it takes a part of the connections only. */
    callerDb: Executor;
  }
  interface FastifyRequest {
    /** What a read holds at the gate. */
    leaveGate: Leave | null;
  }
}

/** Milliseconds for which requests for something that others could not get share a part of the connections. */
const memory = 5_000;
/** Milliseconds that a request waits at the gate longer than others may wait for a lock. */
const patienceBeyondLock = 1_500;
const longestQueue = 500;

/** Changes of one resource at a time that hold a connection: they wait for each other's lock anyway. */
const changesOfOne = 2;

const isLockTimeout = (error: unknown) => outageOf(error)?.state === "55P03";

const uuid = /^[0-9a-f]{8}-[0-9a-f-]{27}$/i;

/** `/v1/needs` of `/v1/needs/0198.../publish`, and that need, if the path names one. */
function partsOf(url: string): { collection: string; resource: string | null } {
  const parts = (url.split("?", 1)[0] ?? "").split("/");
  const at = parts.findIndex((part) => uuid.test(part));
  return {
    collection: parts.slice(0, 3).join("/"),
    resource: at === -1 ? null : parts.slice(0, at + 1).join("/"),
  };
}

/**
 * Who holds connections. One lock that is held must not take them all: those who wait for it wait mostly
 * here, by what they read or change and for whom, and what they do not hold is there for the others.
 */
export default fp(
  async (app) => {
    const { pool } = app.database;
    const size = pool.options.max;
    const share = (part: number) => Math.max(1, Math.floor(size * part));
    const patience = app.config.databaseLockTimeout + patienceBeyondLock;
    const gate = makeGate({ suspectsMost: share(0.5), memory, patience, longestQueue });
    // One connection cannot be shared out: the first to ask has it, which the pool sees to.
    const enter = (places: readonly Place[]) =>
      size === 1 ? ((() => {}) satisfies Leave) : gate.enter(places);

    /** As many as there are connections, so that nobody waits for one who counts as holding it. */
    const placesOfAll = (collection: string): Place[] => [
      { name: "all", most: size, isWide: true },
      { name: collection, most: share(0.7), isWide: true },
    ];

    app.decorate("gate", gate);
    app.decorate("throughGate", async (request, change) => {
      const { collection, resource } = partsOf(request.url);
      const places: Place[] = [
        ...placesOfAll(collection),
        // Three of ten connections are for those who read, whatever the writers wait for.
        { name: "writers", most: share(0.7), isWide: true },
        { name: `change ${collection}`, most: size },
      ];
      if (resource) places.push({ name: resource, most: changesOfOne });
      if (request.actor) places.push({ name: request.actor.organizationId, most: share(0.3) });
      const leave = await enter(places);
      try {
        return await change();
      } catch (error) {
        leave(isLockTimeout(error));
        throw error;
      } finally {
        leave();
      }
    });
    /** However many search: what they wait for is not taken from those who read one listing. */
    const searches: Place = { name: "searches", most: share(0.3), isWide: true };

    const callers: Place[] = [{ name: "callers", most: share(0.4), isWide: true }];
    app.decorate(
      "callerDb",
      executorThrough(pool, () => enter(callers)),
    );

    /** What a read of each route takes, by the route's path. */
    const placesOf = new Map<string, readonly Place[]>();
    app.addHook("onRoute", ({ url, method, config }) => {
      const { vital, withoutDatabase } = config ?? {};
      if (![method].flat().includes("GET") || vital || withoutDatabase) return;
      const { collection } = partsOf(url);
      placesOf.set(url, [...placesOfAll(collection), { name: `read ${collection}`, most: size }]);
    });
    app.decorateRequest("leaveGate", null);
    app.addHook("preHandler", (request, reply, done) => {
      const { method, routeOptions } = request;
      const isRead = method === "GET" || method === "HEAD";
      // An address that is none has no route.
      const ofRoute = isRead ? placesOf.get(routeOptions.url ?? "") : undefined;
      if (!ofRoute) return done();
      const isSearch = costOf(routeOptions.config, request.query as object) > 0;
      const places = isSearch ? [...ofRoute, searches] : ofRoute;
      const entered = enter(places);
      if (!(entered instanceof Promise)) {
        request.leaveGate = entered;
        return done();
      }
      entered.then((leave) => {
        // Refused meanwhile from outside: no later hook would give the place back.
        if (reply.sent) return leave();
        request.leaveGate = leave;
        done();
      }, done);
    });
    app.addHook("onError", (request, _reply, error, done) => {
      request.leaveGate?.(isLockTimeout(error));
      done();
    });
    // The reply is made then; how fast its reader takes it holds up nobody. When its maker fails: at the end.
    app.addHook("onSend", (request, _reply, payload, done) => {
      request.leaveGate?.();
      done(null, payload);
    });
    app.addHook("onResponse", (request, _reply, done) => {
      request.leaveGate?.();
      done();
    });
  },
  { name: "gate", dependencies: ["database"] },
);
