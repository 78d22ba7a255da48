ALTER TABLE "api_clients" ADD COLUMN "secret_used_at" timestamp(3) with time zone;--> statement-breakpoint
ALTER TABLE "api_clients" ADD COLUMN "previous_secret_hash" text;--> statement-breakpoint
ALTER TABLE "api_clients" ADD COLUMN "previous_secret_issued_at" timestamp(3) with time zone;--> statement-breakpoint
ALTER TABLE "api_clients" ADD COLUMN "previous_secret_used_at" timestamp(3) with time zone;--> statement-breakpoint
ALTER TABLE "api_clients" ADD COLUMN "previous_secret_expires_at" timestamp(3) with time zone;--> statement-breakpoint
ALTER TABLE "refresh_tokens" ADD COLUMN "successor_salt" text;--> statement-breakpoint
ALTER TABLE "api_clients" ADD CONSTRAINT "api_clients_previous_secret_whole" CHECK (num_nulls(previous_secret_hash, previous_secret_issued_at, previous_secret_expires_at) in (0, 3));--> statement-breakpoint
-- Of the one secret that each client has, it is known when it was last used.
UPDATE "api_clients" SET "secret_used_at" = "last_used_at" WHERE "last_used_at" >= "secret_issued_at";