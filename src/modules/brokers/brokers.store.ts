import {
  and,
  arrayContains,
  arrayOverlaps,
  asc,
  desc,
  eq,
  gt,
  or,
  type SQL,
  sql,
} from "drizzle-orm";
import { brokerCertificates } from "../../../db/schema/broker-certificates.ts";
import { matches } from "../../../db/schema/matches.ts";
import { members } from "../../../db/schema/members.ts";
import { organizations } from "../../../db/schema/organizations.ts";
import type { Executor } from "../../database/connect.ts";
import { startsWith } from "../../database/starts-with.ts";
import { today } from "../../lib/clock.ts";
import { countLimit } from "../../lib/pagination.ts";
import { regionPrefix } from "../../lib/regions.ts";
import type { Broker, ListBrokersQuery } from "./brokers.schema.ts";

// Who may call themselves a broker today. The status alone is no proof: the job that marks a passed
// validity comes by later. The status is a literal, so that the partial indexes serve it.
const valid = () =>
  and(
    sql`${brokerCertificates.status} = 'certified'`,
    sql`(${brokerCertificates.validUntil} is null or ${brokerCertificates.validUntil} >= ${today()})`,
    eq(members.status, "active"),
    eq(organizations.status, "verified"),
  );

// A person has one certificate in force at most (unique index), so nobody is listed twice.
const columns = {
  id: brokerCertificates.memberId,
  name: members.name,
  level: brokerCertificates.level,
  fieldCodes: brokerCertificates.fieldCodes,
  certificateNumber: brokerCertificates.certificateNumber,
  issuer: brokerCertificates.issuer,
  validUntil: brokerCertificates.validUntil,
  certifiedAt: brokerCertificates.certifiedAt,
  organization: {
    id: organizations.id,
    name: organizations.name,
    regionCode: organizations.regionCode,
  },
  // Served by the index on broker and status, for each person of a page.
  deals: sql<Broker["deals"]>`(
    select json_build_object(
      'open', count(*) filter (where m.status in ('proposed', 'agreed', 'negotiating')),
      'contracted', count(*) filter (where m.status = 'contracted'),
      'failed', count(*) filter (where m.status = 'failed'))
    from ${matches} m where m.broker_id = ${brokerCertificates.memberId})`,
};

/** What a query asks for. */
export interface Asked {
  /** The query in one width and case, otherwise as it was written. */
  written: string;
  /** Folded, each with the codes of the fields whose names it is in. */
  words: { text: string; fieldCodes: string[] }[];
}

const nameFields = [members.name, organizations.name];

/** Whether a name holds a text. The database folds width and case; it knows no traditional characters. */
const inName = (text: string) =>
  or(...nameFields.map((name) => sql`strpos(lower(normalize(${name}, NFKC)), ${text}) > 0`));

/**
 * Each word is in one of the names or fields; or a name holds the query as it was written, which finds
 * names in traditional characters too. No index of its own: only people with a valid certificate are
 * looked through, a few thousand in a province, found by the partial index of those in force.
 */
const asks = ({ written, words }: Asked): SQL | undefined =>
  or(
    and(
      ...words.map(({ text, fieldCodes }) =>
        or(
          inName(text),
          fieldCodes.length > 0
            ? arrayOverlaps(brokerCertificates.fieldCodes, fieldCodes)
            : undefined,
        ),
      ),
    ),
    inName(written),
  );

function filtered(query: ListBrokersQuery, asked: Asked | null): SQL | undefined {
  const { level, fieldCode, organizationId, regionCode } = query;
  return and(
    valid(),
    level ? eq(brokerCertificates.level, level) : undefined,
    fieldCode ? arrayContains(brokerCertificates.fieldCodes, [fieldCode]) : undefined,
    organizationId ? eq(brokerCertificates.organizationId, organizationId) : undefined,
    regionCode ? startsWith(organizations.regionCode, regionPrefix(regionCode)) : undefined,
    asked ? asks(asked) : undefined,
  );
}

export const selectBroker = async (db: Executor, memberId: string): Promise<Broker | undefined> =>
  (
    await db
      .select(columns)
      .from(brokerCertificates)
      .innerJoin(members, eq(members.id, brokerCertificates.memberId))
      .innerJoin(organizations, eq(organizations.id, brokerCertificates.organizationId))
      .where(and(eq(brokerCertificates.memberId, memberId), valid()))
  )[0];

/** What a person has applied with last. */
export async function selectLatestCertificate(db: Executor, memberId: string) {
  const { certificateNumber, status, validUntil } = brokerCertificates;
  const [latest] = await db
    .select({ certificateNumber, status, validUntil })
    .from(brokerCertificates)
    .where(eq(brokerCertificates.memberId, memberId))
    .orderBy(desc(brokerCertificates.id))
    .limit(1);
  return latest;
}

export const selectBrokers = (
  db: Executor,
  query: ListBrokersQuery,
  asked: Asked | null,
  after: { id: string } | null,
): Promise<Broker[]> =>
  db
    .select(columns)
    .from(brokerCertificates)
    .innerJoin(members, eq(members.id, brokerCertificates.memberId))
    .innerJoin(organizations, eq(organizations.id, brokerCertificates.organizationId))
    .where(
      and(filtered(query, asked), after ? gt(brokerCertificates.memberId, after.id) : undefined),
    )
    .orderBy(asc(brokerCertificates.memberId))
    .limit(query.limit + 1);

/** Brokers of a field or of the first level above it, in the order of contracts brought about. */
export const selectBrokersOfField = (
  db: Executor,
  fieldCode: string,
  limit: number,
): Promise<Broker[]> =>
  db
    .select(columns)
    .from(brokerCertificates)
    .innerJoin(members, eq(members.id, brokerCertificates.memberId))
    .innerJoin(organizations, eq(organizations.id, brokerCertificates.organizationId))
    .where(
      and(
        valid(),
        arrayOverlaps(brokerCertificates.fieldCodes, [fieldCode, fieldCode.slice(0, 2)]),
      ),
    )
    .orderBy(
      sql`(select count(*) from ${matches} m where m.broker_id = ${brokerCertificates.memberId} and m.status = 'contracted') desc`,
      asc(brokerCertificates.memberId),
    )
    .limit(limit);

export const countBrokers = (db: Executor, query: ListBrokersQuery, asked: Asked | null) =>
  db.$count(
    db
      .select({ one: sql`1` })
      .from(brokerCertificates)
      .innerJoin(members, eq(members.id, brokerCertificates.memberId))
      .innerJoin(organizations, eq(organizations.id, brokerCertificates.organizationId))
      .where(filtered(query, asked))
      .limit(countLimit + 1)
      .as("counted"),
  );
