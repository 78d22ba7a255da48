CREATE TABLE "matching_documents" (
	"number" integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "matching_documents_number_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 START WITH 1 CACHE 1),
	"noun" text NOT NULL,
	"listing_id" uuid NOT NULL,
	"organization_id" uuid NOT NULL,
	"facts" json NOT NULL,
	"vector" "bytea" NOT NULL,
	"norm" real NOT NULL,
	"weighed_with" integer NOT NULL,
	"posted_terms" integer[] NOT NULL,
	"posted_weights" smallint[] NOT NULL,
	CONSTRAINT "matching_documents_listing" UNIQUE("listing_id"),
	CONSTRAINT "matching_documents_noun_known" CHECK (noun in ('result', 'need'))
);
--> statement-breakpoint
CREATE TABLE "need_postings" (
	"term" integer NOT NULL,
	"weight" smallint NOT NULL,
	"document" integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE "result_postings" (
	"term" integer NOT NULL,
	"weight" smallint NOT NULL,
	"document" integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE "suggestion_verdicts" (
	"id" uuid PRIMARY KEY NOT NULL,
	"need_id" uuid NOT NULL,
	"result_id" uuid NOT NULL,
	"suggested_for" text NOT NULL,
	"member_id" uuid NOT NULL,
	"organization_id" uuid NOT NULL,
	"verdict" text NOT NULL,
	"reason" text,
	"note" text,
	"score" numeric(6, 4),
	"parts" jsonb DEFAULT '[]' NOT NULL,
	"engine" text NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "suggestion_verdicts_one_each" UNIQUE("member_id","need_id","result_id"),
	CONSTRAINT "suggestion_verdicts_verdict_known" CHECK (verdict in ('useful', 'not_useful')),
	CONSTRAINT "suggestion_verdicts_noun_known" CHECK (suggested_for in ('result', 'need'))
);
--> statement-breakpoint
CREATE TABLE "synonyms" (
	"id" uuid PRIMARY KEY NOT NULL,
	"words" text[] NOT NULL,
	"folded" text[] NOT NULL,
	"note" text,
	"created_by" uuid,
	"version" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "synonyms_several_words" CHECK (cardinality(words) between 2 and 20)
);
--> statement-breakpoint
CREATE TABLE "term_statistics" (
	"term" integer PRIMARY KEY NOT NULL,
	"documents" integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE "term_statistics_versions" (
	"single_row" smallint PRIMARY KEY DEFAULT 1 NOT NULL,
	"version" integer DEFAULT 0 NOT NULL,
	"documents" integer DEFAULT 0 NOT NULL,
	"through" integer DEFAULT 0 NOT NULL,
	"counted_at" timestamp(3) with time zone,
	"terms_version" integer DEFAULT 0 NOT NULL,
	CONSTRAINT "term_statistics_versions_one_row" CHECK (single_row = 1)
);
--> statement-breakpoint
CREATE TABLE "saved_searches" (
	"id" uuid PRIMARY KEY NOT NULL,
	"organization_id" uuid NOT NULL,
	"owner_id" uuid NOT NULL,
	"noun" text NOT NULL,
	"name" text NOT NULL,
	"query" jsonb NOT NULL,
	"seen_through" timestamp(3) with time zone NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "saved_searches_noun_known" CHECK (noun in ('result', 'need'))
);
--> statement-breakpoint
DROP INDEX "needs_search";--> statement-breakpoint
DROP INDEX "results_search";--> statement-breakpoint
ALTER TABLE "contract_parties" ADD COLUMN "is_converted_institute" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "contracts" ADD COLUMN "facilitator" text;--> statement-breakpoint
ALTER TABLE "needs" ADD COLUMN "title_text" text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE "needs" ADD COLUMN "summary_text" text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE "needs" ADD COLUMN "title_terms" text[] DEFAULT '{}' NOT NULL;--> statement-breakpoint
ALTER TABLE "needs" ADD COLUMN "facet_terms" text[] GENERATED ALWAYS AS (array_remove(array['field:' || left(field_code, 2), 'industry:' || left(industry_code, 1), 'province:' || left(region_code, 2), 'city:' || left(region_code, 4), 'region:' || region_code], null) || cooperation_modes) STORED;--> statement-breakpoint
ALTER TABLE "results" ADD COLUMN "title_text" text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE "results" ADD COLUMN "summary_text" text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE "results" ADD COLUMN "title_terms" text[] DEFAULT '{}' NOT NULL;--> statement-breakpoint
ALTER TABLE "results" ADD COLUMN "facet_terms" text[] GENERATED ALWAYS AS (array_remove(array['field:' || left(field_code, 2), 'industry:' || left(industry_code, 1), 'province:' || left(region_code, 2), 'city:' || left(region_code, 4), 'region:' || region_code], null) || cooperation_modes) STORED;--> statement-breakpoint
ALTER TABLE "suggestion_verdicts" ADD CONSTRAINT "suggestion_verdicts_need_id_needs_id_fk" FOREIGN KEY ("need_id") REFERENCES "public"."needs"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "suggestion_verdicts" ADD CONSTRAINT "suggestion_verdicts_result_id_results_id_fk" FOREIGN KEY ("result_id") REFERENCES "public"."results"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "suggestion_verdicts" ADD CONSTRAINT "suggestion_verdicts_member_id_members_id_fk" FOREIGN KEY ("member_id") REFERENCES "public"."members"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "suggestion_verdicts" ADD CONSTRAINT "suggestion_verdicts_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "synonyms" ADD CONSTRAINT "synonyms_created_by_members_id_fk" FOREIGN KEY ("created_by") REFERENCES "public"."members"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "saved_searches" ADD CONSTRAINT "saved_searches_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "matching_documents_weighed" ON "matching_documents" USING btree ("weighed_with","number");--> statement-breakpoint
CREATE INDEX "need_postings_term" ON "need_postings" USING btree ("term","weight","document");--> statement-breakpoint
CREATE INDEX "result_postings_term" ON "result_postings" USING btree ("term","weight","document");--> statement-breakpoint
CREATE INDEX "suggestion_verdicts_need" ON "suggestion_verdicts" USING btree ("need_id","id");--> statement-breakpoint
CREATE INDEX "suggestion_verdicts_result" ON "suggestion_verdicts" USING btree ("result_id","id");--> statement-breakpoint
CREATE INDEX "suggestion_verdicts_verdict" ON "suggestion_verdicts" USING btree ("verdict","id");--> statement-breakpoint
CREATE INDEX "synonyms_folded" ON "synonyms" USING gin ("folded");--> statement-breakpoint
CREATE INDEX "synonyms_updated" ON "synonyms" USING btree ("updated_at","id");--> statement-breakpoint
CREATE INDEX "saved_searches_owner" ON "saved_searches" USING btree ("owner_id","id");--> statement-breakpoint
CREATE INDEX "needs_search_inner" ON "needs" USING gin ("search_terms","facet_terms") WHERE status <> 'published';--> statement-breakpoint
CREATE INDEX "needs_search_title" ON "needs" USING gin ("title_terms","facet_terms") WHERE status = 'published';--> statement-breakpoint
CREATE INDEX "registrations_open_due" ON "registrations" USING btree ("office_organization_id","due_on","id") WHERE status in ('filed', 'supplement_requested', 'accepted', 'expert_review');--> statement-breakpoint
CREATE INDEX "results_search_inner" ON "results" USING gin ("search_terms","facet_terms") WHERE status <> 'published';--> statement-breakpoint
CREATE INDEX "results_search_title" ON "results" USING gin ("title_terms","facet_terms") WHERE status = 'published';--> statement-breakpoint
CREATE INDEX "needs_search" ON "needs" USING gin ("search_terms","facet_terms") WHERE status = 'published';--> statement-breakpoint
CREATE INDEX "results_search" ON "results" USING gin ("search_terms","facet_terms") WHERE status = 'published';