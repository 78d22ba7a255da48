import {
  and,
  asc,
  desc,
  eq,
  getTableColumns,
  gte,
  inArray,
  lt,
  lte,
  or,
  type Placeholder,
  type SQL,
  sql,
} from "drizzle-orm";
import { contractParties, contracts } from "../../../db/schema/contracts.ts";
import { registrationOffices } from "../../../db/schema/registration-offices.ts";
import { registrationCounters, registrations } from "../../../db/schema/registrations.ts";
import { changedIn, inOrder } from "../../database/changes.ts";
import type { Executor } from "../../database/connect.ts";
import { isFreeFor, type Take } from "../../database/held-rows.ts";
import { prepared } from "../../database/prepared.ts";
import { type Actor, isOperator } from "../../lib/access.ts";
import { today } from "../../lib/clock.ts";
import { countLimit } from "../../lib/pagination.ts";
import type { Case } from "./registrations.lifecycle.ts";
import type { ListRegistrationsQuery } from "./registrations.schema.ts";

type RegistrationRow = Case["row"];

/**
 * An office's own cases; the applicant's and those of the contract's parties; for the operator all but
 * trade secrets.
 */
function visibleTo(actor: {
  role: Actor["role"];
  organizationId: string | Placeholder;
}): SQL | undefined {
  const { organizationId } = actor;
  if (isOperator(actor)) return sql`${registrations.facts} ->> 'confidentiality' <> 'trade_secret'`;
  if (actor.role === "registry") return eq(registrations.officeOrganizationId, organizationId);
  return or(
    eq(registrations.applicantOrganizationId, organizationId),
    sql`${registrations.contractId} in (select p.contract_id from ${contractParties} p where p.organization_id = ${organizationId})`,
  );
}

/** A case that is only read: what is known of it without its contract at hand. */
export const unread = { isParty: false, isEnding: false, contract: null, payments: [] };

/** Cases with what is known of their contracts. */
const selectCases = (db: Executor, { organizationId }: Pick<Actor, "organizationId">) =>
  db
    .select({
      row: getTableColumns(registrations),
      revision: contracts.revision,
      isEnding: sql<boolean>`${contracts.cancellationAgreedAt} is not null`,
      isParty: sql<boolean>`exists (
        select from ${contractParties} p
        where p.contract_id = ${registrations.contractId} and p.organization_id = ${organizationId}
      )`,
    })
    .from(registrations)
    .leftJoin(contracts, eq(contracts.id, registrations.contractId));

export async function selectRegistration(
  db: Executor,
  actor: Actor,
  id: string,
): Promise<Case | undefined> {
  const [found] = await selectCases(db, actor).where(
    and(eq(registrations.id, id), visibleTo(actor)),
  );
  return found && { ...unread, ...found };
}

/** A case with its contract, both locked. */
function toCase(
  row: RegistrationRow,
  contract: typeof contracts.$inferSelect | undefined,
  parties: (typeof contractParties.$inferSelect)[],
  organizationId: string | null,
): Case {
  return {
    row,
    revision: contract?.revision ?? null,
    isEnding: contract ? contract.cancellationAgreedAt !== null : false,
    isParty: parties.some((party) => party.organizationId === organizationId),
    contract: contract ? { row: contract, parties } : null,
    payments: [],
  };
}

/**
 * A case that the caller may see, and its contract with its parties, for which an imported one has none.
 * Both are locked, the contract first, as everybody does: the contract's own steps never wait for a case.
 * The three statements go out together, and the server takes them in this order.
 */
export async function lockCase(tx: Executor, actor: Actor, id: string): Promise<Case | undefined> {
  const { role, organizationId } = actor;
  const condition = and(
    eq(registrations.id, sql.placeholder("id")),
    visibleTo({ role, organizationId: sql.placeholder("organizationId") }),
  );
  return lockBy(tx, `case_${role}`, condition, { id, organizationId });
}

/** The same of any case, for any caller. */
export const lockAnyCase = (tx: Executor, id: string): Promise<Case | undefined> =>
  lockBy(tx, "any_case", eq(registrations.id, sql.placeholder("id")), { id, organizationId: null });

async function lockBy(
  tx: Executor,
  name: string,
  condition: SQL | undefined,
  given: { id: string; organizationId: string | null },
): Promise<Case | undefined> {
  const lockContract = prepared(tx, `lock_contract_of_${name}`, (name) =>
    tx
      .select(getTableColumns(contracts))
      .from(contracts)
      .innerJoin(registrations, eq(registrations.contractId, contracts.id))
      .where(condition)
      .for("update", { of: contracts })
      .prepare(name),
  );
  const readParties = prepared(tx, `read_parties_of_${name}`, (name) =>
    tx
      .select(getTableColumns(contractParties))
      .from(contractParties)
      .innerJoin(registrations, eq(registrations.contractId, contractParties.contractId))
      .where(condition)
      // `seller` before `buyer`, the lead first.
      .orderBy(desc(contractParties.side), asc(contractParties.position))
      .prepare(name),
  );
  const lock = prepared(tx, `lock_${name}`, (name) =>
    tx.select().from(registrations).where(condition).for("update").prepare(name),
  );
  const [[contract], parties, [row]] = await Promise.all([
    lockContract.execute(given),
    readParties.execute(given),
    lock.execute(given),
  ]);
  return row && toCase(row, contract, parties, given.organizationId);
}

