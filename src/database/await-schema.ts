import { setTimeout } from "node:timers/promises";
import { driverError, explainDatabase } from "../lib/loggable.ts";
import { outageOf } from "../lib/outages.ts";
import { Refusal } from "../lib/refusal.ts";
import type { Executor } from "./connect.ts";
import { explainSchema, schemaState } from "./schema-state.ts";

/** How a start waits. */
export interface Wait {
  /** For so long at most. */
  seconds: number;
  /** Is told what it waits for, once for each reason. */
  tell: (why: string) => void;
}

/** Milliseconds between two looks. */
const pause = 500;

/**
 * Returns once the database answers with this program's schema. One that is away, or that somebody is about
 * to migrate, is waited for, so that it, servers and `db:migrate` may be started together, in any order.
 * @throws Refusal at once on a newer or foreign schema, after the wait on an empty or older one
 * @throws the driver's error at once for what no waiting mends (a wrong password, a database that is missing),
 *   after the wait when it is away
 */
export async function awaitSchema(db: Executor, { seconds, tell }: Wait): Promise<void> {
  const until = performance.now() + seconds * 1000;
  for (let told = ""; ; await setTimeout(pause)) {
    const found = await look(db);
    if (found.kind === "current") return;
    if (!found.canCome || performance.now() >= until) throw found.refusal;
    if (found.kind !== told) tell(found.why);
    told = found.kind;
  }
}

async function look(db: Executor) {
  try {
    const state = await schemaState(db);
    const why = explainSchema(state, false);
    const canCome = state.kind === "empty" || state.kind === "older";
    return { kind: state.kind, why, canCome, refusal: new Refusal(why) };
  } catch (error) {
    const isOutOfReach = /^(28|3D)/.test(String(driverError(error)?.code));
    const canCome = !isOutOfReach && outageOf(error) !== null;
    return { kind: "away", why: explainDatabase(error), canCome, refusal: error };
  }
}
