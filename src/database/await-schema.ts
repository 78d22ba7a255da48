import { setTimeout } from "node:timers/promises";
import { Refusal } from "../lib/refusal.ts";
import type { Executor } from "./connect.ts";
import { explainSchema, schemaState } from "./schema-state.ts";
import type { Wait } from "./wait.ts";

/**
 * Returns once the schema is this program's. One that somebody is about to migrate is waited for, so that
 * servers and `db:migrate` may be started together, in any order.
 * @param wait how long, who is told what for, and what ends it
 * @returns false when it was ended by the signal
 * @throws Refusal at once on a newer or foreign schema, after the wait on an empty or older one
 */
export async function awaitSchema(db: Executor, { seconds, tell, signal }: Wait): Promise<boolean> {
  const until = performance.now() + seconds * 1000;
  for (let told = ""; !signal.aborted; ) {
    const state = await schemaState(db);
    if (state.kind === "current") return true;
    const message = explainSchema(state, false);
    const canCome = state.kind === "empty" || state.kind === "older";
    if (!canCome || performance.now() >= until) throw new Refusal(message);
    if (message !== told) tell(message);
    told = message;
    await setTimeout(500, undefined, { signal }).catch(() => {});
  }
  return false;
}
