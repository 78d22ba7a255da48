import { and, asc, eq, getTableColumns, gt, lt, or, type SQL, sql } from "drizzle-orm";
import { brokerCertificates } from "../../../db/schema/broker-certificates.ts";
import { members } from "../../../db/schema/members.ts";
import { organizations } from "../../../db/schema/organizations.ts";
import type { Executor } from "../../database/connect.ts";
import { isFreeFor, type Take } from "../../database/held-rows.ts";
import { type Actor, isOperator } from "../../lib/access.ts";
import { countLimit } from "../../lib/pagination.ts";
import type { Certificate } from "./broker-certificates.lifecycle.ts";
import type { ListBrokerCertificatesQuery } from "./broker-certificates.schema.ts";

type CertificateRow = Certificate["row"];

/** The certificates that a caller may read: one's own, for an admin the brokerage's, for the operator all. */
function visibleTo(actor: Actor): SQL | undefined {
  if (isOperator(actor)) return undefined;
  if (actor.isAdmin) return eq(brokerCertificates.organizationId, actor.organizationId);
  return eq(brokerCertificates.memberId, actor.id);
}

const selectFound = (db: Executor) =>
  db
    .select({
      row: getTableColumns(brokerCertificates),
      brokerName: members.name,
      organizationName: organizations.name,
    })
    .from(brokerCertificates)
    .innerJoin(members, eq(members.id, brokerCertificates.memberId))
    .innerJoin(organizations, eq(organizations.id, brokerCertificates.organizationId));

export const selectCertificate = async (
  db: Executor,
  actor: Actor,
  id: string,
): Promise<Certificate | undefined> =>
  (await selectFound(db).where(and(eq(brokerCertificates.id, id), visibleTo(actor))))[0];

/** The names of the person and the brokerage of a certificate. */
export async function selectNames(db: Executor, { id }: CertificateRow) {
  const [found] = await selectFound(db).where(eq(brokerCertificates.id, id));
  if (!found) throw new Error("a certificate has its person and its brokerage");
  const { row: _, ...names } = found;
  return names;
}

export const lockCertificate = async (
  tx: Executor,
  actor: Actor,
  id: string,
): Promise<Certificate | undefined> =>
  (
    await selectFound(tx)
      .where(and(eq(brokerCertificates.id, id), visibleTo(actor)))
      .for("update", { of: brokerCertificates })
  )[0];

// Literals, not parameters: only so can the partial indexes serve it.
const inForce = sql`${brokerCertificates.status} in ('certified', 'suspended')`;

/** Certificates in force whose last day has passed, locked; those that another process holds are left to it. */
export const lockOverdue = (tx: Executor, today: string, take: Take): Promise<Certificate[]> =>
  selectFound(tx)
    .where(
      and(
        inForce,
        lt(brokerCertificates.validUntil, today),
        isFreeFor(take, brokerCertificates.id),
      ),
    )
    .orderBy(asc(brokerCertificates.validUntil), asc(brokerCertificates.id))
    .limit(take.limit)
    .for("update", { of: brokerCertificates, skipLocked: true });

/** Those that keep one from being certified: of the same person, or of the same number. */
const rivalOf = ({ memberId, issuer, certificateNumber }: CertificateRow) =>
  and(
    inForce,
    or(
      eq(brokerCertificates.memberId, memberId),
      and(
        eq(brokerCertificates.issuer, issuer),
        eq(brokerCertificates.certificateNumber, certificateNumber),
      ),
    ),
  );

export const selectRivals = (tx: Executor, row: CertificateRow): Promise<Certificate[]> =>
  selectFound(tx).where(rivalOf(row)).orderBy(asc(brokerCertificates.id));

/** Those of them whose last day has passed. */
export const lockOverdueRivals = (
  tx: Executor,
  row: CertificateRow,
  today: string,
): Promise<Certificate[]> =>
  selectFound(tx)
    .where(and(rivalOf(row), lt(brokerCertificates.validUntil, today)))
    .orderBy(asc(brokerCertificates.id))
    .for("update", { of: brokerCertificates });

const matches = (actor: Actor, query: ListBrokerCertificatesQuery) =>
  and(
    visibleTo(actor),
    query.status ? eq(brokerCertificates.status, query.status) : undefined,
    query.level ? eq(brokerCertificates.level, query.level) : undefined,
    query.organizationId ? eq(brokerCertificates.organizationId, query.organizationId) : undefined,
  );

export const selectCertificates = (
  db: Executor,
  actor: Actor,
  query: ListBrokerCertificatesQuery,
  after: { id: string } | null,
): Promise<Certificate[]> =>
  selectFound(db)
    .where(and(matches(actor, query), after ? gt(brokerCertificates.id, after.id) : undefined))
    .orderBy(asc(brokerCertificates.id))
    .limit(query.limit + 1);

export const countCertificates = (db: Executor, actor: Actor, query: ListBrokerCertificatesQuery) =>
  db.$count(
    db
      .select({ one: sql`1` })
      .from(brokerCertificates)
      .where(matches(actor, query))
      .limit(countLimit + 1)
      .as("counted"),
  );
