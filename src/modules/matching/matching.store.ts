/** Documents and postings: what is found, and how it is kept. */
import { sql } from "drizzle-orm";
import {
  type listingNouns,
  matchingDocuments,
  needPostings,
  resultPostings,
} from "../../../db/schema/matching.ts";
import { organizations } from "../../../db/schema/organizations.ts";
import type { Executor } from "../../database/connect.ts";
import type { Packed, Vector } from "./matching.vector.ts";

export type Noun = (typeof listingNouns)[number];

const postingsOf = (noun: Noun) => (noun === "result" ? resultPostings : needPostings);

/** What suggestions weigh beside the text. */
export interface DocumentFacts {
  listingId: string;
  organizationId: string;
  fieldCode: string | null;
  industryCode: string | null;
  regionCode: string | null;
  maturity: number | null;
  amountMin: string | null;
  amountMax: string | null;
  cooperationModes: string[];
  deadline: string | null;
  publishedAt: string;
}

export interface NewDocument extends DocumentFacts, Vector {
  weighedWith: number;
}

/** Removes documents with their postings, which are found by their key. */
export const deleteDocuments = (tx: Executor, noun: Noun, listingIds: readonly string[]) =>
  tx.execute(sql`
    with gone as (
      delete from ${matchingDocuments} where listing_id = any(${sql.param(listingIds)}::uuid[])
      returning number, posted_terms, posted_weights
    ), posted as (
      select number, unnest(posted_terms) as term, unnest(posted_weights) as weight from gone
    )
    delete from ${postingsOf(noun)} p using posted
    where p.term = posted.term and p.weight = posted.weight and p.document = posted.number`);

/** Writes documents with their postings, in one statement however many there are. */
export const insertDocuments = (tx: Executor, noun: Noun, documents: readonly NewDocument[]) => {
  const rows = documents.map((document) => ({
    listing_id: document.listingId,
    organization_id: document.organizationId,
    field_code: document.fieldCode,
    industry_code: document.industryCode,
    region_code: document.regionCode,
    maturity: document.maturity,
    amount_min: document.amountMin,
    amount_max: document.amountMax,
    cooperation_modes: document.cooperationModes,
    deadline: document.deadline,
    published_at: document.publishedAt,
    terms: document.terms,
    frequencies: `\\x${document.frequencies.toString("hex")}`,
    norm: document.norm,
    weighed_with: document.weighedWith,
    posted_terms: document.postedTerms,
    posted_weights: document.postedWeights,
  }));
  const columns = sql.raw(Object.keys(rows[0] ?? {}).join(", "));
  return tx.execute(sql`
    with made as (
      insert into ${matchingDocuments} (noun, ${columns})
      select ${noun}, ${columns} from jsonb_populate_recordset(null::matching_documents, ${JSON.stringify(rows)}::jsonb)
      returning number, posted_terms, posted_weights
    )
    insert into ${postingsOf(noun)} (term, weight, document)
    select unnest(posted_terms), unnest(posted_weights), number from made`);
};

/** A candidate: what is known of it, and its vector. */
export interface Candidate extends DocumentFacts {
  packed: Packed;
}

type CandidateRow = Omit<DocumentFacts, "cooperationModes"> & {
  cooperationModes: string[];
  terms: Buffer;
  frequencies: Buffer;
  norm: number;
};

/**
 * The listings whose postings of these terms add up to most, of organisations in good standing; without
 * terms, any.
 * @param limit how many
 * @param budget postings read of one term at most
 */
export async function selectCandidates(
  db: Executor,
  noun: Noun,
  by: { terms: readonly number[]; factors: readonly number[] } | null,
  { withoutOrganization, limit, budget }: Bounds,
): Promise<Candidate[]> {
  if (by?.terms.length === 0) return [];
  const found = by
    ? sql`
      select p.document, sum(p.weight * q.factor) as sum
      from unnest(${sql.param(by.terms)}::int[], ${sql.param(by.factors)}::real[]) as q(term, factor)
      cross join lateral (
        select document, weight from ${postingsOf(noun)} where term = q.term
        order by weight desc, document desc limit ${budget}
      ) p
      group by p.document order by 2 desc, 1 limit ${limit}`
    : sql`select number as document from ${matchingDocuments} where noun = ${noun} limit ${limit}`;
  const { rows } = await db.execute<CandidateRow & Record<string, unknown>>(sql`
    with found as materialized (${found})
    select d.listing_id as "listingId", d.organization_id as "organizationId",
      d.field_code as "fieldCode", d.industry_code as "industryCode", d.region_code as "regionCode",
      d.maturity, d.amount_min as "amountMin", d.amount_max as "amountMax",
      d.cooperation_modes as "cooperationModes", d.deadline::text as deadline,
      to_char(d.published_at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "publishedAt",
      array_send(d.terms) as terms, d.frequencies, d.norm
    from found
    inner join ${matchingDocuments} d on d.number = found.document
    inner join ${organizations} o on o.id = d.organization_id and o.status = 'verified'
    where d.organization_id is distinct from ${withoutOrganization}::uuid`);
  return rows.map(({ terms, frequencies, norm, ...facts }) => ({
    ...facts,
    packed: { terms, frequencies, norm },
  }));
}

export interface Bounds {
  withoutOrganization: string | null;
  limit: number;
  budget: number;
}

/** Documents that were weighed with statistics over another number of listings than about this one. */
export async function lockStale(tx: Executor, documents: number, limit: number) {
  const { rows } = await tx.execute<
    { number: number; noun: Noun; listingId: string; terms: Buffer; frequencies: Buffer } & Record<
      string,
      unknown
    >
  >(sql`
    select number, noun, listing_id as "listingId", array_send(terms) as terms, frequencies
    from ${matchingDocuments}
    where weighed_with < ${Math.floor(documents / 1.5)} or weighed_with > ${Math.ceil(documents * 1.5)}
    order by number limit ${limit} for update skip locked`);
  return rows;
}

/** Writes the new weights of a document and of its postings. */
export const updateVector = (
  tx: Executor,
  noun: Noun,
  number: number,
  vector: Vector,
  weighedWith: number,
) =>
  tx.execute(sql`
    with old as (
      select posted_terms, posted_weights from ${matchingDocuments} where number = ${number}
    ), gone as (
      delete from ${postingsOf(noun)} p
      using (select unnest(posted_terms) as term, unnest(posted_weights) as weight from old) o
      where p.term = o.term and p.weight = o.weight and p.document = ${number}
    ), kept as (
      update ${matchingDocuments} set terms = ${sql.param(vector.terms)}::int[],
        frequencies = ${vector.frequencies}, norm = ${vector.norm}, weighed_with = ${weighedWith},
        posted_terms = ${sql.param(vector.postedTerms)}::int[],
        posted_weights = ${sql.param(vector.postedWeights)}::smallint[]
      where number = ${number}
    )
    insert into ${postingsOf(noun)} (term, weight, document)
    select term, weight, ${number}::int
    from unnest(${sql.param(vector.postedTerms)}::int[], ${sql.param(vector.postedWeights)}::smallint[]) as t(term, weight)`);
