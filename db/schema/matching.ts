import { sql } from "drizzle-orm";
import {
  check,
  index,
  integer,
  json,
  pgTable,
  real,
  smallint,
  text,
  unique,
  uuid,
} from "drizzle-orm/pg-core";
import { bytes, instant, known } from "./columns.ts";
import { listingNouns } from "./listings.ts";

/** What suggestions weigh of a listing beside its text. */
export interface DocumentFacts {
  listingId: string;
  organizationId: string;
  fieldCode: string | null;
  industryCode: string | null;
  /** Of an anonymous need the city only. */
  regionCode: string | null;
  /** A result's level; the least that a need can use. */
  maturity: number | null;
  /** A result's price; a need's budget. In yuan, null when it is to be negotiated. */
  amountMin: string | null;
  amountMax: string | null;
  cooperationModes: string[];
  /** A need's deadline. */
  deadline: string | null;
  publishedAt: string;
}

/**
 * What suggestions are made from: a published listing in the few bytes that scoring reads. Written and
 * removed with the listing itself (`src/modules/matching/`); never the source of anything.
 */
export const matchingDocuments = pgTable(
  "matching_documents",
  {
    /** A short key for the postings, of which there are many. */
    number: integer("number").primaryKey().generatedAlwaysAsIdentity(),
    noun: text("noun", { enum: listingNouns }).notNull(),
    listingId: uuid("listing_id").notNull(),
    /** Its owner, as in the listing, which refers to it. */
    organizationId: uuid("organization_id").notNull(),
    /** What is weighed beside the text, as scoring reads it: whole, and by nothing else. */
    facts: json("facts").$type<DocumentFacts>().notNull(),
    /** Its most telling terms with how often it has each, packed (`src/modules/matching/matching.vector.ts`). */
    vector: bytes("vector").notNull(),
    /** Length of the vector, with the term statistics over so many listings. */
    norm: real("norm").notNull(),
    weighedWith: integer("weighed_with").notNull(),
    /** Its postings, so that they can be removed by their key. */
    postedTerms: integer("posted_terms").array().notNull(),
    postedWeights: smallint("posted_weights").array().notNull(),
  },
  (t) => [
    unique("matching_documents_listing").on(t.listingId),
    index("matching_documents_weighed").on(t.weighedWith, t.number),
    known("matching_documents_noun_known", "noun", listingNouns),
  ],
);

const posting = {
  term: integer("term").notNull(),
  /** Share of the listing's vector (`matching.vector.ts`). */
  weight: smallint("weight").notNull(),
  document: integer("document").notNull(),
};

/**
 * Which published results have a term, the heaviest first: read by its index alone, which holds all
 * three columns. (Ascending: heaviest first walks it backwards.)
 */
export const resultPostings = pgTable("result_postings", posting, (t) => [
  index("result_postings_term").on(t.term, t.weight, t.document),
]);

/** The same of needs. */
export const needPostings = pgTable("need_postings", posting, (t) => [
  index("need_postings_term").on(t.term, t.weight, t.document),
]);

/** In how many published listings, results and needs together, a term is; counted again from time to time. */
export const termStatistics = pgTable("term_statistics", {
  term: integer("term").primaryKey(),
  documents: integer("documents").notNull(),
});

/** Which count it is, in one row. Whatever changes the score of an unchanged listing makes a new version. */
export const termStatisticsVersions = pgTable(
  "term_statistics_versions",
  {
    row: smallint("single_row").primaryKey().default(1),
    version: integer("version").notNull().default(0),
    /** Listings that were counted, and the last of their numbers. */
    documents: integer("documents").notNull().default(0),
    through: integer("through").notNull().default(0),
    countedAt: instant("counted_at"),
    /** The way of cutting text (`termsVersion` in `src/lib/terms.ts`) that all listings were written with. */
    termsVersion: integer("terms_version").notNull().default(0),
  },
  () => [check("term_statistics_versions_one_row", sql`single_row = 1`)],
);
