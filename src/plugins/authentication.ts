import jwt from "@fastify/jwt";
import type { FastifyRequest } from "fastify";
import fp from "fastify-plugin";
import { z } from "zod";
import type { Access, Actor, Origin } from "../lib/access.ts";
import { AppError } from "../lib/errors.ts";
import { newId } from "../lib/ids.ts";
import { algorithm, type SigningKeys } from "../lib/signing-keys.ts";
import { findActor } from "../modules/sessions/sessions.service.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** Who calls; null when nobody is signed in. */
    actor: Actor | null;
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

const Claims = z.object({ sub: z.uuid(), sid: z.uuid().optional() });

/** How long what is known about a caller is trusted without asking the database again, in ms. */
const actorLife = 5_000;
const actorsKept = 10_000;

interface Options {
  keys: SigningKeys;
  publicUrl: string;
  accessTokenSeconds: number;
}

/**
 * Verifies access tokens (RFC 9068, RFC 8725: one algorithm, checked type, issuer and audience), finds
 * out who calls, and holds each route's `access` before anything of the request is read. Role and
 * suspension come from the database, not from the token: neither outlives five seconds.
 */
export default fp<Options>(
  async (app, { keys, publicUrl, accessTokenSeconds }) => {
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
        // Verified tokens are kept until they expire; refused ones are not.
        cache: actorsKept,
        errorCacheTTL: -1,
      },
    });
    app.decorate("signAccessToken", (claims) => app.jwt.sign({ ...claims, jti: newId() }));
    app.decorateRequest("actor", null);

    const actors = new Map<string, { actor: Actor; until: number }>();

    async function identify(token: string): Promise<Actor> {
      let claims: z.output<typeof Claims>;
      try {
        claims = Claims.parse(await app.jwt.verify(token));
      } catch {
        throw new AppError("auth.invalid_token");
      }
      const key = claims.sid ?? claims.sub;
      const known = actors.get(key);
      if (known && known.until > performance.now()) return known.actor;
      const actor = await findActor(app.database.db, claims.sub, claims.sid ?? null);
      if (!actor) {
        actors.delete(key);
        throw new AppError("auth.invalid_token");
      }
      if (actors.size >= actorsKept) actors.clear();
      actors.set(key, { actor, until: performance.now() + actorLife });
      return actor;
    }

    app.addHook("onRequest", async (request) => {
      const { access, ownAuthorization } = request.routeOptions.config;
      const { authorization } = request.headers;
      if (authorization !== undefined && !ownAuthorization) {
        const [scheme = "", token = ""] = authorization.split(" ");
        if (scheme.toLowerCase() !== "bearer" || !token) throw new AppError("auth.invalid_token");
        request.actor = await identify(token);
      }
      if (access) assertAccess(access, request);
    });

    app.addHook("onRoute", (route) => {
      if (!route.config?.changesAccess) return;
      route.onSend = [route.onSend ?? []].flat();
      route.onSend.unshift(async (_request, _reply, payload) => {
        actors.clear();
        return payload;
      });
    });
  },
  { name: "authentication", dependencies: ["contract", "database"] },
);

/** Refuses a caller whom the route does not admit: 401, then 403 by role, scope, state of the organisation. */
function assertAccess(access: Access, request: FastifyRequest): void {
  const { actor, method } = request;
  if (!actor) {
    if (access.public) return;
    throw new AppError("auth.required");
  }
  if (access.roles && !access.roles.includes(actor.role)) {
    throw new AppError("auth.forbidden_role", { members: { requiredRoles: access.roles } });
  }
  if (actor.scopes) {
    if (!access.scope && !access.public) throw new AppError("auth.person_required");
    if (access.scope && !actor.scopes.includes(access.scope)) {
      throw new AppError("auth.insufficient_scope", { members: { requiredScope: access.scope } });
    }
  }
  if (access.admin && !actor.isAdmin) throw new AppError("auth.admin_required");
  const reads = method === "GET" || method === "HEAD";
  const stopped = actor.organizationStatus === "suspended" || actor.organizationStatus === "closed";
  if (stopped && !reads && !access.public && !access.whileSuspended) {
    throw new AppError("organization.suspended");
  }
  if (access.verified && actor.organizationStatus !== "verified") {
    throw new AppError(stopped ? "organization.suspended" : "organization.not_verified");
  }
}

/**
 * The caller of a route that admits nobody anonymous.
 * @throws AppError `auth.required`
 */
export function actorOf(request: FastifyRequest): Actor {
  if (!request.actor) throw new AppError("auth.required");
  return request.actor;
}

/** Where a request came from, for audit records. */
export const originOf = (request: FastifyRequest): Origin => ({
  actor: request.actor,
  requestId: request.id,
  address: request.ip,
});
