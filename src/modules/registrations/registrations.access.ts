/** Who has which part in a case, and what of it is shown and written down. */
import type { Executor } from "../../database/connect.ts";
import type { Actor } from "../../lib/access.ts";
import { today } from "../../lib/clock.ts";
import { AppError } from "../../lib/errors.ts";
import { assertVersion } from "../../lib/etag.ts";
import { allowedActions, type Standing } from "../../lib/lifecycle.ts";
import type { WriteContext } from "../../lib/write-context.ts";
import { recordAudit } from "../audit/audit.service.ts";
import { type Loaded, lockContractOfCase } from "../contracts/filing.service.ts";
import { registrationLifecycle } from "./registrations.lifecycle.ts";
import type { Registration } from "./registrations.schema.ts";
import * as store from "./registrations.store.ts";

type Row = store.RegistrationRow;

/** How the caller stands to a case: what the lifecycle table calls them. */
export function standingOf(actor: Actor, row: Row): Standing[] {
  const standing: Standing[] = [];
  if (actor.role === "registry" && row.officeOrganizationId === actor.organizationId) {
    standing.push("registrar");
  }
  if (row.applicantOrganizationId === actor.organizationId) standing.push("applicant");
  return standing;
}

/** Whether the office's clock runs: not while the applicant is asked for something, nor once it is decided. */
const isRunning = (status: Row["status"]): boolean =>
  status === "filed" || status === "accepted" || status === "expert_review";

const yuan = (amount: string) => ({ amount, currency: "CNY" });

/** Where the whole certificate is, for those who have it. */
export const certificatePathOf = ({ number, checkCode }: Row): string | null =>
  number && checkCode ? `/v1/registrations/${number}/certificate?code=${checkCode}` : null;

/** A case as this caller may see it: what screening found is for registrars. */
export function toRegistration(row: Row, actor: Actor): Registration {
  const standing = standingOf(actor, row);
  const isRegistrar = standing.includes("registrar");
  const { facts, screening, firstReviewerId, secondReviewerId } = row;
  const { supplementNote, supplementDueOn } = row;
  return {
    ...row,
    contractReference: facts.contractReference,
    title: facts.title,
    type: facts.type,
    subtype: facts.subtype,
    seller: facts.seller,
    buyer: facts.buyer,
    totalAmount: yuan(facts.totalAmount),
    technologyAmount: yuan(facts.technologyAmount),
    amountStatus: facts.amountStatus,
    overdue: isRunning(row.status) && row.dueOn !== null && row.dueOn < today(),
    supplement:
      supplementNote !== null && supplementDueOn !== null
        ? {
            note: supplementNote,
            grounds: row.supplementGrounds,
            dueOn: supplementDueOn,
            suppliedAt: row.supplementedAt,
          }
        : null,
    certificatePath: actor.role === "operator" ? null : certificatePathOf(row),
    pending:
      row.pendingAction && row.pendingSince
        ? {
            action: row.pendingAction,
            by: row.pendingOrganizationId,
            since: row.pendingSince,
            revision: row.pendingRevision,
          }
        : null,
    allowedActions: allowedActions(registrationLifecycle, row.status, standing),
    ...(isRegistrar
      ? { screening, firstReviewerId, secondReviewerId }
      : { screening: undefined, firstReviewerId: undefined, secondReviewerId: undefined }),
  };
}

/** Writes down a step of a case; what its record is needed for names it. */
export const record = (
  tx: Executor,
  context: WriteContext,
  verb: string,
  before: Row | null,
  after: Row,
  reason: string | null = null,
): Promise<string> =>
  recordAudit(tx, context, {
    type: `registration.${verb}`,
    subject: { id: after.id, organizationId: after.officeOrganizationId },
    readers: [after.applicantOrganizationId],
    // What was a trade secret before an amendment stays one in the record.
    confidential: [before, after].some((row) => row?.facts.confidentiality === "trade_secret"),
    before,
    after,
    reason,
    // The applicant reads the log of its case, but not what screening found, nor who reviews.
    personal: [
      "checkCode",
      "screening",
      "firstReviewerId",
      "secondReviewerId",
      "pendingBy",
      "pendingReviewerId",
    ],
  });

/** A case and its contract, both locked. Imported registrations have no contract here. */
export interface Case {
  row: Row;
  contract: Loaded | null;
}

/** Locks a case after its contract, as everybody does: the contract's own steps never wait for a case. */
export async function lockWithContract(
  tx: Executor,
  seen: Pick<Row, "id" | "contractId">,
): Promise<Case | undefined> {
  // Sent together: the server takes them in this order.
  const [contract, row] = await Promise.all([
    seen.contractId ? lockContractOfCase(tx, seen.contractId) : null,
    store.lockRegistration(tx, seen.id),
  ]);
  return row && { row, contract };
}

/**
 * The case, locked after its contract, for somebody with a part in it.
 * @throws AppError `registration.not_found` (404), `registration.not_owner`,
 *   `registration.reviewer_of_applicant` (403), 412
 */
export async function lockCase(
  tx: Executor,
  context: WriteContext,
  actor: Actor,
  id: string,
  by: readonly Standing[],
): Promise<Case> {
  const locked = await store.lockCase(tx, actor, id);
  if (!locked) throw new AppError("registration.not_found");
  const { row, contract } = locked;
  const standing = standingOf(actor, row);
  if (!by.some((one) => standing.includes(one))) throw new AppError("registration.not_owner");
  const isParty = contract?.parties.some((p) => p.organizationId === actor.organizationId);
  if (standing.includes("registrar") && isParty) {
    throw new AppError("registration.reviewer_of_applicant");
  }
  assertVersion(row.version, context.expected);
  return locked;
}
