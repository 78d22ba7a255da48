import { brokerCertificates } from "../../../db/schema/broker-certificates.ts";
import type { Executor } from "../../database/connect.ts";
import type { Take } from "../../database/held-rows.ts";
import { updateRow } from "../../database/rows.ts";
import { type Actor, isOperator, type Origin, systemOrigin } from "../../lib/access.ts";
import { nowInstant, today } from "../../lib/clock.ts";
import { AppError } from "../../lib/errors.ts";
import { assertVersion } from "../../lib/etag.ts";
import { newId } from "../../lib/ids.ts";
import { allowedActions, nextStatus, type Transition } from "../../lib/lifecycle.ts";
import { type Page, readCursor, toPage, totalOf } from "../../lib/pagination.ts";
import type { WriteContext } from "../../lib/write-context.ts";
import { recordAudit } from "../audit/audit.service.ts";
import { assertCodes } from "../taxonomies/taxonomies.service.ts";
import { brokerCertificateLifecycle } from "./broker-certificates.lifecycle.ts";
import type {
  BrokerCertificate,
  BrokerCertificateInput,
  ListBrokerCertificatesQuery,
} from "./broker-certificates.schema.ts";
import * as store from "./broker-certificates.store.ts";

type Action = (typeof brokerCertificateLifecycle.transitions)[number]["action"];
type Standing = Transition<string, string>["by"];

/** How the caller stands to a certificate: what the lifecycle table calls them. */
function standingOf(actor: Actor, row: store.CertificateRow): Standing[] {
  const standing: Standing[] = [];
  if (isOperator(actor)) standing.push("operator");
  if (actor.id === row.memberId) standing.push("owner");
  return standing;
}

/** The date test: the status may lag behind until the job has run. */
const hasPassed = ({ validUntil }: { validUntil: string | null }): boolean =>
  validUntil !== null && validUntil < today();

function toCertificate(row: store.FoundCertificate, actor: Actor): BrokerCertificate {
  return {
    ...row,
    isValid: row.status === "certified" && !hasPassed(row),
    allowedActions: allowedActions(brokerCertificateLifecycle, row.status, standingOf(actor, row)),
  };
}

/**
 * A member of a brokerage applies with the certificate that an issuer gave; a renewal too.
 * @throws AppError `request.invalid` for an unknown field code, `broker_certificate.already_applied` (409)
 */
export async function applyForBrokerCertificate(
  tx: Executor,
  context: WriteContext,
  actor: Actor,
  input: BrokerCertificateInput,
): Promise<BrokerCertificate> {
  await assertCodes(
    tx,
    input.fieldCodes.map((code, i) => ({
      path: ["fieldCodes", i],
      taxonomy: "technology-fields",
      code,
    })),
  );
  const { organizationId } = actor;
  const [after] = await tx
    .insert(brokerCertificates)
    .values({ ...input, id: newId(), memberId: actor.id, organizationId })
    .returning();
  if (!after) throw new Error("insert returned no row");
  await recordAudit(tx, context, {
    type: "broker_certificate.apply",
    subject: after,
    before: null,
    after,
  });
  return readBrokerCertificate(tx, actor, after.id);
}

/** A person's own certificates, for an admin those of the brokerage, for the operator all. */
export async function listBrokerCertificates(
  db: Executor,
  actor: Actor,
  query: ListBrokerCertificatesQuery,
): Promise<Page<BrokerCertificate>> {
  const list = "broker-certificates";
  const rows = await store.selectCertificates(db, actor, query, readCursor(list, query));
  const page = toPage(
    list,
    query,
    rows,
    () => "",
    (row) => toCertificate(row, actor),
  );
  if (query.include) page.total = totalOf(await store.countCertificates(db, actor, query));
  return page;
}

/** @throws AppError `broker_certificate.not_found` (404) for one that the caller may not see */
export async function readBrokerCertificate(
  db: Executor,
  actor: Actor,
  id: string,
): Promise<BrokerCertificate> {
  const row = await store.selectCertificate(db, actor, id);
  if (!row) throw new AppError("broker_certificate.not_found");
  return toCertificate(row, actor);
}

const notTheirs = {
  en: "Only the person who applied withdraws an application",
  zh: "仅申请人本人可撤回申请",
};

/** Moves a row along the lifecycle table and writes what happened. */
async function step(
  tx: Executor,
  origin: Origin,
  before: store.CertificateRow,
  action: Action,
  by: Standing,
  reason: string | null = null,
): Promise<store.CertificateRow> {
  const status = nextStatus(brokerCertificateLifecycle, before.status, action, by);
  const certifiedAt = action === "certify" ? nowInstant() : before.certifiedAt;
  const changes = { status, certifiedAt, statusReason: reason };
  const after = await updateRow(tx, brokerCertificates, before, changes);
  await recordAudit(tx, origin, {
    type: `broker_certificate.${action}`,
    subject: after,
    before,
    after,
    reason,
  });
  return after;
}

/**
 * What the person (withdraw) or the operator (everything else) does with a certificate.
 * @param reason what the person is told; kept with the status
 * @throws AppError `broker_certificate.not_found` (404), `broker_certificate.not_owner` (403),
 *   `broker_certificate.invalid_transition`, `broker_certificate.validity_passed`,
 *   `broker_certificate.already_in_force` (409)
 */
export async function moveBrokerCertificate(
  tx: Executor,
  context: WriteContext,
  actor: Actor,
  id: string,
  action: Exclude<Action, "expire">,
  reason: string | null,
): Promise<BrokerCertificate> {
  const by = action === "withdraw" ? "owner" : "operator";
  const found = await store.lockCertificate(tx, actor, id);
  if (!found) throw new AppError("broker_certificate.not_found");
  if (!standingOf(actor, found).includes(by)) {
    throw new AppError("broker_certificate.not_owner", { detail: notTheirs });
  }
  assertVersion(found.version, context.expected);
  const { brokerName, organizationName, ...before } = found;
  const status = nextStatus(brokerCertificateLifecycle, before.status, action, by);
  if (status === "certified" && hasPassed(before)) {
    throw new AppError("broker_certificate.validity_passed");
  }
  if (action === "certify") {
    // Its validity has passed, so it must not keep its renewal out, although the job has not come by yet.
    for (const rival of await store.lockOverdueRivals(tx, before, today())) {
      await step(tx, context, rival, "expire", "job");
    }
  }
  const after = await step(tx, context, before, action, by, reason);
  return toCertificate({ ...after, brokerName, organizationName }, actor);
}

/** Certificates in force whose last day has passed, locked; those that another process holds are left to it. */
export const takeOverdueCertificates = (tx: Executor, take: Take) =>
  store.lockOverdue(tx, today(), take);

/** Marks them as expired. */
export async function expireBrokerCertificates(
  tx: Executor,
  overdue: readonly store.CertificateRow[],
): Promise<void> {
  for (const before of overdue) await step(tx, systemOrigin, before, "expire", "job");
}
