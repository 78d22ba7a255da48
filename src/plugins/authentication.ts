import jwt from "@fastify/jwt";
import type { FastifyRequest } from "fastify";
import fp from "fastify-plugin";
import { z } from "zod";
import {
  type Access,
  type Actor,
  mustProve,
  type Origin,
  type Role,
  refusalOf,
} from "../lib/access.ts";
import { databaseTime } from "../lib/clock.ts";
import { AppError } from "../lib/errors.ts";
import { newId } from "../lib/ids.ts";
import { algorithm, type SigningKeys } from "../lib/signing-keys.ts";
import { findActor } from "../modules/sessions/sessions.service.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** Who calls; null when nobody is signed in. */
    actor: Actor | null;
    /** Who calls a route that admits nobody anonymous: throws `auth.required` when there is nobody. */
    readonly caller: Actor;
  }
  interface FastifyInstance {
    /** Signs an access token (RFC 9068) for a person's sign-in or a machine client. */
    signAccessToken: (claims: TokenClaims) => string;
  }
}

export interface TokenClaims {
  /** Member id or client id. */
  sub: string;
  client_id: string;
  scope: string;
  /** The sign-in; absent for a machine. */
  sid?: string;
}

const Claims = z.object({
  sub: z.uuid(),
  sid: z.uuid().optional(),
  scope: z.string(),
  exp: z.number(),
});

/** How long what is known about a caller is trusted without asking the database again, in ms. */
const actorLife = 5_000;
const actorsKept = 10_000;

const notBearer = {
  en: "The header is not of the form `Authorization: Bearer TOKEN`.",
  zh: "请求头须为 Authorization: Bearer 令牌 的形式。",
};

const signInEnded = {
  en: "The sign-in has ended, or the account or the client is no longer active: sign in again.",
  zh: "该登录已结束，或账号、客户端已停用：请重新登录。",
};

const expired = (at: string): AppError =>
  new AppError("auth.invalid_token", {
    detail: {
      en: `It expired at ${at}: get another one by the refresh token, or by the client's secret.`,
      zh: `令牌已于 ${at} 过期：请用刷新令牌或客户端密钥换取新令牌。`,
    },
  });

interface Options {
  keys: SigningKeys;
  publicUrl: string;
  accessTokenSeconds: number;
  /** Roles that the market asks for a second factor. */
  secondFactorRoles: readonly Role[];
}

/**
 * Verifies access tokens (RFC 9068, RFC 8725: one algorithm, checked type, issuer and audience), finds
 * out who calls, and holds each route's `access` before anything of the request is read. Role and
 * suspension come from the database, not from the token: neither outlives five seconds.
 */
