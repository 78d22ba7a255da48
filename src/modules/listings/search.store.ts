/** The SQL of a search: which listings have the words, how well, and what they are like. */
import { eq, type SQL, sql } from "drizzle-orm";
import type { ListingTable } from "../../../db/schema/listings.ts";
import { organizations } from "../../../db/schema/organizations.ts";
import type { Executor } from "../../database/connect.ts";
import type { MoneyBand } from "./search.schema.ts";

/** A way to write a word: all its terms must be there. */
export interface Spelling {
  /** Folded. */
  text: string;
  terms: string[];
  /** A single Chinese character: it is looked for in titles only. */
  inTitle: boolean;
}

/** A word of a query with its synonyms, the word itself first. */
export interface SearchWord {
  spellings: [Spelling, ...Spelling[]];
  required: boolean;
  /** How much it tells, in thousandths: the rarer the more. */
  weight: number;
}

/** Ranked lists and facets look at so many matches. */
export const depth = 2_000;

/** What a spelling is worth where it stands: in the title, in the summary, or elsewhere. */
const places = { title: 40, summary: 20, elsewhere: 10 };
/** A synonym is worth four fifths of the word that was asked for. */
const synonymShare = 0.8;

const array = (terms: readonly string[]) => sql`${sql.param(terms)}::text[]`;

/**
 * Each required word stands somewhere in the listing; one of a single character in its title.
 * @param everywhere also in listings that are not public, which have an index of their own
 */
export function wordsIn(
  table: ListingTable,
  words: readonly SearchWord[],
  everywhere = false,
): SQL {
  const required = words.filter((word) => word.required);
  // What has one spelling goes into one array: one look at the index.
  const plain = required.filter((word) => word.spellings.length === 1);
  const termsOf = (inTitle: boolean) =>
    plain.flatMap(({ spellings: [own] }) => (own.inTitle === inTitle ? own.terms : []));
  const conditions = [
    ...(termsOf(false).length > 0 ? [sql`${table.searchTerms} @> ${array(termsOf(false))}`] : []),
    ...(termsOf(true).length > 0 ? [sql`${table.titleTerms} @> ${array(termsOf(true))}`] : []),
    ...required
      .filter((word) => word.spellings.length > 1)
      .map(({ spellings }) => {
        const own = spellings.map(({ terms, inTitle }) => {
          const column = inTitle ? table.titleTerms : table.searchTerms;
          return sql`${column} @> ${array(terms)}`;
        });
        return sql`(${sql.join(own, sql` or `)})`;
      }),
  ];
  const all = sql`(${sql.join(conditions, sql` and `)})`;
  if (!everywhere) return all;
  return sql`((${table.status} = 'published' and ${all}) or (${table.status} <> 'published' and ${all}))`;
}

/** Each required word stands in the title. */
function wordsInTitle(table: ListingTable, words: readonly SearchWord[]): SQL {
  const conditions = words
    .filter((word) => word.required)
    .map(({ spellings }) => {
      const own = spellings.map(({ terms }) => sql`${table.titleTerms} @> ${array(terms)}`);
      return sql`(${sql.join(own, sql` or `)})`;
    });
  return sql`(${sql.join(conditions, sql` and `)})`;
}

/**
 * The score of a listing that has the words: for each, its weight times the best place of the best
 * spelling. Whole numbers, so that a cursor finds the very same again. More of a query's words never
 * score less.
 */
function searchScore(words: readonly SearchWord[]): SQL {
  const parts = words.map(({ spellings, required, weight }) => {
    const worth = spellings.map(({ text }, i) => {
      const share = i === 0 ? 1 : synonymShare;
      const [title, summary, elsewhere] = [places.title, places.summary, places.elsewhere].map(
        (place) => sql.raw(String(Math.round(place * share))),
      );
      const otherwise = i === 0 && required ? elsewhere : sql.raw("0");
      return sql`case when strpos(title_text, ${text}) > 0 then ${title}
        when strpos(summary_text, ${text}) > 0 then ${summary} else ${otherwise} end`;
    });
    return sql`${sql.raw(String(weight))} * greatest(${sql.join(worth, sql`, `)})`;
  });
  return sql.join(parts, sql` + `);
}

/** The highest score that words can reach. */
export const fullScore = (words: readonly SearchWord[]): number =>
  words.reduce((sum, { weight }) => sum + weight * places.title, 0);

/** Which columns of a table a facet counts. */
export interface FacetColumns {
  maturity: SQL;
  /** The amount that the bands go by, null when it is to be negotiated, or nothing was said of it. */
  amount: SQL;
  /** That it is to be negotiated. */
  negotiable: SQL;
  /** The region as everybody may see it. */
  region: SQL;
}

