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
-- The columns are new and empty: there is nothing to read the tables for.
ALTER TABLE "contract_payments" ADD CONSTRAINT "contract_payments_external_id_length" CHECK (char_length(external_id) between 1 and 100) NOT VALID;--> statement-breakpoint
ALTER TABLE "needs" ADD CONSTRAINT "needs_external_id_length" CHECK (char_length(external_id) between 1 and 100) NOT VALID;--> statement-breakpoint
ALTER TABLE "results" ADD CONSTRAINT "results_external_id_length" CHECK (char_length(external_id) between 1 and 100) NOT VALID;