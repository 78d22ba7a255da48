import { inArray, type SQL, sql } from "drizzle-orm";
import { contractConfirmations, contractParties, contracts } from "../../../db/schema/contracts.ts";
import { interests } from "../../../db/schema/interests.ts";
import { mailPreferences, mails } from "../../../db/schema/mails.ts";
import { matches } from "../../../db/schema/matches.ts";
import { members } from "../../../db/schema/members.ts";
import { needs } from "../../../db/schema/needs.ts";
import { organizations } from "../../../db/schema/organizations.ts";
import { registrations } from "../../../db/schema/registrations.ts";
import { results } from "../../../db/schema/results.ts";
import type { Executor } from "../../database/connect.ts";
import { isFreeFor, type Take } from "../../database/held-rows.ts";
import { send } from "../../database/transact.ts";
import { nowInstant } from "../../lib/clock.ts";

type NewMail = Omit<typeof mails.$inferInsert, "dueAt">;

/** Writes mails that are due at once; nobody waits for it but the commit. */
export async function insertMails(tx: Executor, rows: readonly NewMail[]): Promise<void> {
  if (rows.length === 0) return;
  const dueAt = nowInstant();
  await send(tx, tx.insert(mails).values(rows.map((row) => ({ ...row, dueAt }))));
}

/**
 * What waits for organizations: the kind of mail that tells it, what it is, and what is the organization's own of
 * it. Never anything of the other side: the owner of an anonymous need shows in no mail.
 */
const waiting = (today: string): SQL => sql`(
  select 'interest_received' as kind, i.id as subject_id, i.owner_organization_id as organization_id,
    coalesce(r.reference, n.reference) as reference, coalesce(r.title, n.title) as title, i.due_on
  from ${interests} i left join ${results} r on r.id = i.result_id left join ${needs} n on n.id = i.need_id
  where i.status = 'open'
  union all
  select 'match_proposed', m.id, m.result_organization_id, r.reference, r.title, m.expires_on
  from ${matches} m join ${results} r on r.id = m.result_id
  where m.status = 'proposed' and m.result_accepted_at is null and m.expires_on >= ${today}
  union all
  select 'match_proposed', m.id, m.need_organization_id, n.reference, n.title, m.expires_on
  from ${matches} m join ${needs} n on n.id = m.need_id
  where m.status = 'proposed' and m.need_accepted_at is null and m.expires_on >= ${today}
  union all
  select 'contract_to_confirm', c.id, p.organization_id, c.reference, null, null
  from ${contractParties} p join ${contracts} c on c.id = p.contract_id
  where c.status = 'confirming' and not exists (
    select from ${contractConfirmations} s where s.contract_id = c.id and s.revision = c.revision
      and s.action = 'confirm' and s.side = p.side and s.position = p.position and s.voided_at is null)
  union all
  select 'supplement_requested', g.id, g.applicant_organization_id, c.reference, null, g.supplement_due_on
  from ${registrations} g join ${contracts} c on c.id = g.contract_id
  where g.status = 'supplement_requested')`;

/** Whether a person wants mail of a kind; what is not named in the preferences nobody can turn off. */
const wants = (kind: SQL) => sql`coalesce((to_jsonb(mp) ->> ${kind})::boolean, true)`;

/**
 * Makes of mails to organizations mails to those people of them who want them, some at once.
 * @returns how many were dealt with
 */
export async function addressMails(tx: Executor, limit: number): Promise<number> {
  // Their ids order nothing: the database makes them.
  const { rows } = await tx.execute<{ taken: number }>(sql`
    with taken as (
      delete from ${mails} where id in (
        select id from ${mails} where ended_at is null and member_id is null
        order by due_at, id limit ${limit} for update skip locked)
      returning *),
    addressed as (
      insert into ${mails} (id, kind, organization_id, member_id, subject_id, created_at, due_at)
      select gen_random_uuid(), t.kind, t.organization_id, p.id, t.subject_id, t.created_at, t.due_at
      from taken t
      join ${organizations} o on o.id = t.organization_id and o.status = 'verified'
      join ${members} p on p.organization_id = o.id and p.status = 'active'
      left join ${mailPreferences} mp on mp.id = p.id
      where ${wants(sql`t.kind`)})
    select count(*)::int as taken from taken`);
  return rows[0]?.taken ?? 0;
}

/** Takes mails that are due, so that no other process tries them until `until`. @returns their ids */
export async function takeMails(
  tx: Executor,
  { now, until, limit }: { now: string; until: string; limit: number },
): Promise<string[]> {
  const { rows } = await tx.execute<{ id: string }>(sql`
    update ${mails} set attempts = attempts + 1, due_at = ${until} where id in (
      select id from ${mails} where ended_at is null and member_id is not null and due_at <= ${now}
      order by due_at, id limit ${limit} for update skip locked)
    returning id`);
  return rows.map(({ id }) => id);
}

/** One of the things that wait. */
export interface Waiting {
  kind: "interest_received" | "match_proposed" | "contract_to_confirm" | "supplement_requested";
  reference: string;
  /** Of the organization's own listing. */
  title: string | null;
  dueOn: string | null;
}

