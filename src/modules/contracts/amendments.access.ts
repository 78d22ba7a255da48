/** How an amendment is shown, what runs its steps, and how it ends with its contract. */
import type { Executor } from "../../database/connect.ts";
import type { Actor, Origin } from "../../lib/access.ts";
import { canonicalJson } from "../../lib/canonical.ts";
import { AppError } from "../../lib/errors.ts";
import { stored } from "../../lifecycle/stored.ts";
import type { Amendment } from "./amendments.schema.ts";
import { type AmendmentRow, lockOpenAmendment, selectAmendment } from "./amendments.store.ts";
import { dealOf } from "./contracts.access.ts";
import { type AmendmentKey, amendment, type Change, type Deal } from "./contracts.lifecycle.ts";
import * as store from "./contracts.store.ts";

/** An amendment of a contract with what was said of it. */
export async function changeOf(db: Executor, deal: Deal, row: AmendmentRow): Promise<Change> {
  const said = await store.selectConfirmations(db, row.contractId, row.revision);
  // Once the contract has gone on to this revision, words on cancelling it are its own.
  return { row, deal, said: said.filter((one) => one.action === "confirm") };
}

/** As a party may see it. */
export function toAmendment(change: Change, actor: Actor): Amendment {
  const { row, said } = change;
  return {
    ...row,
    content: canonicalJson(row.content),
    confirmations: said.map(({ createdAt, ...one }) => ({ ...one, at: createdAt })),
    allowedActions: amendment.allowedActions(change, actor),
  };
}

/** Contract, then amendment, locked in this order. */
async function lock(tx: Executor, actor: Actor, { id, amendmentId }: AmendmentKey) {
  const contract = await store.lockContract(tx, actor, id);
  if (!contract) throw new AppError("contract.not_found");
  const row = await selectAmendment(tx, id, amendmentId, true);
  return row && changeOf(tx, await dealOf(tx, contract), row);
}

/** What runs the steps of an amendment. */
export const amendments = stored(amendment, {
  lock,
  reply: async (tx, actor, { row, deal }) => {
    const contract = (await store.lockAnyContract(tx, deal.row.id)) ?? deal.row;
    return toAmendment(await changeOf(tx, await dealOf(tx, contract), row), actor);
  },
});

/** Gives up the amendment that waits for its parties, if there is one: what it changes has ended. */
export async function withdrawOpenAmendment(
  tx: Executor,
  origin: Origin,
  deal: Deal,
): Promise<void> {
  const row = await lockOpenAmendment(tx, deal.row.id);
  if (!row) return;
  await store.voidConfirmations(tx, deal.row.id, "confirm", row.revision);
  const before = await changeOf(tx, deal, row);
  await amendments.move(tx, origin, before, "withdrawWithContract", { reason: row.reason });
}
