import type { registrations } from "../../../db/schema/registrations.ts";
import type { registryEntryKinds } from "../../../db/schema/registry.ts";
import type { Executor } from "../../database/connect.ts";
import type { Actor } from "../../lib/access.ts";
import { newId } from "../../lib/ids.ts";
import { sumAmounts } from "../../lib/wire.ts";
import type { Change } from "../../lifecycle/reactions.ts";
import type { Subject } from "../../lifecycle/resource.ts";
import type { ControlQuery, FeedControl, PullQuery } from "./registry.schema.ts";
import * as store from "./registry.store.ts";

interface Registered extends Subject {
  row: typeof registrations.$inferSelect;
}

/** What became of a registration. */
function kindOf({ before, after }: Change<Registered>): (typeof registryEntryKinds)[number] {
  const { status } = after.row;
  if (status === "cancelled" || status === "revoked") return status;
  return before?.row.status === status ? "amended" : "registered";
}

/** Tells the registry's own systems of a registration, or of a change of one, with the change itself. */
export async function feedRegistration(change: Change<Registered>): Promise<void> {
  const { tx, auditRecordId } = change;
  const { id, number, registeredOn, facts, revision, officeOrganizationId } = change.after.row;
  if (number === null || registeredOn === null) {
    throw new Error("only what was registered is in the feed");
  }
  await store.insertEntry(tx, {
    id: newId(),
    auditRecordId,
    kind: kindOf(change),
    registrationId: id,
    officeOrganizationId,
    number,
    revision,
    facts,
    registeredOn,
    totalAmount: facts.totalAmount,
    technologyAmount: facts.technologyAmount,
  });
}

/** Puts what was sealed at these positions of the log into the feed. */
export async function feedSealed(tx: Executor, { from, to }: { from: number; to: number }) {
  await store.addToFeed(tx, from, to);
}

/** An office pulls its own; the operator everybody's. */
const officeOf = (actor: Actor): string | null =>
  actor.role === "operator" ? null : actor.organizationId;

const yuan = (amount: string) => ({ amount, currency: "CNY" as const });

/** A page of the feed, its entries as JSON texts. */
export interface Pulled {
  entries: string[];
  next: string;
  hasMore: boolean;
  control: FeedControl;
}

/** The entries after a position in commit order, with the sums that both sides compare. */
export async function pullContracts(
  db: Executor,
  actor: Actor,
  { after, limit }: PullQuery,
): Promise<Pulled> {
  const found = await store.selectFeed(db, officeOf(actor), after, limit);
  const rows = found.slice(0, limit);
  const last = rows.at(-1)?.position ?? null;
  return {
    entries: rows.map(({ text }) => text),
    next: String(last ?? after),
    hasMore: found.length > limit,
    control: {
      from: rows[0]?.position ?? null,
      to: last,
      count: rows.length,
      totalAmount: yuan(sumAmounts(rows.map((row) => row.totalAmount))),
      technologyAmount: yuan(sumAmounts(rows.map((row) => row.technologyAmount))),
    },
  };
}

/** The sums of any range of the feed. */
export async function readFeedControl(
  db: Executor,
  actor: Actor,
  { from, to }: ControlQuery,
): Promise<FeedControl> {
  const sums = await store.selectControl(db, officeOf(actor), from, to ?? null);
  const place = (text: string | null | undefined) => (text == null ? null : Number(text));
  return {
    from: place(sums?.first),
    to: place(sums?.last),
    count: Number(sums?.count ?? 0),
    totalAmount: yuan(sums?.total ?? "0.00"),
    technologyAmount: yuan(sums?.technology ?? "0.00"),
  };
}
