/** Who has which part in a contract, and what of it is written down. */
import type { Executor } from "../../database/connect.ts";
import type { Actor } from "../../lib/access.ts";
import { AppError } from "../../lib/errors.ts";
import { assertVersion } from "../../lib/etag.ts";
import { allowedActions, type Standing } from "../../lib/lifecycle.ts";
import type { WriteContext } from "../../lib/write-context.ts";
import { recordAudit } from "../audit/audit.service.ts";
import { contractLifecycle } from "./contracts.lifecycle.ts";
import * as store from "./contracts.store.ts";

/** A contract with those who have a part in it. */
export interface Loaded {
  row: store.ContractRow;
  parties: store.PartyRow[];
}

/** The party that applies for registration: the seller who leads; of an import the buyer (draft art. 11). */
export function applicantOf(parties: readonly store.PartyRow[]): {
  party: store.PartyRow | undefined;
  isImport: boolean;
} {
  const lead = (side: "seller" | "buyer") =>
    parties.find((party) => party.side === side && party.position === 0);
  const [seller, buyer] = [lead("seller"), lead("buyer")];
  const isImport = seller?.countryCode !== "CN" && buyer?.countryCode === "CN";
  return { party: isImport ? buyer : seller, isImport };
}

/** How the caller stands to a contract: what the lifecycle table calls them. */
export function standingOf(actor: Actor, { row, parties }: Loaded): Standing[] {
  const standing: Standing[] = [];
  if (row.organizationId === actor.organizationId) standing.push("owner");
  if (parties.some((party) => party.organizationId === actor.organizationId)) {
    standing.push("party");
  }
  if (applicantOf(parties).party?.organizationId === actor.organizationId) {
    standing.push("applicant");
  }
  return standing;
}

/** Whether it can be amended: in force, not with its office, and not about to end. */
export const isInForce = ({ status, cancellationAgreedAt }: store.ContractRow): boolean =>
  (status === "effective" || status === "registered") && cancellationAgreedAt === null;

/**
 * What the caller may do now: what the lifecycle table allows of the status, less what the rest of the
 * contract stands in the way of.
 * @param isSaid whether a party's word on the current revision holds
 * @param isAmended whether an amendment waits for its parties
 */
export function actionsOf(
  { row }: Loaded,
  standing: readonly Standing[],
  { isSaid, isAmended }: { isSaid: boolean; isAmended: boolean },
): string[] {
  const isBegun = row.status === "confirming" ? isSaid : row.pendingAction !== null;
  const isAgreed = row.cancellationAgreedAt !== null;
  const blocked: Record<string, boolean> = {
    retract: !isBegun,
    cancel: isAgreed,
    file: isBegun || isAgreed || isAmended,
  };
  return allowedActions(contractLifecycle, row.status, standing).filter(
    (action) => !blocked[action],
  );
}

/** The refusal of a step that the status would allow, but not what else the contract waits for. */
export const refusedNow = (
  loaded: Loaded,
  actor: Actor,
  now: { isSaid: boolean; isAmended: boolean },
): AppError =>
  new AppError("contract.invalid_transition", {
    members: {
      currentStatus: loaded.row.status,
      allowedActions: actionsOf(loaded, standingOf(actor, loaded), now),
    },
  });

const isSecret = ({ confidentiality }: Pick<store.ContractRow, "confidentiality">): boolean =>
  confidentiality === "trade_secret";

/**
 * Who reads a contract's audit records, and what of them.
 * @param before the contract before the step: what was a trade secret stays one in the record
 */
export const auditOf = ({ row, parties }: Loaded, before: Loaded | null = null) => ({
  subject: { id: row.id, organizationId: row.organizationId },
  readers: [...parties.map((party) => party.organizationId), row.brokerOrganizationId],
  confidential: isSecret(row) || (before !== null && isSecret(before.row)),
});

/** A row with its parties as they may be told in a record: without people and addresses. */
const recorded = ({ row, parties }: Loaded) => ({
  ...row,
  parties: parties.map(({ side, position, organizationId, name, natureCode, regionCode }) => ({
    side,
    position,
    organizationId,
    name,
    natureCode,
    regionCode,
  })),
});

/** Writes down a step of a contract. */
export const record = (
  tx: Executor,
  context: WriteContext,
  verb: string,
  before: Loaded | null,
  after: Loaded,
  reason: string | null = null,
): Promise<string> =>
  recordAudit(tx, context, {
    ...auditOf(after, before),
    type: `contract.${verb}`,
    before: before && recorded(before),
    after: recorded(after),
    reason,
  });

/**
 * A contract, locked, for somebody with a part in it.
 * @throws AppError `contract.not_found` (404), `contract.not_owner` (403), 412
 */
export async function lockAs(
  tx: Executor,
  context: WriteContext,
  actor: Actor,
  id: string,
  by: readonly Standing[],
): Promise<Loaded> {
  const row = await store.lockContract(tx, actor, id);
  if (!row) throw new AppError("contract.not_found");
  const loaded = { row, parties: await store.selectParties(tx, id) };
  const standing = standingOf(actor, loaded);
  if (!by.some((one) => standing.includes(one))) throw new AppError("contract.not_owner");
  assertVersion(row.version, context.expected);
  return loaded;
}
