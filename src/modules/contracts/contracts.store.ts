import {
  and,
  asc,
  desc,
  eq,
  exists,
  gte,
  inArray,
  isNull,
  lte,
  or,
  type SQL,
  sql,
} from "drizzle-orm";
import { attachments } from "../../../db/schema/attachments.ts";
import {
  contractConfirmations,
  contractParties,
  contractRevisions,
  contracts,
} from "../../../db/schema/contracts.ts";
import { interests } from "../../../db/schema/interests.ts";
import { needs } from "../../../db/schema/needs.ts";
import { organizations } from "../../../db/schema/organizations.ts";
import { registrations } from "../../../db/schema/registrations.ts";
import { results } from "../../../db/schema/results.ts";
import { changedIn, inOrder } from "../../database/changes.ts";
import type { Executor } from "../../database/connect.ts";
import { prepared } from "../../database/prepared.ts";
import { type Actor, isOperator } from "../../lib/access.ts";
import { nowInstant } from "../../lib/clock.ts";
import { countLimit } from "../../lib/pagination.ts";
import type { ListContractsQuery } from "./contracts.schema.ts";
import { externalIdOf, isCalled } from "./external-ids.store.ts";

export type ContractRow = typeof contracts.$inferSelect;
export type PartyRow = typeof contractParties.$inferSelect;
export type ConfirmationRow = typeof contractConfirmations.$inferSelect;

/**
 * The contracts that a caller may read: a party's, the drafter's and the broker's own, an office's
 * those that were filed with it, for the operator all but trade secrets.
 */
function visibleTo(actor: Actor): SQL | undefined {
  const { organizationId } = actor;
  if (isOperator(actor)) return sql`${contracts.confidentiality} <> 'trade_secret'`;
  if (actor.role === "registry") {
    return sql`${contracts.id} in (select r.contract_id from ${registrations} r where r.office_organization_id = ${organizationId})`;
  }
  return or(
    sql`${contracts.id} in (select p.contract_id from ${contractParties} p where p.organization_id = ${organizationId})`,
    eq(contracts.organizationId, organizationId),
    eq(contracts.brokerOrganizationId, organizationId),
  );
}

export const selectContract = async (db: Executor, actor: Actor, id: string) =>
  (
    await db
      .select()
      .from(contracts)
      .where(and(eq(contracts.id, id), visibleTo(actor)))
  )[0];

/** Locked until the transaction ends, for a caller who may read it. */
export const lockContract = async (tx: Executor, actor: Actor, id: string) =>
  (
    await tx
      .select()
      .from(contracts)
      .where(and(eq(contracts.id, id), visibleTo(actor)))
      .for("update")
  )[0];

/** Locked for a step that follows from another resource's, for any caller. */
export async function lockAnyContract(tx: Executor, id: string): Promise<ContractRow | undefined> {
  const statement = prepared(tx, "lock_contract", (name) =>
    tx
      .select()
      .from(contracts)
      .where(eq(contracts.id, sql.placeholder("id")))
      .for("update")
      .prepare(name),
  );
  return (await statement.execute({ id }))[0];
}

export const selectParties = (db: Executor, contractId: string): Promise<PartyRow[]> =>
  prepared(db, "read_contract_parties", (name) =>
    db
      .select()
      .from(contractParties)
      .where(eq(contractParties.contractId, sql.placeholder("contractId")))
      // `seller` before `buyer`, the lead first.
      .orderBy(desc(contractParties.side), asc(contractParties.position))
      .prepare(name),
  ).execute({ contractId });

/** What is said of a revision and still holds. */
export const selectConfirmations = (
  db: Executor,
  contractId: string,
  revision: number,
): Promise<ConfirmationRow[]> =>
  db
    .select()
    .from(contractConfirmations)
    .where(
      and(
        eq(contractConfirmations.contractId, contractId),
        eq(contractConfirmations.revision, revision),
        isNull(contractConfirmations.voidedAt),
      ),
    )
    .orderBy(asc(contractConfirmations.id));

export const insertConfirmation = (
  tx: Executor,
  values: typeof contractConfirmations.$inferInsert,
) => tx.insert(contractConfirmations).values(values);

/** Makes what was said of a revision void. */
export const voidConfirmations = (
  tx: Executor,
  contractId: string,
  action: "confirm" | "cancel",
  revision: number,
) =>
  tx
    .update(contractConfirmations)
    .set({ voidedAt: nowInstant() })
    .where(
      and(
        eq(contractConfirmations.contractId, contractId),
        eq(contractConfirmations.action, action),
        eq(contractConfirmations.revision, revision),
        isNull(contractConfirmations.voidedAt),
      ),
    );

