import type { FastifyReply, FastifyRequest } from "fastify";
import fp from "fastify-plugin";
import { addCounts } from "../database/rate-limits.ts";
import { databaseTime } from "../lib/clock.ts";
import { AppError } from "../lib/errors.ts";
import { sha256 } from "../lib/ids.ts";
import { loggable } from "../lib/loggable.ts";
import {
  type Bucket,
  bucketNames,
  buckets,
  makeRateLimiter,
  networkOf,
  type Quota,
  type Quotas,
} from "../lib/rate-limits.ts";
import { costOf } from "../lib/search-cost.ts";

declare module "fastify" {
  interface FastifyInstance {
    /**
     * Counts a request by what it says, beside or in place of by whom it comes.
     * @param who whose quota it is: of somebody known, or of an address
     * @param cost how many it counts for
     * @throws AppError `request.rate_limited` (429) with Retry-After
     */
    limit: (
      reply: FastifyReply,
      bucket: Bucket,
      who: { caller: string } | { address: string },
      cost?: number,
    ) => void;
    /** Counts a request for who calls, once that is known; gives the refusal of one too many. */
    countRequest: (request: FastifyRequest, reply: FastifyReply) => AppError | undefined;
    /** Counts a token that was none for where it came from. */
    countGuess: (request: FastifyRequest, reply: FastifyReply) => AppError | undefined;
  }
}

/** Whose quota it is: of somebody who is known, or of an address. */
type Side = keyof Quota;

/** Who can be named in the log: a client's id in a request for a token may be anything, even its secret. */
const nameable = /^(?:all|[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}(?: \S+)?)$/;

/** Somebody as the log names them; of whoever cannot be named the address at the end. */
const named = (side: Side, who: string) => ({
  [side]: side === "address" || nameable.test(who) ? who : `unknown ${who.split(" ").at(-1)}`,
});

/** Milliseconds between two tellings of what was counted. */
const tellEvery = 1_000;

/**
 * Rate limits (draft-ietf-httpapi-ratelimit-headers-11): each request counts for its caller, or for the
 * address where nobody is signed in, in the bucket of its kind; every reply tells what is left. Routes
 * that answer in every state (`vital`) are not counted. Processes on one server share their counts.
 */
export default fp<{ quotas: Quotas | null; isShared: boolean }>(
  async (app, { quotas: given, isShared }) => {
    if (!given) {
      app.decorate("limit", () => undefined);
      app.decorate("countRequest", () => undefined);
      app.decorate("countGuess", () => undefined);
      return;
    }
    const quotas = given;
    const limiter = makeRateLimiter(databaseTime);

    // There are two of each kind, so they are written once.
    const policies = Object.fromEntries(
      bucketNames.map((bucket) => {
        const policyOf = (quota: number) => `"${bucket}";q=${quota};w=${buckets[bucket].seconds}`;
        const { caller, address } = quotas[bucket];
        return [bucket, { caller: policyOf(caller), address: policyOf(address) }];
      }),
    ) as Record<Bucket, Record<Side, string>>;

    /** Counts a request for somebody, tells what is left, and gives the refusal of one too many. */
    function count(reply: FastifyReply, bucket: Bucket, side: Side, who: string, cost = 1) {
      const left = limiter.take(bucket, `${side} ${who}`, quotas[bucket][side], cost);
      reply.header("ratelimit-policy", policies[bucket][side]);
      reply.header("ratelimit", `"${bucket}";r=${left.remaining};t=${left.resets}`);
      if (!left.isExceeded) return undefined;
      // Once in a window: who goes on knocking fills no log.
      if (left.isFirst) {
        const told = { bucket, ...named(side, who), seconds: left.resets };
        reply.log.warn(
          told,
          "a quota is used up: further requests are refused until its window ends",
        );
      }
      const { seconds } = buckets[bucket];
      const detail = {
        en: `The quota ${bucket} of ${quotas[bucket][side]} in ${seconds} seconds is used up; the next begins in ${left.resets} seconds.`,
        zh: `限额 ${bucket}（${seconds} 秒内 ${quotas[bucket][side]} 次）已用完，${left.resets} 秒后重新计算。`,
      };
      const headers = { "retry-after": String(left.resets) };
      return new AppError("request.rate_limited", { detail, headers });
    }

    app.decorate("limit", (reply, bucket, who, cost) => {
      const refusal =
        "caller" in who
          ? count(reply, bucket, "caller", who.caller, cost)
          : count(reply, bucket, "address", networkOf(who.address), cost);
      if (refusal) throw refusal;
    });

    function bucketOf({
      method,
      routeOptions: { config },
      query,
    }: FastifyRequest): [Bucket, number] {
      const cost = costOf(config, query as object);
      if (cost > 0) return ["search", cost];
      if (config.bucket) return [config.bucket, config.countsItself ? 0 : 1];
      return [method === "GET" || method === "HEAD" ? "reads" : "writes", 1];
    }

    app.decorate("countRequest", (request, reply) => {
      if (request.routeOptions.config.vital) return undefined;
      const [bucket, cost] = bucketOf(request);
      const { actor } = request;
      return actor
        ? count(reply, bucket, "caller", actor.id, cost)
        : count(reply, bucket, "address", networkOf(request.ip), cost);
    });

    // A token that is none is a guess at one. Those of others at the same address are not refused for it.
    app.decorate("countGuess", (request, reply) =>
      count(reply, "writes", "address", `guesses ${networkOf(request.ip)}`),
    );

    if (!isShared) return;
    let telling: Promise<void> = Promise.resolve();
    async function share(): Promise<void> {
      const told = limiter.untold();
      if (told.length === 0) return;
      // What is kept for a minute names nobody.
      const given = new Map(told.map((one) => [sha256(one.key), one]));
      try {
        const counts = [...given].map(([key, { until, count }]) => ({ key, until, count }));
        const all = await addCounts(app.callerDb, counts);
        limiter.hear(all.map(({ key, count }) => ({ key: given.get(key)?.key ?? "", count })));
      } catch (error) {
        // Each process goes on by what it has counted itself.
        app.log.debug({ error: loggable(error) }, "counts of requests were not shared");
      }
    }
    const timer = setInterval(() => {
      telling = telling.then(share);
    }, tellEvery).unref();
    app.addHook("onClose", async () => {
      clearInterval(timer);
      await telling;
    });
  },
  { name: "rate-limits", dependencies: ["contract", "gate"] },
);
