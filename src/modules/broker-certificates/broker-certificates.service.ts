import { brokerCertificates } from "../../../db/schema/broker-certificates.ts";
import type { Executor } from "../../database/connect.ts";
import type { Take } from "../../database/held-rows.ts";
import { insertRow } from "../../database/rows.ts";
import { type Actor, systemOrigin } from "../../lib/access.ts";
import type { Call } from "../../lib/call.ts";
import { nowInstant, today } from "../../lib/clock.ts";
import { AppError } from "../../lib/errors.ts";
import { newId } from "../../lib/ids.ts";
import { type Page, readCursor, toPage, totalOf } from "../../lib/pagination.ts";
import { stored, told } from "../../lifecycle/stored.ts";
import { assertCodes, codesIn } from "../taxonomies/taxonomies.service.ts";
import { brokerCertificate, type Certificate, hasPassed } from "./broker-certificates.lifecycle.ts";
import {
  type BrokerCertificate,
  BrokerCertificateInput,
  type ListBrokerCertificatesQuery,
} from "./broker-certificates.schema.ts";
import * as store from "./broker-certificates.store.ts";

function toCertificate(certificate: Certificate, actor: Actor): BrokerCertificate {
  const { row, ...names } = certificate;
  return {
    ...row,
    ...names,
    isValid: row.status === "certified" && !hasPassed(row),
    allowedActions: brokerCertificate.allowedActions(certificate, actor),
  };
}

const certificates = stored(brokerCertificate, {
  lock: store.lockCertificate,
  reply: (_, actor, certificate) => toCertificate(certificate, actor),
});

/**
 * A member of a brokerage applies with the certificate that an issuer gave; a renewal too.
 * @throws AppError `request.invalid` for an unknown field code, `broker_certificate.already_applied` (409)
 */
export async function applyForBrokerCertificate(
  tx: Executor,
  call: Call,
  input: BrokerCertificateInput,
): Promise<BrokerCertificate> {
  const { actor } = call;
  await assertCodes(tx, codesIn(BrokerCertificateInput, input));
  const { organizationId } = actor;
  const applied = { ...input, id: newId(), memberId: actor.id, organizationId };
  const row = await insertRow(tx, brokerCertificates, applied);
  const names = await store.selectNames(tx, row);
  await certificates.made(tx, call, { row, ...names }, "apply");
  return toCertificate({ row, ...names }, actor);
}

/** A person's own certificates, for an admin those of the brokerage, for the operator all. */
export async function listBrokerCertificates(
  db: Executor,
  actor: Actor,
  query: ListBrokerCertificatesQuery,
): Promise<Page<BrokerCertificate>> {
  const list = "broker-certificates";
  const found = await store.selectCertificates(db, actor, query, readCursor(list, query));
  const page = toPage(
    list,
    query,
    found.map((one) => ({ ...one, id: one.row.id })),
    () => "",
    ({ id: _, ...one }) => toCertificate(one, actor),
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
  const found = await store.selectCertificate(db, actor, id);
  if (!found) throw new AppError("broker_certificate.not_found");
  return toCertificate(found, actor);
}

export const withdrawBrokerCertificate = certificates.handle("withdrawBrokerCertificate", told);
export const rejectBrokerCertificate = certificates.handle("rejectBrokerCertificate", told);
export const suspendBrokerCertificate = certificates.handle("suspendBrokerCertificate", told);
export const reinstateBrokerCertificate = certificates.handle("reinstateBrokerCertificate", told);
export const revokeBrokerCertificate = certificates.handle("revokeBrokerCertificate", told);

/** The refusal that names what stands in the way. A race is left to the constraint. */
const inForceAlready = ({ row, brokerName }: Certificate): AppError =>
  new AppError("broker_certificate.already_in_force", {
    detail: {
      en: `Certificate ${row.certificateNumber} of ${brokerName} is ${row.status}, with ${row.validUntil ?? "none"} as its last day.`,
      zh: `${brokerName}的证书 ${row.certificateNumber} 当前状态为 ${row.status}，有效期至 ${row.validUntil ?? "长期"}。`,
    },
  });

export const certifyBrokerCertificate = certificates.handle(
  "certifyBrokerCertificate",
  async ({ tx, call, before }) => {
    // Its validity has passed, so it must not keep its renewal out, although the job has not come by yet.
    await expireBrokerCertificates(
      tx,
      await store.lockOverdueRivals(tx, before.row, today()),
      call,
    );
    const [rival] = await store.selectRivals(tx, before.row);
    if (rival) throw inForceAlready(rival);
    return { changes: { certifiedAt: nowInstant(), statusReason: null } };
  },
);

/** Certificates in force whose last day has passed, locked; those that another process holds are left to it. */
export async function takeOverdueCertificates(tx: Executor, take: Take) {
  const overdue = await store.lockOverdue(tx, today(), take);
  return overdue.map((one) => ({ ...one, id: one.row.id }));
}

/** Marks them as expired. */
export async function expireBrokerCertificates(
  tx: Executor,
  overdue: readonly Certificate[],
  origin = systemOrigin,
): Promise<void> {
  for (const before of overdue) {
    const changes = { statusReason: null };
    await certificates.move(tx, origin, before, "expireBrokerCertificate", { changes });
  }
}
