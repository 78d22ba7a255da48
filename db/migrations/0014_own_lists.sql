CREATE INDEX "needs_owner_validity" ON "needs" USING btree ("organization_id",coalesce("valid_until", 'infinity'::date),"id");--> statement-breakpoint
CREATE INDEX "needs_owner_completeness" ON "needs" USING btree ("organization_id","completeness","id");--> statement-breakpoint
CREATE INDEX "results_owner_validity" ON "results" USING btree ("organization_id",coalesce("valid_until", 'infinity'::date),"id");--> statement-breakpoint
CREATE INDEX "results_owner_completeness" ON "results" USING btree ("organization_id","completeness","id");