import { AppError } from "../../lib/errors.ts";
import { networkOf } from "../../lib/rate-limits.ts";
import { originOf } from "../../plugins/authentication.ts";
import { type App, OAuthError } from "../../plugins/contract.ts";
import { scopes } from "../../words.ts";
import { JsonWebKeySet, ServerMetadata, TokenInput, TokenReply } from "./oauth.schema.ts";
import { grantToken } from "./oauth.service.ts";

const tags = ["accounts"];

export default async function oauthRoutes(app: App) {
  const { publicUrl, accessTokenSeconds } = app.config;
  const oauthError = (description: string) => ({
    description,
    content: { "application/json": { schema: OAuthError } },
  });

  app.post(
    "/oauth/token",
    {
      config: {
        access: { public: true },
        ownAuthorization: true,
        idempotency: "refused",
        bucket: "tokens",
      },
      // A doubled or overlong parameter is also refused in OAuth's words (RFC 6749 5.2).
      errorHandler: (error, _request, reply) => {
        if (!(error instanceof AppError) || error.code !== "request.invalid") throw error;
        const description = "a parameter is unknown, repeated or too long";
        reply.refusedWith = "invalid_request";
        return reply.code(400).send({ error: "invalid_request", error_description: description });
      },
      schema: {
        operationId: "grantToken",
        summary: "Get an access token for a machine client",
        description:
          "Client credentials (RFC 6749 4.4), by Basic authentication or in the form. Refusals are OAuth's own error object.",
        tags,
        consumes: ["application/x-www-form-urlencoded"],
        body: TokenInput,
        response: {
          200: TokenReply,
          400: oauthError("`invalid_request`, `unsupported_grant_type` or `invalid_scope`."),
          401: oauthError("`invalid_client`."),
        },
      },
    },
    async (request, reply) => {
      reply.header("cache-control", "no-store").header("pragma", "no-cache");
      const { authorization } = request.headers;
      // By client and network together: nobody can use up the quota of a client of others.
      const limit = (clientId: string) =>
        app.limit(reply, "tokens", { caller: `${clientId} ${networkOf(request.ip)}` });
      const outcome = await grantToken(
        app.callerDb,
        originOf(request),
        limit,
        authorization,
        request.body,
      );
      if ("error" in outcome) {
        const denied = outcome.error === "invalid_client";
        if (denied) reply.header("www-authenticate", `Basic realm="${publicUrl}"`);
        reply.refusedWith = outcome.error;
        return reply.code(denied ? 401 : 400).send(outcome);
      }
      const scope = outcome.scopes.join(" ");
      const { clientId } = outcome;
      const token = app.signAccessToken({ sub: clientId, client_id: clientId, scope });
      return reply.code(200).send({
        access_token: token,
        token_type: "Bearer" as const,
        expires_in: accessTokenSeconds,
        scope,
      });
    },
  );

  app.get(
    "/.well-known/jwks.json",
    {
      config: {
        access: { public: true },
        etag: "hash",
        cacheSeconds: 300,
        sameForAll: true,
        withoutDatabase: true,
      },
      schema: {
        operationId: "readJwks",
        summary: "The public keys that tokens are verified with",
        description: "RFC 7517. The next key is here before it signs its first token.",
        tags,
        response: { 200: JsonWebKeySet },
      },
    },
    async () => ({ keys: [...app.signingKeys.published] as never }),
  );

  app.get(
    "/.well-known/oauth-authorization-server",
    {
      config: {
        access: { public: true },
        etag: "hash",
        cacheSeconds: 300,
        sameForAll: true,
        withoutDatabase: true,
      },
      schema: {
        operationId: "readServerMetadata",
        summary: "What the token endpoint can do",
        description: "RFC 8414.",
        tags,
        response: { 200: ServerMetadata },
      },
    },
    async () => ({
      issuer: publicUrl,
      token_endpoint: `${publicUrl}/oauth/token`,
      jwks_uri: `${publicUrl}/.well-known/jwks.json`,
      scopes_supported: [...scopes],
      response_types_supported: [],
      grant_types_supported: ["client_credentials"],
      token_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post"],
      service_documentation: `${publicUrl}/docs`,
    }),
  );
}
