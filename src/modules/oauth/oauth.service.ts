import type { z } from "zod";
import type { Executor } from "../../database/connect.ts";
import type { Origin, Scope } from "../../lib/access.ts";
import { checkClientCredentials } from "../api-clients/api-clients.service.ts";
import type { TokenInput } from "./oauth.schema.ts";

/** A refusal in OAuth's words (RFC 6749 5.2). */
export interface Refusal {
  error: "invalid_request" | "invalid_client" | "unsupported_grant_type" | "invalid_scope";
  error_description: string;
}

export interface Grant {
  clientId: string;
  scopes: readonly Scope[];
}

interface Credentials {
  clientId: string;
  secret: string;
}

/** `Basic` credentials, each part form-encoded before base64 (RFC 6749 2.3.1). */
function basicCredentials(header: string): Credentials | null {
  const [scheme = "", encoded = ""] = header.split(/ +/);
  const text = Buffer.from(encoded, "base64").toString("utf8");
  const colon = text.indexOf(":");
  if (scheme.toLowerCase() !== "basic" || colon === -1) return null;
  try {
    const decode = (part: string) => decodeURIComponent(part.replaceAll("+", " "));
    return { clientId: decode(text.slice(0, colon)), secret: decode(text.slice(colon + 1)) };
  } catch {
    return null;
  }
}

const isRefusal = (value: Credentials | Refusal): value is Refusal => "error" in value;

function readCredentials(
  header: string | undefined,
  input: z.output<typeof TokenInput>,
): Credentials | Refusal {
  const posted = input.client_id !== undefined || input.client_secret !== undefined;
  if (header !== undefined && input.client_secret !== undefined) {
    return { error: "invalid_request", error_description: "use one way of client authentication" };
  }
  if (header !== undefined) {
    return (
      basicCredentials(header) ?? {
        error: "invalid_client",
        error_description: "malformed credentials",
      }
    );
  }
  if (!posted || !input.client_id || !input.client_secret) {
    return { error: "invalid_client", error_description: "client credentials are missing" };
  }
  return { clientId: input.client_id, secret: input.client_secret };
}

/**
 * The client credentials grant (RFC 6749 4.4).
 * @param header the `Authorization` header
 * @param limit counts the request of this client; throws the refusal of one too many
 * @returns what was granted, or a refusal in OAuth's words
 */
export async function grantToken(
  db: Executor,
  origin: Origin,
  limit: (clientId: string) => void,
  header: string | undefined,
  input: z.output<typeof TokenInput>,
): Promise<Grant | Refusal> {
  if (!input.grant_type) {
    return { error: "invalid_request", error_description: "grant_type is missing" };
  }
  if (input.grant_type !== "client_credentials") {
    return { error: "unsupported_grant_type", error_description: "only client_credentials" };
  }
  const credentials = readCredentials(header, input);
  if (isRefusal(credentials)) return credentials;
  const { clientId, secret } = credentials;
  limit(clientId);
  const held = await checkClientCredentials(db, origin, clientId, secret);
  if (!held)
    return { error: "invalid_client", error_description: "unknown client or wrong secret" };
  const asked = input.scope?.split(" ").filter(Boolean) ?? held;
  const scopes = held.filter((scope) => asked.includes(scope));
  if (scopes.length < new Set(asked).size) {
    return {
      error: "invalid_scope",
      error_description: "the client does not hold every scope asked for",
    };
  }
  return { clientId, scopes };
}