export default fp<Options>(
  async (app, { keys, publicUrl, accessTokenSeconds, secondFactorRoles }) => {
    await app.register(jwt, {
      secret: {
        private: keys.active.pem,
        // Must be async: a synchronous function of two arguments would be taken for a callback one.
        public: (async ({ header }: { header: { kid?: string } }) => {
          const key = keys.verifying.get(header.kid ?? "");
          if (!key) throw new Error("unknown key");
          return key;
        }) as never,
      },
      sign: {
        algorithm,
        iss: publicUrl,
        aud: publicUrl,
        expiresIn: accessTokenSeconds,
        header: { alg: algorithm, typ: "at+jwt", kid: keys.active.kid },
      },
      verify: {
        algorithms: [algorithm],
        allowedIss: publicUrl,
        allowedAud: publicUrl,
        requiredClaims: ["iss", "aud", "sub", "exp", "iat", "jti"],
        checkTyp: "at+jwt",
        // The library goes by this machine's clock, other processes' tokens by the database's (`identify`).
        ignoreExpiration: true,
        // Verified tokens are kept; refused ones are not.
        cache: actorsKept,
        errorCacheTTL: -1,
      },
    });
    app.decorate("signAccessToken", (claims) => {
      const iat = Math.floor(databaseTime() / 1000);
      return app.jwt.sign({ ...claims, iat, jti: newId() });
    });
    app.decorateRequest("actor", null);
    app.decorateRequest("caller", {
      getter() {
        if (!this.actor) throw new AppError("auth.required");
        return this.actor;
      },
    });

    const actors = new Map<string, { actor: Actor; until: number }>();
    /** What is being asked: many requests of one caller at once ask once. */
    const asked = new Map<string, Promise<Actor | null>>();

    /** Who it is, as the database has it now, and from then on for a while. */
    async function find(key: string, subject: string, session: string | null) {
      const finding = findActor(app.callerDb, subject, session);
      asked.set(key, finding);
      try {
        const actor = await finding;
        // What changed since it was asked, and what was forgotten for it, is not remembered.
        if (asked.get(key) !== finding) return actor;
        if (actors.size >= actorsKept) actors.clear();
        if (actor) actors.set(key, { actor, until: performance.now() + actorLife });
        else actors.delete(key);
        return actor;
      } finally {
        if (asked.get(key) === finding) asked.delete(key);
      }
    }

    async function identifyBearer(authorization: string): Promise<Actor> {
      // RFC 9110 11.4: one blank or more.
      const [, token] = /^bearer +([^ ]+)$/i.exec(authorization) ?? [];
      if (!token) throw new AppError("auth.invalid_token", { detail: notBearer });
      return identify(token);
    }

    async function identify(token: string): Promise<Actor> {
      let claims: z.output<typeof Claims>;
      try {
        claims = Claims.parse(await app.jwt.verify(token));
      } catch {
        throw new AppError("auth.invalid_token");
      }
      const ended = claims.exp * 1000;
      if (ended <= databaseTime()) throw expired(new Date(ended).toISOString());
      const granted = claims.scope.split(" ");
      const key = claims.sid ?? claims.sub;
      const known = actors.get(key);
      if (known && known.until > performance.now()) return within(known.actor, granted);
      const actor = await (asked.get(key) ?? find(key, claims.sub, claims.sid ?? null));
      if (!actor) throw new AppError("auth.invalid_token", { detail: signInEnded });
      return within(actor, granted);
    }

    app.addHook("onRequest", (request, reply, done) => {
      const { access, ownAuthorization, vital } = request.routeOptions.config;
      const { authorization } = request.headers;
      const admit = () =>
        done(
          app.countRequest(request, reply) ??
            (access && refusal(access, request, secondFactorRoles)),
        );
      // A vital route answers without the database, so it asks nobody who calls.
      if (authorization === undefined || ownAuthorization || vital) return admit();
      identifyBearer(authorization).then(
        (actor) => {
          // Where anybody may call, who has not proved a second factor is anybody.
          request.actor = access?.public && mustProve(actor, secondFactorRoles) ? null : actor;
          admit();
        },
        (error: unknown) => {
          const isGuess = error instanceof AppError && error.code === "auth.invalid_token";
          done((isGuess && app.countGuess(request, reply)) || (error as Error));
        },
      );
    });

    app.addHook("onRoute", (route) => {
      if (!route.config?.changesAccess) return;
      route.onSend = [route.onSend ?? []].flat();
      route.onSend.unshift(async (_request, _reply, payload) => {
        actors.clear();
        asked.clear();
        return payload;
      });
    });
  },
  { name: "authentication", dependencies: ["contract", "gate", "rate-limits"] },
);

/** A machine holds the scopes that it has now and that its token was given (RFC 6749 3.3), not more. */
export function within(actor: Actor, granted: readonly string[]): Actor {
  if (!actor.scopes) return actor;
  return { ...actor, scopes: actor.scopes.filter((scope) => granted.includes(scope)) };
}

const refusal = (
  access: Access,
  { actor, method }: FastifyRequest,
  proving: readonly Role[],
): AppError | undefined =>
  refusalOf(access, actor, { reads: method === "GET" || method === "HEAD", proving });

/** Where a request came from, for audit records. */
export const originOf = (request: FastifyRequest): Origin => ({
  actor: request.actor,
  requestId: request.id,
  address: request.ip,
});
