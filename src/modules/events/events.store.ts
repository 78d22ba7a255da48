/** The feed's rows: filled out of the sealed log, read by whoever may see what they are about. */
import { type SQL, sql } from "drizzle-orm";
import { auditLog, auditRecords, sealerState } from "../../../db/schema/audit.ts";
import { brokerCertificates } from "../../../db/schema/broker-certificates.ts";
import { toInstant } from "../../../db/schema/columns.ts";
import { contractAmendments } from "../../../db/schema/contract-amendments.ts";
import { contractPayments } from "../../../db/schema/contract-payments.ts";
import { contractParties, contracts } from "../../../db/schema/contracts.ts";
import { eventReaders, events, eventsState } from "../../../db/schema/events.ts";
import { interests } from "../../../db/schema/interests.ts";
import { matches } from "../../../db/schema/matches.ts";
import { needs } from "../../../db/schema/needs.ts";
import { organizations } from "../../../db/schema/organizations.ts";
import { registrations } from "../../../db/schema/registrations.ts";
import { results } from "../../../db/schema/results.ts";
import type { Executor } from "../../database/connect.ts";
import { type Actor, isOperator } from "../../lib/access.ts";
import { openStatuses } from "../listings/listings.service.ts";
import { type EventType, publicTypes, type SubjectType, subjectTypes } from "./events.types.ts";

/** Words of the program as a list in SQL, which the planner knows then; nothing is in an empty one. */
const listOf = (words: readonly (EventType | SubjectType | (typeof openStatuses)[number])[]): SQL =>
  sql.raw(words.length === 0 ? "null" : words.map((one) => `'${one}'`).join(", "));

/** How far the feed is and how far the log; whether there is something to fill in is seen by that. */
export async function readProgress(db: Executor): Promise<{ position: number; sealed: number }> {
  const { rows } = await db.execute<{ position: string; sealed: string }>(sql`
    select position, (select position from ${sealerState}) as sealed from ${eventsState}`);
  const [progress] = rows;
  if (!progress) throw new Error("the feed has its row since the migration");
  return { position: Number(progress.position), sealed: Number(progress.sealed) };
}

/** The feed's row, for this transaction alone; undefined while another process fills it. */
export async function lockState(tx: Executor): Promise<number | undefined> {
  const [state] = await tx.select().from(eventsState).for("update", { skipLocked: true });
  return state?.position;
}

/**
 * Who has a part in what the event `e` is about, as organizations; several rows of one are one.
 * The market office that has a contract's case reads of the contract too, as it reads the contract.
 */
const parties = sql`
  select e.organization_id where e.subject_type not in ('interest', 'match', 'contract', 'amendment', 'payment', 'registration')
  union select unnest(array[i.owner_organization_id, i.asker_organization_id])
    from ${interests} i where e.subject_type = 'interest' and i.id = e.subject_id
  union select unnest(array[m.result_organization_id, m.need_organization_id, m.broker_organization_id])
    from ${matches} m where e.subject_type = 'match' and m.id = e.subject_id
  union select unnest(array[c.organization_id, c.broker_organization_id])
    from ${contracts} c where e.parent_id = c.id and e.subject_type in ('contract', 'amendment', 'payment')
  union select p.organization_id
    from ${contractParties} p where e.parent_id = p.contract_id
  union select r.office_organization_id
    from ${registrations} r where e.parent_id = r.contract_id and e.subject_type in ('contract', 'amendment', 'payment')
  union select unnest(array[r.office_organization_id, r.applicant_organization_id])
    from ${registrations} r where e.subject_type = 'registration' and r.id = e.subject_id`;

