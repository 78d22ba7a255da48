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
import { setReactions } from "./lifecycle/reactions.ts";
import authentication from "./plugins/authentication.ts";
import bodies from "./plugins/bodies.ts";
import clock from "./plugins/clock.ts";
import conditional from "./plugins/conditional.ts";
import contract, { type App } from "./plugins/contract.ts";
import database from "./plugins/database.ts";
import disk from "./plugins/disk.ts";
import files from "./plugins/files.ts";
import gate from "./plugins/gate.ts";
import health from "./plugins/health.ts";
import jobs, { type JobMode } from "./plugins/jobs.ts";
import kept from "./plugins/kept.ts";
import links from "./plugins/links.ts";
import metrics from "./plugins/metrics.ts";
import metricsServer from "./plugins/metrics-server.ts";
import openapi from "./plugins/openapi.ts";
import problems, { refuseUnroutable } from "./plugins/problems.ts";
import rateLimits from "./plugins/rate-limits.ts";
import requests, { requestIdShape } from "./plugins/requests.ts";
import scanner from "./plugins/scanner.ts";
import shapes from "./plugins/shapes.ts";
import sockets, { openSockets } from "./plugins/sockets.ts";
import writes from "./plugins/writes.ts";
import { mailReactions, reactions } from "./reactions.ts";

declare module "fastify" {
  interface FastifyInstance {
    config: Readonly<Config>;
    signingKeys: SigningKeys;
    /** Once true, /readyz answers 503, so that no new requests are sent here while the process stops. */
    draining: { now: boolean };
  }
}

interface WorkerParts {
  database: Database;
  logger?: FastifyServerOptions["logger"];
}

export interface Parts extends WorkerParts {
  keys: SigningKeys;
  /** Whether this process runs the jobs; tests call them themselves. */
  runJobs?: boolean;
}

/** Largest body that is read of who is signed in, in bytes; files have a limit of their own. */
const bodyLimit = 1024 * 1024;

/** Builds the service on an open, migrated database. It does not listen yet. */
export const buildApp = (
  config: Readonly<Config>,
  { database, logger, keys, runJobs = false }: Parts,
): Promise<App> =>
  assemble(config, { database, logger }, { keys, jobs: runJobs ? "run" : jobsOf(config) });

/** Jobs that another process runs are looked at; in a test, nobody runs them but the test. */
const jobsOf = ({ jobs }: Readonly<Config>) => (jobs === "outside" ? "look" : "none");

/** The same for a process that runs the jobs and serves nobody: it tells how it stands, and no more. */
export const buildWorker = (config: Readonly<Config>, parts: WorkerParts): Promise<App> =>
  assemble(config, parts, { keys: null, jobs: "run" });

/** @param keys null: it serves nobody */
async function assemble(
  config: Readonly<Config>,
  parts: WorkerParts,
  { keys, jobs: mode }: { keys: SigningKeys | null; jobs: JobMode },
): Promise<App> {
  setReactions(config.mail ? [...reactions, ...mailReactions] : reactions);
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
    // A slash at the end means the same address. An id of an organization's own has up to 100 characters, which
    // may all be written as `%2F`.
    routerOptions: { maxParamLength: 300, ignoreTrailingSlash: true },
    frameworkErrors: refuseUnroutable(config.publicUrl),
  }) as unknown as App;
  app.decorate("config", config);
  if (keys) app.decorate("signingKeys", keys);
  app.decorate("draining", draining);
  const { publicUrl, accessTokenSeconds, secondFactorRoles, checkReplies } = config;

  await app.register(contract, { checkReplies });
  await app.register(problems, { publicUrl });
  await app.register(sockets, { bounded, stopSeconds: config.stopSeconds });
  await app.register(requests);
  if (keys) {
    await app.register(underPressure, {
      maxEventLoopDelay: config.maxEventLoopDelay,
      // 0 turns the check off, like the one above.
      maxHeapUsedBytes: config.maxHeapMegabytes * 1024 * 1024,
      retryAfter: 5,
    });
    await app.register(formbody);
    await app.register(bodies);
  }
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
  await app.register(metricsServer, config.metrics);
  await app.register(disk, {
    places: { attachments, ...(neighbour && { data: neighbour.folder }) },
    leastFree: config.minFreeMegabytes * 1024 * 1024,
    database: neighbour && { place: "data", reserve: neighbour.reserve },
  });
  await app.register(clock);
  if (keys) {
    await app.register(scanner, {
      address: config.scanner,
      handlerSeconds: config.handlerSeconds,
    });
    await app.register(rateLimits, {
      quotas: config.quotas,
      isShared: config.databaseUrl !== null,
    });
    await app.register(authentication, { keys, publicUrl, accessTokenSeconds, secondFactorRoles });
    await app.register(conditional);
    await app.register(kept);
    await app.register(shapes);
    await app.register(links);
    await app.register(writes);
  }
  await app.register(jobs, { mode });
  if (keys) await app.register(openapi, { publicUrl });
  await app.register(autoload, {
    dir: join(import.meta.dirname, "modules"),
    // `<feature>.routes.ts` and `<feature>.worker.ts`; compiled, they end in .js.
    matchFilter: (path) =>
      (keys ? /\.(routes|worker)\.(ts|js)$/ : /(\/health\.routes|\.worker)\.(ts|js)$/).test(path),
    dirNameRoutePrefix: false,
    encapsulate: true,
    forceESM: true,
  });
  return app;
}
