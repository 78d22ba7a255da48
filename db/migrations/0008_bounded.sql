-- Unlogged: counts of the last minute, which a crash may take, and which no write should wait for.
CREATE UNLOGGED TABLE "rate_limits" (
	"key" text PRIMARY KEY NOT NULL,
	"ends_at" timestamp(3) with time zone NOT NULL,
	"count" integer NOT NULL
);
--> statement-breakpoint
ALTER TABLE "sign_in_attempts" ADD COLUMN "account" text;--> statement-breakpoint
CREATE INDEX "rate_limits_end" ON "rate_limits" USING btree ("ends_at");--> statement-breakpoint
CREATE INDEX "sign_in_attempts_account" ON "sign_in_attempts" USING btree ("account");--> statement-breakpoint
CREATE INDEX "contracts_interest" ON "contracts" USING btree ("interest_id");--> statement-breakpoint
CREATE INDEX "needs_drafts" ON "needs" USING btree ("organization_id") WHERE status = 'draft';--> statement-breakpoint
CREATE INDEX "organizations_crowd" ON "organizations" USING btree ("kind",(case when substr(region_code, 3, 2) = '90' then region_code else left(region_code, 4) end),(coalesce(left(industry_code, 1), ''))) WHERE status = 'verified';--> statement-breakpoint
CREATE INDEX "results_drafts" ON "results" USING btree ("organization_id") WHERE status = 'draft';