/** Puts what was sealed at these positions into the feed, with whose it may be. */
export async function fill(tx: Executor, from: number, to: number): Promise<void> {
  const status = (part: SQL) => sql`${part} ->> 'status'`;
  await tx.execute(sql`
    insert into ${events} (position, id, type, subject_type, subject_id, parent_id, organization_id,
      status_from, status_to, at, sealed_at, actor_organization_id, request_id, is_public)
    select l.position, r.id, r.type, r.subject_type, r.subject_id,
      case r.subject_type
        when 'contract' then r.subject_id
        when 'amendment' then (select a.contract_id from ${contractAmendments} a where a.id = r.subject_id)
        when 'payment' then (select p.contract_id from ${contractPayments} p where p.id = r.subject_id)
        when 'registration' then (select c.contract_id from ${registrations} c where c.id = r.subject_id)
      end,
      r.organization_id, ${status(sql`r.before`)}, ${status(sql`r.after`)},
      r.at, l.sealed_at, r.actor_organization_id, r.request_id,
      r.type in (${listOf(publicTypes)})
        and coalesce(r.after ->> 'status', 'published') in (${listOf(openStatuses)})
    from ${auditLog} l join ${auditRecords} r on r.id = l.record_id
    where l.position between ${from} and ${to} and r.subject_type in (${listOf(subjectTypes)})
      and r.type !~ '[.]sign_in'`);
  await tx.execute(sql`
    insert into ${eventReaders} (organization_id, position)
    select p.organization_id, e.position from ${events} e
    cross join lateral (${parties}) as p (organization_id)
    where e.position between ${from} and ${to} and p.organization_id is not null`);
  await tx.update(eventsState).set({ position: to });
}

/** A reader of the feed, as far as that decides what it holds. */
export type Reader = Pick<Actor, "id" | "organizationId" | "role" | "isAdmin" | "scopes" | "kind">;

/** Which events are asked for. */
export interface Wanted {
  types: readonly EventType[];
  subjectTypes: readonly SubjectType[];
  subjectId: string | null;
}

/**
 * Whether a reader may see, now, what the event `e` is about: each kind as its own feature lets it be read. What
 * is asked is how things stand at this moment: who has lost a part has lost its events.
 */
function visibleTo(reader: Reader): SQL {
  const { organizationId, id } = reader;
  const operator = sql`${isOperator(reader)}::boolean`;
  const own = sql`e.organization_id = ${organizationId}::uuid`;
  const isOpen = (table: typeof results | typeof needs) => sql`(e.is_public and exists (
    select from ${table} x join ${organizations} o on o.id = x.organization_id
    where x.id = e.subject_id and x.status in (${listOf(openStatuses)}) and o.status = 'verified'))`;
  const ofContract = sql`exists (select from ${contracts} c where c.id = e.parent_id and (
    (${operator} and c.confidentiality <> 'trade_secret')
    or ${organizationId}::uuid in (c.organization_id, c.broker_organization_id)
    or exists (select from ${contractParties} p where p.contract_id = c.id and p.organization_id = ${organizationId}::uuid)
    or exists (select from ${registrations} r where r.contract_id = c.id and r.office_organization_id = ${organizationId}::uuid)))`;
  return sql`case e.subject_type
    when 'result' then ${operator} or ${own} or ${isOpen(results)}
    when 'need' then ${operator} or ${own} or ${isOpen(needs)}
    when 'interest' then ${operator} or exists (select from ${interests} i where i.id = e.subject_id
      and ${organizationId}::uuid in (i.owner_organization_id, i.asker_organization_id))
    when 'match' then ${operator} or exists (select from ${matches} m where m.id = e.subject_id
      and ${organizationId}::uuid in (m.result_organization_id, m.need_organization_id, m.broker_organization_id))
    when 'contract' then ${ofContract}
    when 'amendment' then ${ofContract}
    when 'payment' then ${ofContract}
    when 'registration' then exists (select from ${registrations} r where r.id = e.subject_id and (
      (${operator} and r.facts ->> 'confidentiality' <> 'trade_secret')
      or ${organizationId}::uuid in (r.office_organization_id, r.applicant_organization_id)
      or exists (select from ${contractParties} p where p.contract_id = r.contract_id and p.organization_id = ${organizationId}::uuid)))
    when 'broker_certificate' then ${operator} or (${own} and (${reader.isAdmin}::boolean or exists (
      select from ${brokerCertificates} b where b.id = e.subject_id and b.member_id = ${id}::uuid)))
    when 'api_client' then ${own}
    else ${operator} or ${own}
  end`;
}

