/** The table of contents: plugins in the order in which they matter, then every feature. */
import { join } from "node:path";
import autoload from "@fastify/autoload";
import formbody from "@fastify/formbody";
import underPressure from "@fastify/under-pressure";
import Fastify, { type FastifyServerOptions, LogController } from "fastify";
import type { Config } from "./config.ts";
import type { Database } from "./database/connect.ts";
import { embeddedReserve } from "./database/embedded-log.ts";
import { random } from "./lib/ids.ts";
import type { SigningKeys } from "./lib/signing-keys.ts";
import authentication from "./plugins/authentication.ts";
import clock from "./plugins/clock.ts";
import conditional from "./plugins/conditional.ts";
import contract, { type App } from "./plugins/contract.ts";
import database from "./plugins/database.ts";
import disk from "./plugins/disk.ts";
import files from "./plugins/files.ts";
import gate from "./plugins/gate.ts";
import health from "./plugins/health.ts";
import jobs from "./plugins/jobs.ts";
import links from "./plugins/links.ts";
import metrics from "./plugins/metrics.ts";
import openapi from "./plugins/openapi.ts";
import problems, { refuseUnroutable } from "./plugins/problems.ts";
import requests, { requestIdShape } from "./plugins/requests.ts";
import sockets, { openSockets } from "./plugins/sockets.ts";
import writes from "./plugins/writes.ts";

declare module "fastify" {
  interface FastifyInstance {
    config: Readonly<Config>;
    signingKeys: SigningKeys;
    /** Once true, /readyz answers 503, so that no new requests are sent here while the process stops. */
    draining: { now: boolean };
  }
}

export interface Parts {
  database: Database;
  keys: SigningKeys;
  logger?: FastifyServerOptions["logger"];
  /** Whether this process runs the jobs; tests call them themselves. */
  runJobs?: boolean;
}

/** Largest body that is read, in bytes. */
const bodyLimit = 1024 * 1024;

/** Builds the service on an open, migrated database. It does not listen yet. */
export async function buildApp(config: Readonly<Config>, parts: Parts): Promise<App> {
  const draining = { now: false };
  const bounded = openSockets(config, draining);
  const app = Fastify({
    logger: parts.logger ?? false,
    // One line a request is written by plugins/requests.ts.
    logController: new LogController({
      disableRequestLogging: true,
      requestIdLogLabel: "requestId",
    }),
    trustProxy: config.trustProxy,
    bodyLimit,
    // A reader of the log must be able to trust the id: only one of the agreed shape is taken over.
    genReqId: ({ headers }) => {
      const given = headers["request-id"];
      return typeof given === "string" && requestIdShape.test(given) ? given : random.requestId();
    },
    // Times of requests, handlers and replies are kept there, by route and by connection.
    serverFactory: bounded.servers.create,
    clientErrorHandler: bounded.refuseBroken,
    // Many processes that start at once on a busy machine are slow, not broken.
    pluginTimeout: 120_000,
    // While it drains it answers what still comes; the socket then closes.
    return503OnClosing: false,
    routerOptions: { maxParamLength: 200 },
    frameworkErrors: refuseUnroutable(config.publicUrl),
  }) as unknown as App;
  app.decorate("config", config);
  app.decorate("signingKeys", parts.keys);
  app.decorate("draining", draining);
  const { publicUrl, accessTokenSeconds, checkReplies } = config;

  await app.register(contract, { checkReplies });
  await app.register(problems, { publicUrl });
  await app.register(sockets, { bounded, stopSeconds: config.stopSeconds });
  await app.register(requests);
  await app.register(underPressure, {
    maxEventLoopDelay: config.maxEventLoopDelay,
    // 0 turns the check off, like the one above.
    maxHeapUsedBytes: config.maxHeapMegabytes * 1024 * 1024,
    retryAfter: 5,
  });
  await app.register(formbody);
  app.addContentTypeParser(
    "application/merge-patch+json",
    { parseAs: "string" },
    app.getDefaultJsonParser("error", "error"),
  );
  await app.register(database, { database: parts.database });
  await app.register(health);
  await app.register(gate);
  // A database of our own lies on our disk.
  const neighbour = config.databaseUrl
    ? null
    : { folder: config.dataDir, reserve: embeddedReserve };
  const attachments = join(config.dataDir, "files");
  await app.register(files, { folder: attachments, neighbour });
  await app.register(metrics);
  await app.register(disk, {
    places: { attachments, ...(neighbour && { data: neighbour.folder }) },
    leastFree: config.minFreeMegabytes * 1024 * 1024,
    database: neighbour && { place: "data", reserve: neighbour.reserve },
  });
  await app.register(clock);
  await app.register(authentication, { keys: parts.keys, publicUrl, accessTokenSeconds });
  await app.register(conditional);
  await app.register(links);
  await app.register(writes);
  await app.register(jobs, { run: parts.runJobs ?? false });
  await app.register(openapi, { publicUrl });
  await app.register(autoload, {
    dir: join(import.meta.dirname, "modules"),
    // `<feature>.routes.ts` and `<feature>.worker.ts`; compiled, they end in .js.
    matchFilter: (path) => /\.(routes|worker)\.(ts|js)$/.test(path),
    dirNameRoutePrefix: false,
    encapsulate: true,
    forceESM: true,
  });
  return app;
}
