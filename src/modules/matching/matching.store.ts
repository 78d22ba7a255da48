/** Documents and postings: what is found, and how it is kept. */
import { type SQL, sql } from "drizzle-orm";
import type { listingNouns } from "../../../db/schema/listings.ts";
import {
  type DocumentFacts,
  matchingDocuments,
  needPostings,
  resultPostings,
} from "../../../db/schema/matching.ts";
import { organizations } from "../../../db/schema/organizations.ts";
import type { Executor } from "../../database/connect.ts";
import { isFreeFor, type Take } from "../../database/held-rows.ts";
import { prepared } from "../../database/prepared.ts";
import type { Lookup, Packed, Vector } from "./matching.vector.ts";

export type Noun = (typeof listingNouns)[number];

const postingsOf = (noun: Noun) => (noun === "result" ? resultPostings : needPostings);

export interface NewDocument extends Vector {
  facts: DocumentFacts;
  weighedWith: number;
}

/**
 * Keeps the documents of these listings as they are until the transaction ends, so that the postings
 * which the next statement sees are the ones that they have: they may just be reweighed.
 */
export const lockDocuments = (tx: Executor, listingIds: readonly string[]) =>
  prepared(tx, "lock_documents", (name) =>
    tx
      .select({ number: matchingDocuments.number })
      .from(matchingDocuments)
      .where(sql`${matchingDocuments.listingId} = any(${sql.placeholder("listingIds")}::uuid[])`)
      .orderBy(matchingDocuments.number)
      .for("update")
      .prepare(name),
  ).execute({ listingIds });

/** Removes documents with their postings, which are found by their key. They are locked. */
export const deleteDocuments = (tx: Executor, noun: Noun, listingIds: readonly string[]) =>
  tx.execute(sql`
    with gone as (
      delete from ${matchingDocuments} where listing_id = any(${sql.param(listingIds)}::uuid[])
      returning number, posted_terms, posted_weights
    )
    ${deletePostings(noun, "gone")}`);

/** Deletes the postings that the rows of a query tell of. */
const deletePostings = (noun: Noun, of: string): SQL => sql`
    delete from ${postingsOf(noun)} p
    using (select number, unnest(posted_terms) as term, unnest(posted_weights) as weight from ${sql.raw(of)}) o
    where p.term = o.term and p.weight = o.weight and p.document = o.number`;

const written = [
  "organization_id",
  "facts",
  "vector",
  "norm",
  "weighed_with",
  "posted_terms",
  "posted_weights",
];

/**
 * Writes documents with their postings, in one statement however many there are.
 * @param replacing what is there of the same listings, which is locked; else nothing is, and nothing is
 * looked for: a bulk load has dropped the index of the postings
 */
export const writeDocuments = (
  tx: Executor,
  noun: Noun,
  documents: readonly NewDocument[],
  { replacing }: { replacing: boolean },
) => {
  const columns = sql.raw(["listing_id", ...written].join(", "));
  const changes = sql.raw(written.map((column) => `${column} = excluded.${column}`).join(", "));
  const statement = prepared(tx, `${replacing ? "replace" : "add"}_${noun}_documents`, (name) => {
    const rows = sql`jsonb_populate_recordset(null::matching_documents, ${sql.placeholder("documents")}::jsonb)`;
    const given = tx.$with("given", {}).as(sql`select ${columns} from ${rows}`);
    const old = tx.$with("old", {}).as(sql`
      select number, posted_terms, posted_weights from ${matchingDocuments}
      where listing_id in (select listing_id from given)`);
    const gone = tx.$with("gone", {}).as(deletePostings(noun, "old"));
    const made = tx.$with("made", {}).as(sql`
      insert into ${matchingDocuments} (noun, ${columns}) select ${sql.raw(`'${noun}'`)}, ${columns} from given
      ${replacing ? sql`on conflict (listing_id) do update set ${changes}` : sql``}
      returning number, posted_terms, posted_weights`);
    return tx
      .with(given, ...(replacing ? [old, gone] : []), made)
      .insert(postingsOf(noun))
      .select(sql`select unnest(posted_terms), unnest(posted_weights), number from made`)
      .prepare(name);
  });
  return statement.execute({
    documents: JSON.stringify(
      documents.map(({ facts, packed, norm, weighedWith, postedTerms, postedWeights }) => ({
        listing_id: facts.listingId,
        organization_id: facts.organizationId,
        facts,
        vector: `\\x${packed.toString("hex")}`,
        norm,
        weighed_with: weighedWith,
        posted_terms: postedTerms,
        posted_weights: postedWeights,
      })),
    ),
  });
};

