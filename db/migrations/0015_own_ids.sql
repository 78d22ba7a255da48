CREATE TABLE "contract_external_ids" (
	"contract_id" uuid NOT NULL,
	"organization_id" uuid NOT NULL,
	"external_id" text NOT NULL,
	CONSTRAINT "contract_external_ids_one" PRIMARY KEY("contract_id","organization_id"),
	CONSTRAINT "contract_external_ids_length" CHECK (char_length(external_id) between 1 and 100)
);
--> statement-breakpoint
ALTER TABLE "contract_payments" ADD COLUMN "external_id" text;--> statement-breakpoint
ALTER TABLE "needs" ADD COLUMN "external_id" text;--> statement-breakpoint
ALTER TABLE "results" ADD COLUMN "external_id" text;--> statement-breakpoint
ALTER TABLE "contract_external_ids" ADD CONSTRAINT "contract_external_ids_contract_id_contracts_id_fk" FOREIGN KEY ("contract_id") REFERENCES "public"."contracts"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "contract_external_ids" ADD CONSTRAINT "contract_external_ids_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "contract_external_ids_external_id" ON "contract_external_ids" USING btree ("organization_id","external_id");--> statement-breakpoint
CREATE UNIQUE INDEX "contract_payments_external_id" ON "contract_payments" USING btree ("organization_id","external_id") WHERE voided_at is null and external_id is not null;--> statement-breakpoint
CREATE INDEX "contracts_updated" ON "contracts" USING btree ("updated_at","id");--> statement-breakpoint
CREATE INDEX "interests_owner_updated" ON "interests" USING btree ("owner_organization_id","updated_at","id");--> statement-breakpoint
CREATE INDEX "interests_asker_updated" ON "interests" USING btree ("asker_organization_id","updated_at","id");--> statement-breakpoint
CREATE INDEX "interests_updated" ON "interests" USING btree ("updated_at","id");--> statement-breakpoint
CREATE INDEX "matches_result_owner_updated" ON "matches" USING btree ("result_organization_id","updated_at","id");--> statement-breakpoint
CREATE INDEX "matches_need_owner_updated" ON "matches" USING btree ("need_organization_id","updated_at","id");--> statement-breakpoint
CREATE INDEX "matches_brokerage_updated" ON "matches" USING btree ("broker_organization_id","updated_at","id");--> statement-breakpoint
CREATE INDEX "matches_updated" ON "matches" USING btree ("updated_at","id");--> statement-breakpoint
CREATE INDEX "needs_changed" ON "needs" USING btree ("updated_at","id") WHERE status = 'published';--> statement-breakpoint
CREATE UNIQUE INDEX "needs_external_id" ON "needs" USING btree ("organization_id","external_id") WHERE external_id is not null;--> statement-breakpoint
CREATE INDEX "organizations_updated" ON "organizations" USING btree ("updated_at","id");--> statement-breakpoint
CREATE INDEX "registrations_office_updated" ON "registrations" USING btree ("office_organization_id","updated_at","id");--> statement-breakpoint
CREATE INDEX "registrations_updated" ON "registrations" USING btree ("updated_at","id");--> statement-breakpoint
CREATE INDEX "results_changed" ON "results" USING btree ("updated_at","id") WHERE status = 'published';--> statement-breakpoint
CREATE UNIQUE INDEX "results_external_id" ON "results" USING btree ("organization_id","external_id") WHERE external_id is not null;--> statement-breakpoint
CREATE INDEX "saved_searches_owner_updated" ON "saved_searches" USING btree ("owner_id","updated_at","id");--> statement-breakpoint
-- The columns are new and empty: there is nothing to read the tables for.
ALTER TABLE "contract_payments" ADD CONSTRAINT "contract_payments_external_id_length" CHECK (char_length(external_id) between 1 and 100) NOT VALID;--> statement-breakpoint
ALTER TABLE "needs" ADD CONSTRAINT "needs_external_id_length" CHECK (char_length(external_id) between 1 and 100) NOT VALID;--> statement-breakpoint
ALTER TABLE "results" ADD CONSTRAINT "results_external_id_length" CHECK (char_length(external_id) between 1 and 100) NOT VALID;