// Literals, so that no plan depends on how many values there are.
const undecided = sql`${registrations.status} in ('filed', 'supplement_requested', 'accepted', 'expert_review')`;
// While the applicant is asked for something, no clock runs: it starts again with the supplement.
const isOverdue = () =>
  sql`(${undecided} and ${registrations.status} <> 'supplement_requested' and ${registrations.dueOn} < ${today()})`;

function conditions(actor: Actor, query: ListRegistrationsQuery): SQL | undefined {
  const { overdue, open } = query;
  return and(
    visibleTo(actor),
    changedIn(registrations, query),
    query.status ? eq(registrations.status, query.status) : undefined,
    query["status[in]"] ? inArray(registrations.status, query["status[in]"]) : undefined,
    open === undefined ? undefined : open ? undecided : sql`not (${undecided})`,
    overdue === undefined ? undefined : overdue ? isOverdue() : sql`${isOverdue()} is not true`,
    query["dueOn[gte]"] ? gte(registrations.dueOn, query["dueOn[gte]"]) : undefined,
    query["dueOn[lte]"] ? lte(registrations.dueOn, query["dueOn[lte]"]) : undefined,
    query.number ? eq(registrations.number, query.number) : undefined,
    query.contractId ? eq(registrations.contractId, query.contractId) : undefined,
    query.officeId ? eq(registrations.officeId, query.officeId) : undefined,
    query.disputed === undefined ? undefined : eq(registrations.disputed, query.disputed),
    query.sort === "dueOn" ? sql`${registrations.dueOn} is not null` : undefined,
  );
}

export async function selectRegistrations(
  db: Executor,
  actor: Actor,
  query: ListRegistrationsQuery,
  after: { key: string; id: string } | null,
): Promise<Case[]> {
  const { dueOn, id } = registrations;
  const byDue = {
    behind: after ? sql`(${dueOn}, ${id}) > (${after.key}, ${after.id})` : undefined,
    by: [asc(dueOn), asc(id)],
  };
  const { behind, by } = query.sort === "dueOn" ? byDue : inOrder(registrations, query, after);
  const found = await selectCases(db, actor)
    .where(and(conditions(actor, query), behind))
    .orderBy(...by)
    .limit(query.limit + 1);
  return found.map((one) => ({ ...unread, ...one }));
}

export const countRegistrations = (db: Executor, actor: Actor, query: ListRegistrationsQuery) =>
  db.$count(
    db
      .select({ one: sql`1` })
      .from(registrations)
      .where(conditions(actor, query))
      .limit(countLimit + 1)
      .as("counted"),
  );

/** Cases whose supplement is overdue. */
export const selectMissedSupplements = (
  tx: Executor,
  day: string,
  take: Take,
): Promise<RegistrationRow[]> =>
  tx
    .select()
    .from(registrations)
    .where(
      and(
        sql`${registrations.status} = 'supplement_requested'`,
        lt(registrations.supplementDueOn, day),
        isFreeFor(take, registrations.id),
      ),
    )
    .orderBy(asc(registrations.supplementDueOn), asc(registrations.id))
    .limit(take.limit);

/**
 * The next serial of an office and year. Its row stays locked until the transaction ends: a transaction that
 * registers next waits, and a transaction that fails gives its serial back, so that none is missing.
 */
export async function nextSerial(tx: Executor, officeCode: string, year: number): Promise<number> {
  const statement = prepared(tx, "next_serial", (name) =>
    tx
      .insert(registrationCounters)
      .values({
        officeCode: sql`${sql.placeholder("officeCode")}`,
        year: sql`${sql.placeholder("year")}`,
        last: 1,
      })
      .onConflictDoUpdate({
        target: [registrationCounters.officeCode, registrationCounters.year],
        set: { last: sql`${registrationCounters.last} + 1` },
      })
      .returning({ last: registrationCounters.last })
      .prepare(name),
  );
  const [counter] = await statement.execute({ officeCode, year });
  if (!counter) throw new Error("upsert returned no row");
  return counter.last;
}

/** What a certificate is made of, by number. Imported numbers may exist once an office. */
export const selectByNumber = (db: Executor, number: string) =>
  db
    .select({ registration: registrations, officeName: registrationOffices.name })
    .from(registrations)
    .innerJoin(registrationOffices, eq(registrationOffices.id, registrations.officeId))
    .where(eq(registrations.number, number))
    .limit(1);