export interface SearchRequest {
  table: ListingTable;
  facetColumns: FacetColumns;
  /** Scope and filters. */
  where: SQL | undefined;
  words: readonly SearchWord[];
  withFacets: boolean;
  /** Also what is not public; its status is a facet then. */
  everywhere: boolean;
  /** Counties rather than cities. */
  byCounty: boolean;
  after: { key: string; id: string } | null;
  limit: number;
}

export interface Ranked {
  /** At most one more than `depth`. */
  matches: number;
  page: { id: string; score: number }[];
  facets: Record<string, { code: string; count: number }[]> | null;
}

const bounds: [MoneyBand, number][] = [
  ["under_100k", 100_000],
  ["100k_500k", 500_000],
  ["500k_1m", 1_000_000],
  ["1m_5m", 5_000_000],
];

const bandOf = ({ amount, negotiable }: FacetColumns): SQL => {
  const cases = bounds.map(
    ([band, below]) => sql`when ${amount} < ${sql.raw(String(below))} then ${sql.raw(`'${band}'`)}`,
  );
  return sql`case when ${amount} is null then case when ${negotiable} then 'negotiable' end ${sql.join(cases, sql` `)} else 'over_5m' end`;
};

/** The amounts of a band: at least the first, below the second. */
export function bandBounds(band: MoneyBand): { from: number; below: number | null } | null {
  if (band === "negotiable") return null;
  const index = bounds.findIndex(([name]) => name === band);
  if (index === -1) return { from: bounds.at(-1)?.[1] ?? 0, below: null };
  return { from: bounds[index - 1]?.[1] ?? 0, below: bounds[index]?.[1] ?? null };
}

/** What candidates carry: little enough that two thousand of them are read at once. */
function candidateColumns({ table, facetColumns, withFacets, byCounty }: SearchRequest): SQL {
  const always = sql`${table.id} as id, ${table.titleText} as title_text, ${table.summaryText} as summary_text`;
  if (!withFacets) return always;
  const region = byCounty
    ? facetColumns.region
    : sql`case when substr(${table.cityCode}, 3) in ('00', '90') then ${facetColumns.region} else ${table.cityCode} || '00' end`;
  return sql`${always}, ${table.fieldTop} as field, ${table.industrySection} as industry, ${region} as region,
    ${facetColumns.maturity}::text as maturity, ${table.cooperationModes} as modes,
    ${bandOf(facetColumns)} as band, ${table.status} as status`;
}

const facetNames: [name: string, column: string][] = [
  ["fieldCode", "field"],
  ["industryCode", "industry"],
  ["regionCode", "region"],
  ["maturity", "maturity"],
  ["moneyBand", "band"],
];

function facetsOf({ withFacets, everywhere }: SearchRequest): SQL {
  if (!withFacets) return sql`null::json`;
  const counted = [
    ...[...facetNames, ...(everywhere ? [["status", "status"]] : [])].map(
      ([name, column]) =>
        sql`select ${sql.raw(`'${name}'`)} as facet, ${sql.raw(column ?? "")} as code, count(*)::int as count from candidates where ${sql.raw(column ?? "")} is not null group by 2`,
    ),
    // Few combinations of modes, each taken apart once.
    sql`select 'cooperationMode', mode, sum(count)::int from (
      select modes, count(*) as count from candidates group by modes) combined, unnest(modes) mode group by 2`,
  ];
  return sql`(select json_object_agg(facet, codes) from (
    select facet, json_agg(json_build_object('code', code, 'count', count) order by count desc, code) as codes
    from (${sql.join(counted, sql` union all `)}) counted group by facet) named)`;
}

/**
 * The best matches, one page of them, with facets over all that were looked at. Those that have all
 * words in the title come first; of the others as many are added as `depth` has room for, in the order
 * of the index.
 */
export async function selectRanked(db: Executor, request: SearchRequest): Promise<Ranked> {
  const { table, where, words, everywhere, after, limit } = request;
  const columns = candidateColumns(request);
  const from = sql`from ${table} inner join ${organizations} on ${eq(organizations.id, table.organizationId)}`;
  const among = where ?? sql`true`;
  // What has the words in its title has them: where the index of titles serves, it is all that is asked.
  const title = wordsInTitle(table, words);
  const anywhere = wordsIn(table, words, everywhere);
  const most = sql.raw(String(depth + 1));
  const position = after
    ? sql`where (score, id) < (${Number(after.key)}::bigint, ${after.id}::uuid)`
    : sql``;
  const { rows } = await db.execute<{
    matches: number;
    page: Ranked["page"] | null;
    facets: Ranked["facets"];
  }>(sql`
    with in_title as materialized (
      select ${columns} ${from} where ${among} and ${title} and ${everywhere ? anywhere : sql`true`} limit ${most}
    ), elsewhere as (
      select ${columns} ${from} where ${among} and ${anywhere} and not ${title}
      limit (select ${most} - count(*) from in_title)
    ), candidates as materialized (
      select *, (${searchScore(words)})::bigint as score
      from (select * from in_title union all select * from elsewhere) found
    ), ranked as (
      select id, score from candidates order by score desc, id desc limit ${sql.raw(String(depth))}
    ), page as (
      select id, score from ranked ${position} order by score desc, id desc limit ${limit + 1}
    )
    select (select count(*)::int from candidates) as matches,
      (select json_agg(json_build_object('id', id, 'score', score) order by score desc, id desc) from page) as page,
      ${facetsOf(request)} as facets`);
  const [row] = rows;
  return { matches: row?.matches ?? 0, page: row?.page ?? [], facets: row?.facets ?? null };
}

