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
import { Refusal } from "./refusal.ts";

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

const PublicJwks = z.object({ keys: z.array(PrivateJwk.omit({ d: true })).min(1) });

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
  writeFileSync(temporary, `${JSON.stringify(keys, null, 2)}\n`, { mode: 0o600, flush: true });
  renameSync(temporary, file);
}

function read(file: string): KeyFile {
  return parse(file, readText(file, `Make it: npm run keys -- create ${file}`));
}

function readText(file: string, otherwise: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") {
      throw new Refusal(`${file} is missing. ${otherwise}`);
    }
    throw new Refusal(
      `${file} cannot be read (${code}): it must be a file that the user of this program may read.`,
    );
  }
}

function parse(file: string, text: string): KeyFile {
  try {
    const keys = KeyFile.parse(JSON.parse(text));
    for (const jwk of [keys.next, keys.active, keys.previous]) if (jwk) toPem(jwk, "private");
    return keys;
  } catch {
    throw new Refusal(
      `${file} is not a whole key file. Restore it from a backup; if it is lost for good, move it away and make new keys: npm run keys -- create ${file}`,
    );
  }
}

function toPem(jwk: PrivateJwk, half: "private" | "public"): string {
  const key = createPrivateKey({ key: jwk as JsonWebKey, format: "jwk" });
  return half === "private"
    ? String(key.export({ type: "pkcs8", format: "pem" }))
    : String(createPublicKey(key).export({ type: "spki", format: "pem" }));
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

/**
 * Reads a key file for the service.
 * @throws Refusal when it is missing, cannot be read or is not whole
 */
export function readKeyFile(file: string): SigningKeys {
  const { active, next, previous } = read(file);
  const all = [active, next, ...(previous ? [previous] : [])];
  return {
    active: { kid: active.kid, pem: toPem(active, "private") },
    verifying: new Map(all.map((jwk) => [jwk.kid, toPem(jwk, "public")])),
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

/**
 * Reads the public keys of a JWKS document (RFC 7517), as `/.well-known/jwks.json` gives it.
 * @returns in PEM by key id
 * @throws Refusal when it is missing, cannot be read or is none
 */
export function readJwksFile(file: string): ReadonlyMap<string, string> {
  const text = readText(file, "It is what the market gives at /.well-known/jwks.json.");
  try {
    const { keys } = PublicJwks.parse(JSON.parse(text));
    return new Map(
      keys.map((jwk) => {
        const key = createPublicKey({ key: jwk as JsonWebKey, format: "jwk" });
        return [jwk.kid, String(key.export({ type: "spki", format: "pem" }))];
      }),
    );
  } catch {
    throw new Refusal(`${file} is no JWKS of this market: save its /.well-known/jwks.json.`);
  }
}