/** Puts these parties in the place of those that there are. */
export async function replaceParties(
  tx: Executor,
  contractId: string,
  rows: (typeof contractParties.$inferInsert)[],
): Promise<void> {
  await tx.delete(contractParties).where(eq(contractParties.contractId, contractId));
  if (rows.length > 0) await tx.insert(contractParties).values(rows);
}

/** What a contract takes over of the organizations that are its parties, if they are verified. */
export const selectOrganizations = (db: Executor, ids: readonly string[]) =>
  db
    .select({
      id: organizations.id,
      kind: organizations.kind,
      name: organizations.name,
      creditCode: organizations.creditCode,
      regionCode: organizations.regionCode,
      industryCode: organizations.industryCode,
      scale: organizations.scale,
      address: organizations.address,
    })
    .from(organizations)
    .where(and(inArray(organizations.id, [...ids]), eq(organizations.status, "verified")));

/**
 * Whose a listing is, if this caller may say what a contract comes of it: it owns it, or the owner
 * accepted its interest. @param actor null for a listing that the contract names already
 */
export async function selectListingOwner(
  db: Executor,
  noun: "result" | "need",
  id: string,
  actor: Actor | null,
): Promise<string | undefined> {
  const table = noun === "result" ? results : needs;
  const accepted =
    actor &&
    db
      .select({ id: interests.id })
      .from(interests)
      .where(
        and(
          eq(noun === "result" ? interests.resultId : interests.needId, id),
          eq(interests.askerOrganizationId, actor.organizationId),
          eq(interests.status, "accepted"),
        ),
      );
  const [found] = await db
    .select({ owner: table.organizationId })
    .from(table)
    .where(
      and(
        eq(table.id, id),
        accepted ? or(eq(table.organizationId, actor.organizationId), exists(accepted)) : undefined,
      ),
    );
  return found?.owner;
}

/** Files that belong to the content, in a fixed order. */
export const selectContentFiles = (db: Executor, contractId: string) =>
  db
    .select({ purpose: attachments.purpose, sha256: attachments.sha256 })
    .from(attachments)
    .where(
      and(
        eq(attachments.subjectType, "contract"),
        eq(attachments.subjectId, contractId),
        inArray(attachments.purpose, ["contract_text", "annex"]),
      ),
    )
    .orderBy(asc(attachments.purpose), asc(attachments.sha256));

export const insertRevision = (tx: Executor, values: typeof contractRevisions.$inferInsert) =>
  tx
    .insert(contractRevisions)
    .values(values)
    // A draft that was put up again without a change has this revision already.
    .onConflictDoNothing({ target: [contractRevisions.contractId, contractRevisions.revision] });

export const selectRevisions = (db: Executor, contractId: string) =>
  db
    .select()
    .from(contractRevisions)
    .where(eq(contractRevisions.contractId, contractId))
    .orderBy(asc(contractRevisions.revision));

export const selectRevision = async (db: Executor, contractId: string, revision: number) =>
  (
    await db
      .select()
      .from(contractRevisions)
      .where(
        and(eq(contractRevisions.contractId, contractId), eq(contractRevisions.revision, revision)),
      )
  )[0];

// Written out: in a query of one table drizzle leaves the table's name away, and `id` were the party's.
const leadOf = (side: "seller" | "buyer") =>
  sql<
    string | null
  >`(select p.name from ${contractParties} p where p.contract_id = contracts.id and p.side = ${sql.raw(`'${side}'`)} and p.position = 0)`;

const summaryColumns = {
  id: contracts.id,
  reference: contracts.reference,
  status: contracts.status,
  revision: contracts.revision,
  title: contracts.title,
  type: contracts.type,
  subtype: contracts.subtype,
  seller: leadOf("seller"),
  buyer: leadOf("buyer"),
  signedOn: contracts.signedOn,
  totalAmount: contracts.totalAmount,
  technologyAmount: contracts.technologyAmount,
  confidentiality: contracts.confidentiality,
  organizationId: contracts.organizationId,
  matchId: contracts.matchId,
  resultId: contracts.resultId,
  needId: contracts.needId,
  version: contracts.version,
  createdAt: contracts.createdAt,
  updatedAt: contracts.updatedAt,
};

