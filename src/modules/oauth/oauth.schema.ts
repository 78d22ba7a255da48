import { z } from "zod";

/** RFC 6749 4.4.2 and 2.3.1. Everything is optional here, so that faults are told in OAuth's own words. */
export const TokenInput = z
  .object({
    grant_type: z.string().max(100).optional(),
    scope: z
      .string()
      .max(500)
      .optional()
      .describe("Space-separated; all of the client's when absent."),
    client_id: z.string().max(100).optional(),
    client_secret: z.string().max(200).optional(),
  })
  .meta({
    id: "TokenInput",
    examples: [{ grant_type: "client_credentials", scope: "needs:write" }],
  });

export const TokenReply = z
  .object({
    access_token: z.string(),
    token_type: z.literal("Bearer"),
    expires_in: z.int(),
    scope: z.string(),
  })
  .meta({ id: "TokenReply" });

export const JsonWebKeySet = z
  .object({
    keys: z.array(
      z.object({
        kid: z.string(),
        kty: z.string(),
        crv: z.string(),
        x: z.string(),
        y: z.string(),
        use: z.string(),
        alg: z.string(),
      }),
    ),
  })
  .meta({ id: "JsonWebKeySet" });

export const ServerMetadata = z
  .object({
    issuer: z.url(),
    token_endpoint: z.url(),
    jwks_uri: z.url(),
    scopes_supported: z.array(z.string()),
    response_types_supported: z.array(z.string()),
    grant_types_supported: z.array(z.string()),
    token_endpoint_auth_methods_supported: z.array(z.string()),
    service_documentation: z.url(),
  })
  .meta({ id: "ServerMetadata" });