export interface FoundEvent {
  position: number;
  id: string;
  type: string;
  subjectType: string;
  subjectId: string;
  parentId: string | null;
  organizationId: string | null;
  statusFrom: string | null;
  statusTo: string | null;
  at: string;
  /** Of a request of the reader's own organization; null of any other. */
  requestId: string | null;
}

/** Some of the feed, and how far it reaches, both of one moment. */
export interface Slice {
  rows: FoundEvent[];
  /** The feed's end. */
  end: number;
  /** Events up to here are no longer kept. */
  forgotten: number;
}

type Raw = { [K in keyof FoundEvent]: string | null };

/**
 * The events after a position that a reader may see, in order. One statement: what it finds and the feed's end
 * are of one moment, so that nothing lies between them that it has not seen.
 */
export async function selectEvents(
  db: Executor,
  reader: Reader,
  after: number,
  wanted: Wanted,
  limit: number,
): Promise<Slice> {
  const condition = sql`e.position > ${after}
    and e.type in (${listOf(wanted.types)})
    and e.subject_type in (${listOf(wanted.subjectTypes)})
    ${wanted.subjectId ? sql`and e.subject_id = ${wanted.subjectId}` : sql``}
    and ${visibleTo(reader)}`;
  const all = sql`select e.position from ${events} e where ${condition} order by e.position limit ${limit}`;
  // Each part is read by an index of its own, in order, and only as far as the page goes.
  const some = sql`(select r.position from ${eventReaders} r join ${events} e on e.position = r.position
      where r.organization_id = ${reader.organizationId} and r.position > ${after} and ${condition}
      order by r.position limit ${limit})
    union (select e.position from ${events} e where e.is_public and ${condition} order by e.position limit ${limit})
    order by position limit ${limit}`;
  const found = await db.execute<{ end: string; forgotten: string; rows: Raw[] | null }>(sql`
    select s.position as end, s.forgotten, (
      select json_agg(json_build_object('position', e.position, 'id', e.id, 'type', e.type,
        'subjectType', e.subject_type, 'subjectId', e.subject_id, 'parentId', e.parent_id,
        'organizationId', e.organization_id, 'statusFrom', e.status_from, 'statusTo', e.status_to,
        'at', e.at::text,
        'requestId', case when e.actor_organization_id = ${reader.organizationId}::uuid then e.request_id end)
        order by e.position)
      from ${events} e where e.position in (select position from (
        ${isOperator(reader) ? all : some}) as page)
    ) as rows
    from ${eventsState} s`);
  const [state] = found.rows;
  if (!state) throw new Error("the feed has its row since the migration");
  const rows = (state.rows ?? []).map(
    (raw) =>
      ({ ...raw, position: Number(raw.position), at: toInstant(raw.at ?? "") }) as FoundEvent,
  );
  return { rows, end: Number(state.end), forgotten: Number(state.forgotten) };
}

/**
 * Removes the oldest events, some at a time, up to a position that was sealed before an instant.
 * @returns how many
 */
export async function forget(tx: Executor, before: string, limit: number): Promise<number> {
  const { rows } = await tx.execute<{ count: number; last: string | null }>(sql`
    with old as (select position from ${events} where sealed_at < ${before} order by position limit ${limit}),
    gone as (delete from ${events} where position in (select position from old) returning position)
    select count(*)::int as count, max(position) as last from gone`);
  const [gone] = rows;
  if (gone?.last) await tx.update(eventsState).set({ forgotten: Number(gone.last) });
  return gone?.count ?? 0;
}
