CREATE TABLE "mail_preferences" (
	"id" uuid PRIMARY KEY NOT NULL,
	"language" text DEFAULT 'zh' NOT NULL,
	"interest_received" boolean DEFAULT true NOT NULL,
	"match_proposed" boolean DEFAULT true NOT NULL,
	"contract_to_confirm" boolean DEFAULT true NOT NULL,
	"supplement_requested" boolean DEFAULT true NOT NULL,
	"digest" boolean DEFAULT true NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "mail_preferences_language_known" CHECK (language in ('zh', 'en'))
);
--> statement-breakpoint
CREATE TABLE "mails" (
	"id" uuid PRIMARY KEY NOT NULL,
	"kind" text NOT NULL,
	"organization_id" uuid NOT NULL,
	"member_id" uuid,
	"subject_id" uuid,
	"link_hash" text,
	"day" date,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	"due_at" timestamp(3) with time zone NOT NULL,
	"attempts" integer DEFAULT 0 NOT NULL,
	"reason" text,
	"ended_at" timestamp(3) with time zone,
	"outcome" text,
	CONSTRAINT "mails_kind_known" CHECK (kind in ('invitation', 'password_reset', 'password_changed', 'interest_received', 'match_proposed', 'contract_to_confirm', 'supplement_requested', 'digest')),
	CONSTRAINT "mails_ended_somehow" CHECK ((ended_at is null) = (outcome is null)),
	CONSTRAINT "mails_digest_has_day" CHECK ((kind = 'digest') = (day is not null)),
	CONSTRAINT "mails_link_has_owner" CHECK (link_hash is null or (member_id is not null and kind in ('invitation', 'password_reset')))
);
--> statement-breakpoint
ALTER TABLE "mail_preferences" ADD CONSTRAINT "mail_preferences_id_members_id_fk" FOREIGN KEY ("id") REFERENCES "public"."members"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "mails" ADD CONSTRAINT "mails_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "mails" ADD CONSTRAINT "mails_member_id_members_id_fk" FOREIGN KEY ("member_id") REFERENCES "public"."members"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "mails" ADD CONSTRAINT "mails_link_hash_one_time_links_token_hash_fk" FOREIGN KEY ("link_hash") REFERENCES "public"."one_time_links"("token_hash") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "mails_due" ON "mails" USING btree ("due_at","id") WHERE ended_at is null;--> statement-breakpoint
CREATE INDEX "mails_ended" ON "mails" USING btree ("ended_at","id") WHERE ended_at is not null;--> statement-breakpoint
CREATE INDEX "mails_member" ON "mails" USING btree ("member_id");--> statement-breakpoint
CREATE INDEX "mails_link" ON "mails" USING btree ("link_hash") WHERE link_hash is not null;--> statement-breakpoint
CREATE UNIQUE INDEX "mails_one_digest" ON "mails" USING btree ("member_id","day") WHERE day is not null;