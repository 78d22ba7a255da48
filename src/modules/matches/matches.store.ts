import { and, asc, eq, getTableColumns, gt, inArray, lt, or, type SQL, sql } from "drizzle-orm";
import { alias } from "drizzle-orm/pg-core";
import { brokerCertificates } from "../../../db/schema/broker-certificates.ts";
import { matches, matchNotes } from "../../../db/schema/matches.ts";
import { members } from "../../../db/schema/members.ts";
import { needs } from "../../../db/schema/needs.ts";
import { organizations } from "../../../db/schema/organizations.ts";
import { results } from "../../../db/schema/results.ts";
import { changedIn, inOrder } from "../../database/changes.ts";
import type { Executor } from "../../database/connect.ts";
import { isFreeFor, type Take } from "../../database/held-rows.ts";
import { insertRow } from "../../database/rows.ts";
import { type Actor, isOperator } from "../../lib/access.ts";
import { today } from "../../lib/clock.ts";
import { newId } from "../../lib/ids.ts";
import { countLimit } from "../../lib/pagination.ts";
import type { ListMatchesQuery } from "./matches.schema.ts";

export type MatchRow = typeof matches.$inferSelect;

const resultOwner = alias(organizations, "result_owner");
const needOwner = alias(organizations, "need_owner");
const brokerage = alias(organizations, "brokerage");
const broker = alias(members, "broker");

const partyOf = ({ id, name, kind, regionCode }: typeof resultOwner | typeof needOwner) => ({
  id,
  name,
  kind,
  regionCode,
});

const selectFound = (db: Executor) =>
  db
    .select({
      row: getTableColumns(matches),
      result: { id: results.id, reference: results.reference, title: results.title },
      need: {
        id: needs.id,
        reference: needs.reference,
        title: needs.title,
        anonymous: needs.anonymous,
        alias: needs.alias,
      },
      resultOwner: partyOf(resultOwner),
      needOwner: partyOf(needOwner),
      broker: { id: broker.id, name: broker.name },
      brokerage: { id: brokerage.id, name: brokerage.name },
      // The organization that ended it: a party, unless nobody did.
      endedByOrganizationId: sql<string | null>`(
        select m.organization_id from ${members} m where m.id = ${matches.endedBy})`,
      // Its broker may call itself one today; the status alone is no proof (`brokers.store.ts`).
      isBrokerValid: sql<boolean>`(${broker.status} = 'active' and ${brokerage.status} = 'verified'
        and exists (select from ${brokerCertificates} c where c.member_id = ${matches.brokerId}
          and c.status = 'certified' and (c.valid_until is null or c.valid_until >= ${today()})))`,
      // Both listings published, of owners in good standing.
      isPublic: sql<boolean>`(${results.status} = 'published' and ${needs.status} = 'published'
        and ${resultOwner.status} = 'verified' and ${needOwner.status} = 'verified')`,
    })
    .from(matches)
    .innerJoin(results, eq(results.id, matches.resultId))
    .innerJoin(needs, eq(needs.id, matches.needId))
    .innerJoin(resultOwner, eq(resultOwner.id, matches.resultOrganizationId))
    .innerJoin(needOwner, eq(needOwner.id, matches.needOrganizationId))
    .innerJoin(broker, eq(broker.id, matches.brokerId))
    .innerJoin(brokerage, eq(brokerage.id, matches.brokerOrganizationId));

/** A match with what it shows of its listings and its parties. */
export type FoundMatch = Awaited<ReturnType<typeof selectFound>>[number] & {
  /** What was said with the step that was just taken, for the timeline. */
  remark?: string | null;
};

const owns = (organizationId: string) =>
  or(
    eq(matches.resultOrganizationId, organizationId),
    eq(matches.needOrganizationId, organizationId),
  );

/** The three parties' organizations. */
const partyIs = ({ organizationId }: Actor): SQL | undefined =>
  or(owns(organizationId), eq(matches.brokerOrganizationId, organizationId));

/** The matches that a caller may read: those of the own organization, for the operator all. */
const visibleTo = (actor: Actor): SQL | undefined =>
  isOperator(actor) ? undefined : partyIs(actor);

export const selectMatch = async (
  db: Executor,
  actor: Actor,
  id: string,
): Promise<FoundMatch | undefined> =>
  (await selectFound(db).where(and(eq(matches.id, id), visibleTo(actor))))[0];

/** The match for one of its three parties: the timeline is theirs alone. */
export const selectMatchOfParty = async (
  db: Executor,
  actor: Actor,
  id: string,
): Promise<FoundMatch | undefined> =>
  (await selectFound(db).where(and(eq(matches.id, id), partyIs(actor))))[0];

/** One that the caller may read, locked until the transaction ends. */
export const lockMatch = async (
  tx: Executor,
  actor: Actor,
  id: string,
): Promise<FoundMatch | undefined> =>
  (
    await selectFound(tx)
      .where(and(eq(matches.id, id), visibleTo(actor)))
      .for("update", { of: matches })
  )[0];

/** The same for any caller: for what the market does by itself. */
export const lockMatchById = async (tx: Executor, id: string): Promise<FoundMatch | undefined> =>
  (await selectFound(tx).where(eq(matches.id, id)).for("update", { of: matches }))[0];

// A literal, not a parameter: only so can the partial indexes serve it.
const proposed = sql`${matches.status} = 'proposed'`;

/** The proposals about a listing, locked. */
export const lockProposedOf = (
  tx: Executor,
  { noun, id }: { noun: "result" | "need"; id: string },
): Promise<FoundMatch[]> =>
  selectFound(tx)
    .where(and(proposed, eq(noun === "result" ? matches.resultId : matches.needId, id)))
    .orderBy(asc(matches.id))
    .for("update", { of: matches });

