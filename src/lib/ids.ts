import { createHash, randomBytes, randomUUID } from "node:crypto";
import { v7 } from "uuid";

/** The one source of random ids and secrets, so that tests can own it. */
export const random = {
  uuid: (): string => v7(),
  /** Without an order in time, ten times as fast. */
  requestId: (): string => randomUUID(),
  bytes: (size: number): Buffer => randomBytes(size),
};

/** A UUIDv7: sorts by the time it was made. */
export const newId = (): string => random.uuid();

/** 256 random bits as base64url, with a prefix that tells what it is to a person or a secret scanner. */
export const newSecret = (prefix: string): string =>
  `${prefix}_${random.bytes(32).toString("base64url")}`;

/** SHA-256 in hex. Enough for secrets of 256 random bits; passwords go through `passwords.ts`. */
export const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** A number from 0 up to 1, for pauses that must not keep pace with each other. */
export const chance = (): number => random.bytes(1).readUInt8() / 256;
