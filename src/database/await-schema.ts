import { setTimeout } from "node:timers/promises";
import { Refusal } from "../lib/refusal.ts";
import type { Executor } from "./connect.ts";
import { explainSchema, schemaState } from "./schema-state.ts";
import { isWorthWaiting, pause, type Wait } from "./wait.ts";

/**
 * Returns once the schema is this program's. One that somebody is about to migrate is waited for, so that
 * servers and `db:migrate` may be started together, in any order.
 * @param wait how long, and who is told what for
 * @throws Refusal at once on a newer or foreign schema, after the wait on an empty or older one
 */
export async function awaitSchema(db: Executor, { seconds, tell }: Wait): Promise<void> {
  const until = performance.now() + seconds * 1000;
  for (let told = ""; ; ) {
    const state = await schemaState(db).catch((error: unknown) => {
      // It went away again.
      if (!isWorthWaiting(error) || performance.now() >= until) throw error;
      return null;
    });
    if (!state) {
      await setTimeout(pause);
      continue;
    }
    if (state.kind === "current") return;
    const message = explainSchema(state, false);
    const canCome = state.kind === "empty" || state.kind === "older";
    if (!canCome || performance.now() >= until) throw new Refusal(message);
    if (message !== told) tell(message);
    told = message;
    await setTimeout(pause);
  }
}