/** Proposals whose last day has passed, locked; those that another process holds are left to it. */
export const lockOverdue = (tx: Executor, today: string, take: Take): Promise<FoundMatch[]> =>
  selectFound(tx)
    .where(and(proposed, lt(matches.expiresOn, today), isFreeFor(take, matches.id)))
    .orderBy(asc(matches.expiresOn), asc(matches.id))
    .limit(take.limit)
    .for("update", { of: matches, skipLocked: true });

/** The proposal of a pair whose last day has passed, locked: it must not keep a new one out. */
export const lockOverdueOfPair = (
  tx: Executor,
  { resultId, needId }: { resultId: string; needId: string },
  today: string,
): Promise<FoundMatch[]> =>
  selectFound(tx)
    .where(
      and(
        proposed,
        eq(matches.resultId, resultId),
        eq(matches.needId, needId),
        lt(matches.expiresOn, today),
      ),
    )
    .for("update", { of: matches });

const conditions = (actor: Actor, query: ListMatchesQuery): SQL | undefined =>
  and(
    query.role ? undefined : visibleTo(actor),
    changedIn(matches, query),
    query.role === "owner" ? owns(actor.organizationId) : undefined,
    query.role === "broker" ? eq(matches.brokerOrganizationId, actor.organizationId) : undefined,
    query.status ? eq(matches.status, query.status) : undefined,
    query.resultId ? eq(matches.resultId, query.resultId) : undefined,
    query.needId ? eq(matches.needId, query.needId) : undefined,
    query.brokerId ? eq(matches.brokerId, query.brokerId) : undefined,
  );

/** Newest first, or by the last change. */
export const selectMatches = (
  db: Executor,
  actor: Actor,
  query: ListMatchesQuery,
  after: { key: string; id: string } | null,
): Promise<FoundMatch[]> => {
  const { behind, by } = inOrder(matches, query, after);
  return selectFound(db)
    .where(and(conditions(actor, query), behind))
    .orderBy(...by)
    .limit(query.limit + 1);
};

export const countMatches = (db: Executor, actor: Actor, query: ListMatchesQuery) =>
  db.$count(
    db
      .select({ one: sql`1` })
      .from(matches)
      .where(conditions(actor, query))
      .limit(countLimit + 1)
      .as("counted"),
  );

/**
 * The states of organizations, which stay as they are until the transaction ends. They are locked
 * before listings and matches, as by the one who closes an organization.
 */
export const holdOrganizations = async (
  tx: Executor,
  ids: readonly string[],
): Promise<Map<string, (typeof organizations.$inferSelect)["status"]>> => {
  const rows = await tx
    .select({ id: organizations.id, status: organizations.status })
    .from(organizations)
    .where(inArray(organizations.id, [...new Set(ids)]))
    .orderBy(asc(organizations.id))
    .for("share");
  return new Map(rows.map(({ id, status }) => [id, status]));
};

const listingColumns = (table: typeof results | typeof needs) => ({
  id: table.id,
  organizationId: table.organizationId,
  status: table.status,
  anonymous: table === needs ? needs.anonymous : sql<boolean>`false`,
});

/** A listing, whether or not the caller may read it. */
export const selectListing = async (db: Executor, noun: "result" | "need", id: string) => {
  const table = noun === "result" ? results : needs;
  return (await db.select(listingColumns(table)).from(table).where(eq(table.id, id)))[0];
};

/** The same, which stays as it is until the transaction ends. Results are locked before needs. */
export const holdListing = async (tx: Executor, noun: "result" | "need", id: string) => {
  const table = noun === "result" ? results : needs;
  return (
    await tx.select(listingColumns(table)).from(table).where(eq(table.id, id)).for("share")
  )[0];
};

/** An ended match of the brokerage about a pair of listings. */
export const selectEnded = async (db: Executor, actor: Actor, id: string) =>
  (
    await db
      .select({ resultId: matches.resultId, needId: matches.needId })
      .from(matches)
      .where(
        and(
          eq(matches.id, id),
          eq(matches.brokerOrganizationId, actor.organizationId),
          inArray(matches.status, ["failed", "declined", "withdrawn", "lapsed"]),
        ),
      )
  )[0];

/** Adds an entry to a timeline. */
export const insertNote = (
  tx: Executor,
  values: Omit<typeof matchNotes.$inferInsert, "id">,
): Promise<NoteRow> => insertRow(tx, matchNotes, { ...values, id: newId() });

export type NoteRow = typeof matchNotes.$inferSelect;

/** An entry with the name of the person who made it. */
export type FoundNote = NoteRow & { authorName: string | null };

const author = alias(members, "author");

/** The timeline in the order in which it was written. */
export const selectNotes = (
  db: Executor,
  matchId: string,
  limit: number,
  after: { id: string } | null,
): Promise<FoundNote[]> =>
  db
    .select({ ...getTableColumns(matchNotes), authorName: author.name })
    .from(matchNotes)
    .leftJoin(author, eq(author.id, matchNotes.createdBy))
    .where(and(eq(matchNotes.matchId, matchId), after ? gt(matchNotes.id, after.id) : undefined))
    .orderBy(asc(matchNotes.id))
    .limit(limit + 1);

export const countNotes = (db: Executor, matchId: string) =>
  db.$count(
    db
      .select({ one: sql`1` })
      .from(matchNotes)
      .where(eq(matchNotes.matchId, matchId))
      .limit(countLimit + 1)
      .as("counted"),
  );
