CREATE TABLE "event_readers" (
	"organization_id" uuid NOT NULL,
	"position" bigint NOT NULL,
	CONSTRAINT "event_readers_once" PRIMARY KEY("organization_id","position")
);
--> statement-breakpoint
CREATE TABLE "events" (
	"position" bigint PRIMARY KEY NOT NULL,
	"id" uuid NOT NULL,
	"type" text NOT NULL,
	"subject_type" text NOT NULL,
	"subject_id" uuid NOT NULL,
	"parent_id" uuid,
	"organization_id" uuid,
	"status_from" text,
	"status_to" text,
	"at" timestamp(3) with time zone NOT NULL,
	"sealed_at" timestamp(3) with time zone NOT NULL,
	"actor_organization_id" uuid,
	"request_id" text,
	"is_public" boolean NOT NULL
);
--> statement-breakpoint
CREATE TABLE "events_state" (
	"singleton" smallint PRIMARY KEY DEFAULT 1 NOT NULL,
	"position" bigint DEFAULT 0 NOT NULL,
	"forgotten" bigint DEFAULT 0 NOT NULL,
	CONSTRAINT "events_state_one" CHECK (singleton = 1),
	CONSTRAINT "events_state_order" CHECK (forgotten <= position)
);
--> statement-breakpoint
ALTER TABLE "event_readers" ADD CONSTRAINT "event_readers_position_events_position_fk" FOREIGN KEY ("position") REFERENCES "public"."events"("position") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "event_readers_position" ON "event_readers" USING btree ("position");--> statement-breakpoint
CREATE INDEX "events_public" ON "events" USING btree ("position") WHERE is_public;--> statement-breakpoint
CREATE INDEX "events_subject" ON "events" USING btree ("subject_type","subject_id","position");--> statement-breakpoint
CREATE INDEX "events_type" ON "events" USING btree ("type","position");--> statement-breakpoint
CREATE INDEX "events_sealed" ON "events" USING btree ("sealed_at");--> statement-breakpoint
-- The feed begins with what is sealed from now on, and takes up what was sealed in the 30 days before.
insert into events_state (position, forgotten)
select through, through
from (select coalesce(max(position), 0) as through from audit_log where sealed_at < now() - interval '30 days') as old;
