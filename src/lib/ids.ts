import { createHmac, hash, randomBytes, randomInt, randomUUID } from "node:crypto";
import { v7 } from "uuid";
import { databaseTime } from "./clock.ts";

/** The millisecond of the last UUIDv7, and its place among those of that millisecond. */
let last = { msecs: 0, seq: 0 };

/** Milliseconds by which a clock that was corrected may go back without ids waiting for it. */
const backAtMost = 1_000;

/**
 * Sorts after the one before, and among those of other processes by the database's time. In one
 * millisecond they count on from a random number (RFC 9562 6.2, method 1).
 */
function uuid7(): string {
  const now = Math.floor(databaseTime());
  const isLater = now > last.msecs || now < last.msecs - backAtMost;
  const isFull = !isLater && last.seq === 0xffff_ffff;
  if (isLater || isFull) {
    // Its first bit is left free for counting. (Node draws such numbers ahead, many at a time.)
    const seq = randomInt(2 ** 31);
    last = { msecs: isFull ? last.msecs + 1 : now, seq };
  } else last = { ...last, seq: last.seq + 1 };
  return v7(last);
}

/** The one source of random ids and secrets, so that tests can own it. */
export const random = {
  uuid: uuid7,
  /** Without an order in time, ten times as fast. */
  requestId: (): string => randomUUID(),
  bytes: (size: number): Buffer => randomBytes(size),
};

/** A UUIDv7: sorts by the time it was made. */
export const newId = (): string => random.uuid();

/** 256 random bits as base64url, with a prefix that tells what it is to a person or a secret scanner. */
export const newSecret = (prefix: string): string =>
  `${prefix}_${random.bytes(32).toString("base64url")}`;

/**
 * A secret that only who has another one can make again: HMAC-SHA-256 (RFC 2104), keyed with that one.
 * @param salt random, and no secret by itself
 */
export const secretOf = (prefix: string, secret: string, salt: string): string =>
  `${prefix}_${createHmac("sha256", secret).update(salt).digest("base64url")}`;

/** SHA-256 in hex. Enough for secrets of 256 random bits; passwords go through `passwords.ts`. */
export const sha256 = (text: string): string => hash("sha256", text, "hex");

/** A UUIDv8 (RFC 9562 5.8) of a hash: the same for the same, and no row's. @param hex SHA-256 */
export const idFromHash = (hex: string): string =>
  `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;

/** A number from 0 up to 1, for pauses that must not keep pace with each other. */
export const chance = (): number => randomInt(256) / 256;
