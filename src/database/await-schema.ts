import { setTimeout } from "node:timers/promises";
import { Refusal } from "../lib/refusal.ts";
import type { Executor } from "./connect.ts";
import { explainSchema, schemaState } from "./schema-state.ts";

/**
 * Returns once the schema is this program's. One that somebody is about to migrate is waited for, so that
 * servers and `db:migrate` may be started together, in any order.
 * @param seconds for which it waits at most
 * @param tell is told what it waits for
 * @throws Refusal at once on a newer or foreign schema, after the wait on an empty or older one
 */
export async function awaitSchema(
  db: Executor,
  seconds: number,
  tell: (message: string) => void,
): Promise<void> {
  const until = performance.now() + seconds * 1000;
  for (let told = ""; ; ) {
    const state = await schemaState(db);
    if (state.kind === "current") return;
    const message = explainSchema(state, false);
    const canCome = state.kind === "empty" || state.kind === "older";
    if (!canCome || performance.now() >= until) throw new Refusal(message);
    if (message !== told) tell(`${message} Waiting for it, ${seconds} s at most.`);
    told = message;
    await setTimeout(500);
  }
}