/** A candidate: what is known of it, and its vector. */
export interface Candidate extends Packed {
  facts: DocumentFacts;
  /** Found by a synonym alone. */
  bySynonym: boolean;
}

/**
 * The listings whose postings of these terms add up to most, and some more that have the synonyms, of
 * organizations in good standing; without terms, any.
 */
export async function selectCandidates(
  db: Executor,
  noun: Noun,
  by: { own: Lookup; synonyms: Lookup } | null,
  { limit, more, budget }: Bounds,
): Promise<Candidate[]> {
  const best = ({ terms, factors }: Lookup, bySynonym: boolean, most: number) => sql`(
    select p.document, ${sql.raw(String(bySynonym))} as by_synonym
    from unnest(${sql.param(terms)}::int[], ${sql.param(factors)}::real[]) as q(term, factor)
    cross join lateral (
      select document, weight from ${postingsOf(noun)} where term = q.term
      order by weight desc, document desc limit ${budget}
    ) p
    group by p.document order by sum(p.weight * q.factor) desc, 1 limit ${most})`;
  const any = sql`select number as document, false as by_synonym from ${matchingDocuments} where noun = ${noun} limit ${limit}`;
  const lookups = by
    ? [
        ...(by.own.terms.length > 0 ? [best(by.own, false, limit)] : []),
        ...(by.synonyms.terms.length > 0 ? [best(by.synonyms, true, more)] : []),
      ]
    : [any];
  if (lookups.length === 0) return [];
  const { rows } = await db.execute<Candidate & Record<string, unknown>>(sql`
    with each as (${sql.join(lookups, sql` union all `)}), found as materialized (
      select document, bool_and(by_synonym) as by_synonym from each group by document
    )
    select d.facts, d.vector as packed, d.norm, found.by_synonym as "bySynonym"
    from found
    inner join ${matchingDocuments} d on d.number = found.document
    inner join ${organizations} o on o.id = d.organization_id and o.status = 'verified'`);
  return rows;
}

export interface Bounds {
  /** How many. */
  limit: number;
  /** How many more that have the synonyms. */
  more: number;
  /** Postings read of one term at most. */
  budget: number;
}

/** That a document was weighed with statistics over another number of listings than about this one. */
const isStale = (documents: number): SQL =>
  sql`(weighed_with < ${Math.floor(documents / 1.5)} or weighed_with > ${Math.ceil(documents * 1.5)})`;

export const countStale = (db: Executor, documents: number): Promise<number> =>
  db.$count(matchingDocuments, isStale(documents));

/** Such documents. */
export async function lockStale(
  tx: Executor,
  documents: number,
  take: Take,
): Promise<StaleDocument[]> {
  const { rows } = await tx.execute<StaleDocument & Record<string, unknown>>(sql`
    select listing_id as id, number, noun, vector as packed from ${matchingDocuments}
    where ${isStale(documents)} and ${isFreeFor(take, matchingDocuments.listingId)}
    order by number limit ${take.limit} for update skip locked`);
  return rows;
}

export interface StaleDocument {
  /** Of the listing. */
  id: string;
  number: number;
  noun: Noun;
  packed: Buffer;
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
      select number, posted_terms, posted_weights from ${matchingDocuments} where number = ${number}
    ), gone as (${deletePostings(noun, "old")}), kept as (
      update ${matchingDocuments} set vector = ${vector.packed}, norm = ${vector.norm},
        weighed_with = ${weighedWith}, posted_terms = ${sql.param(vector.postedTerms)}::int[],
        posted_weights = ${sql.param(vector.postedWeights)}::smallint[]
      where number = ${number}
    )
    insert into ${postingsOf(noun)} (term, weight, document)
    select term, weight, ${number}::int
    from unnest(${sql.param(vector.postedTerms)}::int[], ${sql.param(vector.postedWeights)}::smallint[]) as t(term, weight)`);
