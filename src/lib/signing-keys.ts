import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type JsonWebKey,
} from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { z } from "zod";
import { newId } from "./ids.ts";

/** ES256: the algorithm that OAuth clients know best, with short tokens. */
export const algorithm = "ES256";

const PrivateJwk = z.object({
  kid: z.string().min(1),
  kty: z.literal("EC"),
  crv: z.literal("P-256"),
  x: z.string(),
  y: z.string(),
  d: z.string(),
});

/**
 * `next` is published but signs nothing yet, so that everybody knows it before its first token;
 * `active` signs; `previous` only verifies, until its last token has expired.
 */
const KeyFile = z.object({
  rotatedAt: z.iso.datetime(),
  next: PrivateJwk,
  active: PrivateJwk,
  previous: PrivateJwk.nullable(),
});
type KeyFile = z.output<typeof KeyFile>;
type PrivateJwk = z.output<typeof PrivateJwk>;

export interface SigningKeys {
  active: { kid: string; pem: string };
  /** Public keys in PEM by key id, all that may verify a token. */
  verifying: ReadonlyMap<string, string>;
  /** The JWKS document's keys (RFC 7517), public halves only. */
  published: readonly Record<string, string>[];
}

/** A fresh key; its id is the RFC 7638 thumbprint. */
function generateKey(): PrivateJwk {
  const jwk = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({
    format: "jwk",
  });
  const { crv, kty, x, y } = jwk;
  const kid = createHash("sha256").update(JSON.stringify({ crv, kty, x, y })).digest("base64url");
  return PrivateJwk.parse({ ...jwk, kid });
}

function write(file: string, keys: KeyFile): void {
  // Written beside it and moved over it: a reader sees the old file or the new one, never half of one.
  const temporary = `${file}.${newId()}`;
  writeFileSync(temporary, `${JSON.stringify(keys, null, 2)}\n`, { mode: 0o600 });
  renameSync(temporary, file);
}

function read(file: string): KeyFile {
  return KeyFile.parse(JSON.parse(readFileSync(file, "utf8")));
}

/**
 * Makes a key file.
 * @throws Error when there is one already: it would end every sign-in
 */
export function createKeyFile(file: string, now: Date): void {
  if (existsSync(file)) throw new Error(`${file} exists; rotate it instead`);
  write(file, {
    rotatedAt: now.toISOString(),
    next: generateKey(),
    active: generateKey(),
    previous: null,
  });
}

/** An access token lives this long at most, in milliseconds; a key must outlive its last token. */
const longestToken = 15 * 60_000;

/**
 * One step of the rotation: next -> active -> previous -> gone, and a new next. Processes read the
 * file when they start, so restart them afterwards (one by one is fine).
 * @throws Error when the last rotation was less than a token's life ago
 */
export function rotateKeyFile(file: string, now: Date): void {
  const keys = read(file);
  const wait = new Date(keys.rotatedAt).getTime() + longestToken - now.getTime();
  if (wait > 0) {
    throw new Error(
      `tokens of the key before may still be in use: rotate again in ${Math.ceil(wait / 60_000)} minutes`,
    );
  }
  write(file, {
    rotatedAt: now.toISOString(),
    next: generateKey(),
    active: keys.next,
    previous: keys.active,
  });
}

/** Reads a key file for the service. */
export function readKeyFile(file: string): SigningKeys {
  const { active, next, previous } = read(file);
  const all = [active, next, ...(previous ? [previous] : [])];
  const pem = (jwk: PrivateJwk, half: "private" | "public"): string => {
    const key = createPrivateKey({ key: jwk as JsonWebKey, format: "jwk" });
    return half === "private"
      ? String(key.export({ type: "pkcs8", format: "pem" }))
      : String(createPublicKey(key).export({ type: "spki", format: "pem" }));
  };
  return {
    active: { kid: active.kid, pem: pem(active, "private") },
    verifying: new Map(all.map((jwk) => [jwk.kid, pem(jwk, "public")])),
    published: all.map(({ kid, kty, crv, x, y }) => ({
      kid,
      kty,
      crv,
      x,
      y,
      use: "sig",
      alg: algorithm,
    })),
  };
}
