CREATE TABLE "job_faults" (
	"id" uuid PRIMARY KEY NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	"job" text NOT NULL,
	"subject_type" text NOT NULL,
	"subject_id" text NOT NULL,
	"attempts" integer NOT NULL,
	"reason" text NOT NULL,
	"first_failed_at" timestamp(3) with time zone NOT NULL,
	"last_failed_at" timestamp(3) with time zone NOT NULL,
	"next_attempt_at" timestamp(3) with time zone NOT NULL,
	"parked_at" timestamp(3) with time zone,
	CONSTRAINT "job_faults_attempts_counted" CHECK (attempts >= 0)
);
--> statement-breakpoint
CREATE TABLE "job_runs" (
	"job" text PRIMARY KEY NOT NULL,
	"due_at" timestamp(3) with time zone NOT NULL,
	"started_at" timestamp(3) with time zone,
	"finished_at" timestamp(3) with time zone,
	"succeeded_at" timestamp(3) with time zone,
	"failures" integer DEFAULT 0 NOT NULL,
	"leased_by" uuid,
	"leased_until" timestamp(3) with time zone
);
--> statement-breakpoint
CREATE UNIQUE INDEX "job_faults_subject" ON "job_faults" USING btree ("job","subject_id");--> statement-breakpoint
CREATE INDEX "job_faults_job" ON "job_faults" USING btree ("job","id");--> statement-breakpoint
CREATE INDEX "job_faults_subject_type" ON "job_faults" USING btree ("subject_type","id");--> statement-breakpoint
CREATE INDEX "job_faults_parked" ON "job_faults" USING btree ("id") WHERE parked_at is not null;