/** A mail, whom it is to, and what it is to say. */
export interface Outgoing extends Record<string, unknown> {
  id: string;
  kind: (typeof mails.$inferSelect)["kind"];
  attempts: number;
  linkHash: string | null;
  email: string;
  name: string;
  organization: string;
  language: "zh" | "en";
  /** Whether it still is to go out: of that kind, to such a person. */
  isWanted: boolean;
  /** What waits, of what the mail is about: null of mail about the own account. */
  items: Waiting[] | null;
}

/** Things that a mail lists at most. */
export const listedAtMost = 20;

/** What mails are to say, as it is now. */
export async function selectOutgoing(
  db: Executor,
  ids: readonly string[],
  today: string,
): Promise<Outgoing[]> {
  const { rows } = await db.execute<Outgoing>(sql`
    select m.id, m.kind, m.attempts, m.link_hash as "linkHash", p.email, p.name, o.name as organization,
      coalesce(mp.language, 'zh') as language, w.items,
      ${wants(sql`m.kind`)} and case
        when m.kind in ('invitation', 'password_reset') then p.status <> 'suspended' and o.status = 'verified'
        when m.kind = 'password_changed' then p.status = 'active' and o.status in ('verified', 'suspended')
        else p.status = 'active' and o.status = 'verified' end as "isWanted"
    from ${mails} m
    join ${members} p on p.id = m.member_id
    join ${organizations} o on o.id = p.organization_id
    left join ${mailPreferences} mp on mp.id = p.id
    left join lateral (
      select jsonb_agg(jsonb_build_object('kind', kind, 'reference', reference, 'title', title, 'dueOn', due_on)
        order by due_on, reference) as items
      from (
        select * from ${waiting(today)} w
        where w.organization_id = p.organization_id
          and (m.kind = 'digest' or (w.kind = m.kind and w.subject_id = m.subject_id))
        order by w.due_on, w.reference limit ${listedAtMost + 1}) listed) w
      on m.kind = 'digest' or m.subject_id is not null
    where ${inArray(sql`m.id`, [...ids])}`);
  return rows;
}

/** Ends a mail: it went out, or is not tried again. What it was about is forgotten with it. */
export const endMail = (
  db: Executor,
  id: string,
  outcome: "sent" | "given_up",
  reason: string | null,
) =>
  db
    .update(mails)
    .set({ endedAt: nowInstant(), outcome, reason, linkHash: null, subjectId: null })
    .where(sql`id = ${id} and ended_at is null`);

/** Has a mail tried again later. */
export const postponeMail = (db: Executor, id: string, dueAt: string, reason: string) =>
  db.update(mails).set({ dueAt, reason }).where(sql`id = ${id} and ended_at is null`);

/** Removes mails that need not go out any more, or that are long ended. */
export const deleteMails = (db: Executor, ids: readonly string[]) =>
  db.delete(mails).where(inArray(mails.id, [...ids]));

/** Some that ended before an instant, locked. */
export async function lockEnded(
  tx: Executor,
  before: string,
  take: Take,
): Promise<{ id: string }[]> {
  const found = await tx.execute<{ id: string }>(sql`
    select id from ${mails} where ended_at < ${before} and ${isFreeFor(take, sql`${mails.id}`)}
    order by ended_at, id limit ${take.limit} for update skip locked`);
  return found.rows;
}

/** What is due, and since when. */
export async function selectBacklog(
  db: Executor,
  now: string,
): Promise<{ depth: number; since: string | null }> {
  const [found] = await db
    .select({ depth: sql<number>`count(*)::int`, since: sql<string | null>`min(${mails.dueAt})` })
    .from(mails)
    .where(sql`ended_at is null and due_at <= ${now}`);
  const since = found?.since ? new Date(found.since).toISOString() : null;
  return { depth: found?.depth ?? 0, since };
}

/** People who want a digest, have none of this day, and for whose organization something waits. */
export async function selectDigestReaders(
  tx: Executor,
  today: string,
  take: Take,
): Promise<{ id: string; organizationId: string }[]> {
  const found = await tx.execute<{ id: string; organizationId: string }>(sql`
    select p.id, p.organization_id as "organizationId" from ${members} p
    join ${organizations} o on o.id = p.organization_id and o.status = 'verified'
    left join ${mailPreferences} mp on mp.id = p.id
    where p.status = 'active' and ${wants(sql`'digest'`)}
      and (${take.after}::uuid is null or p.id > ${take.after}::uuid)
      and not exists (select from ${mails} m where m.member_id = p.id and m.day = ${today})
      and exists (select from ${waiting(today)} w where w.organization_id = p.organization_id)
      and ${isFreeFor(take, sql`p.id`)}
    order by p.id limit ${take.limit}`);
  return found.rows;
}

/** Writes digests of a day; who has one gets no second one. */
export async function insertDigests(tx: Executor, rows: readonly NewMail[]): Promise<void> {
  const dueAt = nowInstant();
  await tx
    .insert(mails)
    .values(rows.map((row) => ({ ...row, dueAt })))
    .onConflictDoNothing();
}