/** That a contract names a listing, or comes of an accepted interest in it. */
const comesOf = (noun: "result" | "need", id: string) => {
  const [own, asked] =
    noun === "result"
      ? [contracts.resultId, interests.resultId]
      : [contracts.needId, interests.needId];
  return or(
    eq(own, id),
    sql`${contracts.interestId} in (select ${interests.id} from ${interests} where ${asked} = ${id})`,
  );
};

function conditions(actor: Actor, query: ListContractsQuery): SQL | undefined {
  const { role } = query;
  const part =
    role === "broker"
      ? eq(contracts.brokerOrganizationId, actor.organizationId)
      : role &&
        sql`${contracts.id} in (select p.contract_id from ${contractParties} p where p.organization_id = ${actor.organizationId} and p.side = ${role})`;
  return and(
    visibleTo(actor),
    changedIn(contracts, query),
    part,
    query.status ? eq(contracts.status, query.status) : undefined,
    query.type ? eq(contracts.type, query.type) : undefined,
    query.externalId ? isCalled(actor.organizationId, query.externalId) : undefined,
    query.matchId ? eq(contracts.matchId, query.matchId) : undefined,
    query.resultId ? comesOf("result", query.resultId) : undefined,
    query.needId ? comesOf("need", query.needId) : undefined,
    query["signedOn[gte]"] ? gte(contracts.signedOn, query["signedOn[gte]"]) : undefined,
    query["signedOn[lte]"] ? lte(contracts.signedOn, query["signedOn[lte]"]) : undefined,
  );
}

/** Newest first, or by the last change. */
export const selectContracts = (
  db: Executor,
  actor: Actor,
  query: ListContractsQuery,
  after: { key: string; id: string } | null,
) => {
  const { behind, by } = inOrder(contracts, query, after);
  return db
    .select({ ...summaryColumns, externalId: externalIdOf(actor.organizationId) })
    .from(contracts)
    .where(and(conditions(actor, query), behind))
    .orderBy(...by)
    .limit(query.limit + 1);
};

export const countContracts = (db: Executor, actor: Actor, query: ListContractsQuery) =>
  db.$count(
    db
      .select({ one: sql`1` })
      .from(contracts)
      .where(conditions(actor, query))
      .limit(countLimit + 1)
      .as("counted"),
  );

/**
 * Other contracts in force or registered that resemble this one: the same leads with the same title or
 * amount and signing day, or a file of the same content.
 */
export async function selectSimilar(db: Executor, contractId: string) {
  const found = await db.execute<{
    id: string;
    same_title: boolean;
    same_amount: boolean;
    same_file: boolean;
  }>(sql`
    with own as (
      select c.id, c.title, c.signed_on, c.total_amount, s.name as seller, s.credit_code as seller_code,
        b.name as buyer, b.credit_code as buyer_code
      from ${contracts} c
      join ${contractParties} s on s.contract_id = c.id and s.side = 'seller' and s.position = 0
      join ${contractParties} b on b.contract_id = c.id and b.side = 'buyer' and b.position = 0
      where c.id = ${contractId}
    ), alike as (
      select c.id, c.title = own.title as same_title, c.total_amount = own.total_amount as same_amount, false as same_file
      from own join ${contracts} c on c.signed_on = own.signed_on and c.id <> own.id
        and (c.title = own.title or c.total_amount = own.total_amount)
      join ${contractParties} s on s.contract_id = c.id and s.side = 'seller' and s.position = 0
        and (s.name = own.seller or s.credit_code = own.seller_code)
      join ${contractParties} b on b.contract_id = c.id and b.side = 'buyer' and b.position = 0
        and (b.name = own.buyer or b.credit_code = own.buyer_code)
      where c.status in ('effective', 'filed', 'registered')
      union all
      select c.id, false, false, true
      from ${attachments} a
      join ${attachments} other on other.sha256 = a.sha256 and other.subject_type = 'contract' and other.subject_id <> a.subject_id
      join ${contracts} c on c.id = other.subject_id and c.status in ('effective', 'filed', 'registered')
      where a.subject_type = 'contract' and a.subject_id = ${contractId}
        and a.purpose in ('contract_text', 'annex') and other.purpose in ('contract_text', 'annex')
    )
    select id, bool_or(same_title) as same_title, bool_or(same_amount) as same_amount, bool_or(same_file) as same_file
    from alike group by id order by id limit 20`);
  return found.rows;
}
