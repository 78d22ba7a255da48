import { hash, verify } from "@node-rs/argon2";
import { AppError } from "./errors.ts";

/** argon2id (the package's default) with OWASP's first choice of cost: 19 MiB, two passes, one lane. */
const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** Hashes computed at once; each takes 19 MiB and a thread of the pool. */
const concurrency = 4;
/** Callers that may wait for a turn before further ones are turned away. */
const longestQueue = 100;

let running = 0;
const waiting: (() => void)[] = [];

async function inTurn<T>(work: () => Promise<T>): Promise<T> {
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
}

/** argon2id hash of a password, in the PHC string format. */
export const hashPassword = (password: string): Promise<string> =>
  inTurn(() => hash(password, cost));

let decoy: Promise<string> | null = null;

/**
 * Whether the password fits the hash. Without a hash (nobody has that e-mail) it takes as long and
 * says no, so that the time tells nothing.
 */
export async function verifyPassword(password: string, stored: string | null): Promise<boolean> {
  decoy ??= hashPassword("nobody has this password");
  const against = stored ?? (await decoy);
  const fits = await inTurn(() => verify(against, password));
  return stored !== null && fits;
}
