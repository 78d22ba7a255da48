/** Signed statements that stand for themselves: compact JWS (RFC 7515), ES256. */
import { sign, verify } from "node:crypto";
import { algorithm } from "./signing-keys.ts";

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

function decode(part: string | undefined): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(part ?? "", "base64url").toString());
    return typeof value === "object" && value !== null ? { ...value } : null;
  } catch {
    return null;
  }
}

// RFC 7518 3.4: both halves of the signature side by side, not in DER.
const keyOf = (pem: string) => ({ key: pem, dsaEncoding: "ieee-p1363" }) as const;

/**
 * Signs a statement.
 * @param typ what kind of statement it is (RFC 8725 3.11): one kind must not pass for another
 * @returns it in compact form
 */
export function signJws(payload: object, typ: string, key: { kid: string; pem: string }): string {
  const input = `${encode({ alg: algorithm, typ, kid: key.kid })}.${encode(payload)}`;
  return `${input}.${sign("sha256", Buffer.from(input), keyOf(key.pem)).toString("base64url")}`;
}

export type ReadJws =
  | { payload: Record<string, unknown> }
  | { fault: "malformed" | "type" | "signature" }
  | { fault: "key"; kid: string };

/**
 * Reads a signed statement.
 * @param typ the kind that is expected
 * @param keys public keys in PEM by key id
 * @returns what it says, or why it is not to be believed: no JWS, of another kind, of an unknown key, changed
 */
export function readJws(text: string, typ: string, keys: ReadonlyMap<string, string>): ReadJws {
  const [first, second, third, ...rest] = text.split(".");
  const [header, payload] = [decode(first), decode(second)];
  if (!header || !payload || !third || rest.length > 0) return { fault: "malformed" };
  // An extension that must be understood, and is not (RFC 7515 4.1.11).
  if (header.crit !== undefined) return { fault: "malformed" };
  if (header.alg !== algorithm || header.typ !== typ) return { fault: "type" };
  const kid = String(header.kid);
  const pem = keys.get(kid);
  if (!pem) return { fault: "key", kid };
  const signature = Buffer.from(third, "base64url");
  const isTrue = verify("sha256", Buffer.from(`${first}.${second}`), keyOf(pem), signature);
  return isTrue ? { payload } : { fault: "signature" };
}
