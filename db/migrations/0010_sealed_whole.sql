ALTER TABLE "audit_log" ADD COLUMN "format" smallint DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "audit_log" ADD COLUMN "transaction_id" "xid8";--> statement-breakpoint
ALTER TABLE "audit_log" ADD CONSTRAINT "audit_log_format" CHECK ((format = 1) = (transaction_id is null) and format in (1, 2)) NOT VALID;