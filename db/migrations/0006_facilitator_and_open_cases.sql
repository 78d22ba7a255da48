ALTER TABLE "contract_parties" ADD COLUMN "is_converted_institute" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "contracts" ADD COLUMN "facilitator" text;--> statement-breakpoint
CREATE INDEX "registrations_open_due" ON "registrations" USING btree ("office_organization_id","due_on","id") WHERE status in ('filed', 'supplement_requested', 'accepted', 'expert_review');