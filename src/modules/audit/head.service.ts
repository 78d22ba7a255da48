/**
 * The log's head, signed: who keeps it outside the database can tell later whether the log still is what it was
 * then. The chain alone cannot: who owns the database can reckon it anew.
 */
import { z } from "zod";
import type { Executor } from "../../database/connect.ts";
import { clock } from "../../lib/clock.ts";
import { readJws, signJws } from "../../lib/jws.ts";
import type { AuditHead } from "./audit.schema.ts";
import * as store from "./audit.store.ts";

/** A head's own `typ`: no token passes for one, and it passes for no token (`at+jwt`). */
export const headType = "audit-head+jws";

const Claims = z.object({
  iss: z.string(),
  iat: z.int(),
  position: z.int().min(0),
  hash: z.string().regex(/^([0-9a-f]{64})?$/),
  sealedAt: z.string().nullable(),
  sealedThrough: z.string(),
});

/** What a signed head says. */
export type Head = Omit<z.output<typeof Claims>, "iss" | "iat"> & {
  issuer: string;
  issuedAt: string;
};

const instantOf = (seconds: number): string => new Date(seconds * 1000).toISOString();

/**
 * Signs the head as it is now.
 * @param signer the market's address, and the key that signs its tokens
 */
export async function signHead(
  db: Executor,
  signer: { publicUrl: string; key: { kid: string; pem: string } },
): Promise<AuditHead> {
  const found = await store.readHead(db);
  if (!found) throw new Error("the sealer has its row since the migration");
  const head = { ...found, hash: found.hash.toString("hex") };
  const iat = Math.floor(clock.now().getTime() / 1000);
  const jws = signJws({ iss: signer.publicUrl, iat, ...head }, headType, signer.key);
  return { ...head, issuedAt: instantOf(iat), jws };
}

/**
 * Reads one signed head.
 * @param keys public keys in PEM by key id
 * @returns what it says, or in words why it proves nothing
 */
export function readHead(
  text: string,
  keys: ReadonlyMap<string, string>,
): Head | { fault: string } {
  const read = readJws(text, headType, keys);
  if ("payload" in read) {
    const { success, data } = Claims.safeParse(read.payload);
    if (!success) return { fault: "it does not say what a head says" };
    const { iss: issuer, iat, ...head } = data;
    return { ...head, issuer, issuedAt: instantOf(iat) };
  }
  switch (read.fault) {
    case "malformed":
      return { fault: "it is no signed statement (JWS)" };
    case "type":
      return { fault: `it is signed, but is no head of a log (typ ${headType})` };
    case "key":
      return { fault: `it is signed with the key ${read.kid}, which is not among those given` };
    case "signature":
      return { fault: "its signature is wrong: it was changed, or signed by somebody else" };
  }
}

/** The signed heads of a file: one in each line, alone or as `jws` of a JSON object, such as a reply or a log line. */
export function headsIn(text: string): { line: number; jws: string }[] {
  const whole = jwsOf(text);
  if (whole) return [{ line: 1, jws: whole }];
  return text.split("\n").flatMap((content, i) => {
    const line = content.trim();
    return line ? [{ line: i + 1, jws: jwsOf(line) ?? line }] : [];
  });
}

function jwsOf(text: string): string | null {
  try {
    const { jws } = JSON.parse(text);
    return typeof jws === "string" ? jws : null;
  } catch {
    return null;
  }
}
