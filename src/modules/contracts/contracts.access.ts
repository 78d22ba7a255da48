/** How a contract is shown, and what runs its steps. */
import type { Executor } from "../../database/connect.ts";
import type { Actor } from "../../lib/access.ts";
import { AppError } from "../../lib/errors.ts";
import { stored } from "../../lifecycle/stored.ts";
import { selectOpenAmendment } from "./amendments.store.ts";
import { toContent } from "./contracts.content.ts";
import { contract, type Deal } from "./contracts.lifecycle.ts";
import type { Contract } from "./contracts.schema.ts";
import * as store from "./contracts.store.ts";
import { selectExternalId } from "./external-ids.store.ts";
import { sumPayments } from "./payments.store.ts";
import { shownPrefill } from "./prefill.service.ts";

/** A contract with its parties and what they have said of its revision. */
export async function dealOf(db: Executor, row: Deal["row"]): Promise<Deal> {
  const [parties, said, open] = await Promise.all([
    store.selectParties(db, row.id),
    store.selectConfirmations(db, row.id, row.revision),
    row.status === "effective" ? selectOpenAmendment(db, row.id) : undefined,
  ]);
  return { row, parties, said, isAmended: open !== undefined };
}

/** @throws AppError `contract.not_found` (404) for one that the caller may not see */
export async function findDeal(db: Executor, actor: Actor, id: string): Promise<Deal> {
  const row = await store.selectContract(db, actor, id);
  if (!row) throw new AppError("contract.not_found");
  return dealOf(db, row);
}

/** A contract on the wire, with what its parties have said of this revision. */
export async function toContract(db: Executor, actor: Actor, deal: Deal): Promise<Contract> {
  const { row, parties, said } = deal;
  // The operator looks after the market: it needs to reach nobody about a contract.
  const insider = actor.role !== "operator";
  const content = toContent(row, parties);
  const open = (party: Contract["sellers"][number]) =>
    insider ? party : { ...party, contact: null, legalRepresentative: null, address: null };
  const named = (side: "sellers" | "buyers") =>
    content[side].map((party) => open({ ...party, name: party.name ?? "" }));
  const [amount, externalId] = await Promise.all([
    sumPayments(db, row.id),
    selectExternalId(db, row.id, actor.organizationId),
  ]);
  return {
    ...row,
    ...content,
    externalId,
    confidentiality: row.confidentiality,
    prefilled: shownPrefill(deal),
    sellers: named("sellers"),
    buyers: named("buyers"),
    paidAmount: { amount, currency: "CNY" },
    confirmations: said.map(({ createdAt, ...one }) => ({ ...one, at: createdAt })),
    pending: pendingOf(deal),
    allowedActions: contract.allowedActions(deal, actor),
  };
}

function pendingOf({ row, said }: Deal): Contract["pending"] {
  const action = row.status === "confirming" ? "confirm" : row.pendingAction;
  const [first] = said.filter((one) => one.action === action);
  if (!action || !first) return null;
  const { organizationId, createdAt, revision } = first;
  return { action, by: organizationId, since: createdAt, revision };
}

/** What runs the steps of a contract. */
export const deals = stored(contract, {
  lock: async (tx, actor, id) => {
    const row = await store.lockContract(tx, actor, id);
    return row && dealOf(tx, row);
  },
  // What was said may be void by now.
  reply: async (tx, actor, { row }) => toContract(tx, actor, await dealOf(tx, row)),
  isPlain: true,
});