/** Facets of a list that is not searched: of its first matches in the order of the list. */
export async function selectFacets(
  db: Executor,
  request: Omit<SearchRequest, "words" | "after" | "limit">,
  order: SQL,
): Promise<Pick<Ranked, "matches" | "facets">> {
  const full: SearchRequest = { ...request, words: [], after: null, limit: 0 };
  const { table, where } = full;
  const { rows } = await db.execute<{ matches: number; facets: Ranked["facets"] }>(sql`
    with candidates as materialized (
      select ${candidateColumns(full)} from ${table}
      inner join ${organizations} on ${eq(organizations.id, table.organizationId)}
      where ${where ?? sql`true`} order by ${order} limit ${sql.raw(String(depth + 1))}
    )
    select (select count(*)::int from candidates) as matches, ${facetsOf(full)} as facets`);
  return { matches: rows[0]?.matches ?? 0, facets: rows[0]?.facets ?? null };
}

/** How many have each word alone, counted no further than `depth`. */
export async function countWords(
  db: Executor,
  table: ListingTable,
  where: SQL | undefined,
  words: readonly SearchWord[],
  everywhere: boolean,
): Promise<number[]> {
  const counts = words.map(
    (word) => sql`(select count(*)::int from (
      select from ${table} inner join ${organizations} on ${eq(organizations.id, table.organizationId)}
      where ${where ?? sql`true`} and ${wordsIn(table, [{ ...word, required: true }], everywhere)}
      limit ${sql.raw(String(depth + 1))}) found)`,
  );
  const { rows } = await db.execute<{ counts: number[] }>(
    sql`select array[${sql.join(counts, sql`, `)}]::int[] as counts`,
  );
  return rows[0]?.counts ?? [];
}

/** How many listings are shown when nothing has all words. */
const mostNearest = 5;

/** Words that are looked for then, and listings that are looked at for each. */
const nearestBounds = { words: 8, listings: 200 };

/**
 * The listings that have most of what some words tell: of each word, the rarest first, a bounded number is
 * looked at.
 * @param words each is looked for alone
 */
export async function selectNearest(
  db: Executor,
  table: ListingTable,
  where: SQL | undefined,
  words: readonly SearchWord[],
  everywhere: boolean,
): Promise<string[]> {
  const asked = words
    .map((word) => ({ ...word, required: true }))
    .sort((a, b) => b.weight - a.weight)
    .slice(0, nearestBounds.words);
  if (asked.length === 0) return [];
  const has = asked.map((word) => wordsIn(table, [word], everywhere));
  const flags = has.map((one, i) => sql`${one} as ${sql.raw(`has_${i}`)}`);
  const columns = sql`${table.id} as id, ${table.titleText} as title_text,
    ${table.summaryText} as summary_text, ${sql.join(flags, sql`, `)}`;
  const found = has.map(
    (one) => sql`(select ${columns} from ${table}
      inner join ${organizations} on ${eq(organizations.id, table.organizationId)}
      where ${where ?? sql`true`} and ${one} limit ${sql.raw(String(nearestBounds.listings))})`,
  );
  const scores = asked.map(
    (word, i) => sql`case when ${sql.raw(`has_${i}`)} then ${searchScore([word])} else 0 end`,
  );
  const { rows } = await db.execute<{ id: string }>(sql`
    select id from (${sql.join(found, sql` union `)}) found
    order by (${sql.join(scores, sql` + `)})::bigint desc, id desc limit ${sql.raw(String(mostNearest))}`);
  return rows.map(({ id }) => id);
}

/** Whether more than `depth` listings match. */
export async function isCommon(
  db: Executor,
  table: ListingTable,
  where: SQL | undefined,
  words: readonly SearchWord[],
  everywhere: boolean,
): Promise<boolean> {
  const { rows } = await db.execute<{ count: number }>(sql`
    select count(*)::int as count from (
      select from ${table} inner join ${organizations} on ${eq(organizations.id, table.organizationId)}
      where ${where ?? sql`true`} and ${wordsIn(table, words, everywhere)} limit ${sql.raw(String(depth + 1))}) found`);
  return (rows[0]?.count ?? 0) > depth;
}
