import { setTimeout } from "node:timers/promises";
import { hash, verify } from "@node-rs/argon2";
import { AppError } from "./errors.ts";

/** argon2id (the package's default) with OWASP's first choice of cost: 19 MiB, two passes, one lane. */
const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** Callers that may wait for a turn before further ones are turned away. */
const longestQueue = 100;

/**
 * A lane of work that takes 19 MiB and a thread of the pool each, of which there are four: no flood of
 * one kind keeps the other kind waiting.
 * @param concurrency how many are computed at once
 */
function makeLane(concurrency: number) {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async function inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (running >= concurrency) {
      if (waiting.length >= longestQueue) {
        throw new AppError("server.overloaded", { headers: { "retry-after": "5" } });
      }
      await new Promise<void>((resolve) => waiting.push(resolve));
    } else {
      running++;
    }
    try {
      return await work();
    } finally {
      // The turn passes straight to the next in line, so the count never overshoots.
      const next = waiting.shift();
      if (next) next();
      else running--;
    }
  };
}

/** Who signs in goes before who sets a password: the first is there already, the second may be anybody. */
const signingIn = makeLane(3);
const setting = makeLane(1);

/** Milliseconds that the last hash took, its waiting included. */
let lastTook = 50;

/** argon2id hash of a new password, in the PHC string format. */
export async function hashPassword(password: string): Promise<string> {
  const begun = performance.now();
  const hashed = await setting(() => hash(password, cost));
  lastTook = performance.now() - begun;
  return hashed;
}

/** Waits as long as a hash takes now, and computes nothing: what is refused anyway costs nothing and tells nothing by its time. */
export const waitLikeHash = (): Promise<void> => setTimeout(lastTook);

/** A hash of the same cost that no password is known to fit. */
const decoy =
  "$argon2id$v=19$m=19456,t=2,p=1$+DZJ14Q8UvyXoZtzSO27Gg$nTo6JO4rb+sj2SoXV2IB8MWe1Qi4DyiEwOkDefj35Ho";

/**
 * Whether the password fits the hash. Without a hash (nobody has that e-mail) it takes as long and
 * says no, so that the time tells nothing.
 */
export async function verifyPassword(password: string, stored: string | null): Promise<boolean> {
  const fits = await signingIn(() => verify(stored ?? decoy, password));
  return stored !== null && fits;
}
