-- Apart from the columns: adding those keeps readers out, building these only writers.
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
CREATE INDEX "saved_searches_owner_updated" ON "saved_searches" USING btree ("owner_id","updated_at","id");
