CREATE SEQUENCE "public"."need_references" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1;--> statement-breakpoint
CREATE SEQUENCE "public"."result_references" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1;--> statement-breakpoint
CREATE TABLE "api_clients" (
	"id" uuid PRIMARY KEY NOT NULL,
	"organization_id" uuid NOT NULL,
	"name" text NOT NULL,
	"scopes" text[] NOT NULL,
	"status" text DEFAULT 'active' NOT NULL,
	"secret_hash" text NOT NULL,
	"secret_issued_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	"created_by" uuid NOT NULL,
	"last_used_at" timestamp(3) with time zone,
	"version" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "api_clients_status_known" CHECK (status in ('active', 'revoked'))
);
--> statement-breakpoint
CREATE TABLE "one_time_links" (
	"token_hash" text PRIMARY KEY NOT NULL,
	"member_id" uuid NOT NULL,
	"purpose" text NOT NULL,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp(3) with time zone NOT NULL,
	"used_at" timestamp(3) with time zone,
	CONSTRAINT "one_time_links_purpose_known" CHECK (purpose in ('invitation', 'password_reset'))
);
--> statement-breakpoint
CREATE TABLE "refresh_tokens" (
	"token_hash" text PRIMARY KEY NOT NULL,
	"session_id" uuid NOT NULL,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp(3) with time zone NOT NULL,
	"used_at" timestamp(3) with time zone
);
--> statement-breakpoint
CREATE TABLE "sessions" (
	"id" uuid PRIMARY KEY NOT NULL,
	"member_id" uuid NOT NULL,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp(3) with time zone NOT NULL,
	"revoked_at" timestamp(3) with time zone,
	"revoked_for" text,
	CONSTRAINT "sessions_revoked_why" CHECK ((revoked_at is null) = (revoked_for is null))
);
--> statement-breakpoint
CREATE TABLE "sign_in_attempts" (
	"key" text PRIMARY KEY NOT NULL,
	"count" integer NOT NULL,
	"window_start" timestamp(3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "broker_certificates" (
	"id" uuid PRIMARY KEY NOT NULL,
	"member_id" uuid NOT NULL,
	"organization_id" uuid NOT NULL,
	"status" text DEFAULT 'applied' NOT NULL,
	"level" text NOT NULL,
	"certificate_number" text NOT NULL,
	"issuer" text NOT NULL,
	"field_codes" text[] NOT NULL,
	"issued_on" date NOT NULL,
	"valid_until" date,
	"status_reason" text,
	"certified_at" timestamp(3) with time zone,
	"version" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "broker_certificates_level_known" CHECK (level in ('primary', 'intermediate', 'senior')),
	CONSTRAINT "broker_certificates_status_known" CHECK (status in ('applied', 'withdrawn', 'certified', 'rejected', 'suspended', 'revoked', 'expired')),
	CONSTRAINT "broker_certificates_dates_ordered" CHECK (valid_until is null or valid_until >= issued_on)
);
--> statement-breakpoint
CREATE TABLE "needs" (
	"id" uuid PRIMARY KEY NOT NULL,
	"reference" text DEFAULT next_reference('N') NOT NULL,
	"organization_id" uuid NOT NULL,
	"created_by" uuid,
	"status" text NOT NULL,
	"title" text NOT NULL,
	"summary" text,
	"keywords" text[] DEFAULT '{}' NOT NULL,
	"tags" text[] DEFAULT '{}' NOT NULL,
	"field_code" text,
	"industry_code" text,
	"region_code" text,
	"province_code" text GENERATED ALWAYS AS (left(region_code, 2)) STORED,
	"city_code" text GENERATED ALWAYS AS (left(region_code, 4)) STORED,
	"field_top" text GENERATED ALWAYS AS (left(field_code, 2)) STORED,
	"industry_section" text GENERATED ALWAYS AS (left(industry_code, 1)) STORED,
	"cooperation_modes" text[] DEFAULT '{}' NOT NULL,
	"contact" jsonb,
	"contact_visibility" text DEFAULT 'accepted' NOT NULL,
	"valid_until" date,
	"completeness" smallint DEFAULT 0 NOT NULL,
	"changed_since_review" boolean DEFAULT false NOT NULL,
	"review_reason" text,
	"review_note" text,
	"submitted_at" timestamp(3) with time zone,
	"published_at" timestamp(3) with time zone,
	"search_terms" text[] NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	"need_type" text,
	"urgency" text,
	"background" text,
	"existing_base" text,
	"bottleneck" text,
	"target_indicators" jsonb DEFAULT '[]' NOT NULL,
	"solver_requirements" text,
	"minimum_maturity" smallint,
	"budget_min" numeric(18, 2),
	"budget_max" numeric(18, 2),
	"budget_negotiable" boolean DEFAULT false NOT NULL,
	"deadline" date,
	"authenticity_confirmed" boolean DEFAULT false NOT NULL,
	"anonymous" boolean DEFAULT false NOT NULL,
	"alias" text,
	"solved_by" text,
	CONSTRAINT "needs_reference_unique" UNIQUE("reference"),
	CONSTRAINT "needs_status_known" CHECK (status in ('draft', 'submitted', 'changes_requested', 'rejected', 'published', 'expired', 'withdrawn', 'solved', 'closed')),
	CONSTRAINT "needs_contact_visibility_known" CHECK (contact_visibility in ('public', 'signed_in', 'accepted')),
	CONSTRAINT "needs_minimum_maturity_range" CHECK (minimum_maturity between 1 and 9),
	CONSTRAINT "needs_budget_ordered" CHECK (budget_min >= 0 and budget_min <= budget_max),
	CONSTRAINT "needs_completeness_range" CHECK (completeness between 0 and 100),
	CONSTRAINT "needs_anonymous_has_alias" CHECK (not anonymous or alias is not null),
	CONSTRAINT "needs_reviewed_is_complete" CHECK (status in ('draft', 'changes_requested', 'rejected', 'withdrawn') or (summary is not null and bottleneck is not null and field_code is not null and region_code is not null and need_type is not null and deadline is not null and contact is not null and authenticity_confirmed and cardinality(cooperation_modes) > 0)),
	CONSTRAINT "needs_published_has_dates" CHECK (status <> 'published' or (published_at is not null and valid_until is not null))
);
--> statement-breakpoint
CREATE TABLE "members" (
	"id" uuid PRIMARY KEY NOT NULL,
	"organization_id" uuid NOT NULL,
	"status" text DEFAULT 'invited' NOT NULL,
	"name" text NOT NULL,
	"email" text NOT NULL,
	"phone" text,
	"is_admin" boolean DEFAULT false NOT NULL,
	"password_hash" text,
	"last_sign_in_at" timestamp(3) with time zone,
	"version" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "members_status_known" CHECK (status in ('invited', 'active', 'suspended')),
	CONSTRAINT "members_email_lower" CHECK (email = lower(email)),
	CONSTRAINT "members_active_has_password" CHECK (status <> 'active' or password_hash is not null)
);
--> statement-breakpoint
CREATE TABLE "organizations" (
	"id" uuid PRIMARY KEY NOT NULL,
	"kind" text NOT NULL,
	"status" text DEFAULT 'pending' NOT NULL,
	"name" text NOT NULL,
	"short_name" text,
	"credit_code" text NOT NULL,
	"credit_code_override_reason" text,
	"legal_type" text NOT NULL,
	"region_code" text NOT NULL,
	"industry_code" text,
	"scale" text,
	"address" text,
	"website" text,
	"description" text,
	"contact" jsonb,
	"status_reason" text,
	"verified_at" timestamp(3) with time zone,
	"version" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "organizations_status_known" CHECK (status in ('pending', 'verified', 'rejected', 'suspended', 'closed')),
	CONSTRAINT "organizations_kind_known" CHECK (kind in ('university', 'enterprise', 'brokerage', 'registry', 'operator')),
	CONSTRAINT "organizations_version_positive" CHECK (version > 0)
);
--> statement-breakpoint
CREATE TABLE "audit_records" (
	"id" uuid PRIMARY KEY NOT NULL,
	"at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	"type" text NOT NULL,
	"subject_type" text NOT NULL,
	"subject_id" uuid NOT NULL,
	"organization_id" uuid,
	"actor_kind" text NOT NULL,
	"actor_id" uuid,
	"actor_organization_id" uuid,
	"request_id" text,
	"address" text,
	"reason" text,
	"before" jsonb,
	"after" jsonb
);
--> statement-breakpoint
CREATE TABLE "idempotency_keys" (
	"scope" text NOT NULL,
	"request_hash" text NOT NULL,
	"status" integer NOT NULL,
	"headers" jsonb NOT NULL,
	"body" text NOT NULL,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "idempotency_keys_scope" PRIMARY KEY("scope")
);
--> statement-breakpoint
CREATE TABLE "results" (
	"id" uuid PRIMARY KEY NOT NULL,
	"reference" text DEFAULT next_reference('R') NOT NULL,
	"organization_id" uuid NOT NULL,
	"created_by" uuid,
	"status" text NOT NULL,
	"title" text NOT NULL,
	"summary" text,
	"keywords" text[] DEFAULT '{}' NOT NULL,
	"tags" text[] DEFAULT '{}' NOT NULL,
	"field_code" text,
	"industry_code" text,
	"region_code" text,
	"province_code" text GENERATED ALWAYS AS (left(region_code, 2)) STORED,
	"city_code" text GENERATED ALWAYS AS (left(region_code, 4)) STORED,
	"field_top" text GENERATED ALWAYS AS (left(field_code, 2)) STORED,
	"industry_section" text GENERATED ALWAYS AS (left(industry_code, 1)) STORED,
	"cooperation_modes" text[] DEFAULT '{}' NOT NULL,
	"contact" jsonb,
	"contact_visibility" text DEFAULT 'accepted' NOT NULL,
	"valid_until" date,
	"completeness" smallint DEFAULT 0 NOT NULL,
	"changed_since_review" boolean DEFAULT false NOT NULL,
	"review_reason" text,
	"review_note" text,
	"submitted_at" timestamp(3) with time zone,
	"published_at" timestamp(3) with time zone,
	"search_terms" text[] NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	"description" text,
	"result_type" text,
	"result_form" text,
	"result_nature" text,
	"application_field" text,
	"maturity" smallint,
	"maturity_scale" text DEFAULT 'GB/T 22900-2022' NOT NULL,
	"sample_status" text,
	"completed_on" date,
	"plan_source_code" text,
	"funding" numeric(18, 2),
	"is_service_result" boolean DEFAULT false NOT NULL,
	"owners" jsonb DEFAULT '[]' NOT NULL,
	"inventors" jsonb DEFAULT '[]' NOT NULL,
	"intellectual_property" jsonb DEFAULT '[]' NOT NULL,
	"intellectual_property_types" text[] DEFAULT '{}' NOT NULL,
	"technical_indicators" text,
	"advantages" text,
	"market_analysis" text,
	"benefits" text,
	"awards" text[] DEFAULT '{}' NOT NULL,
	"appraisal" text,
	"licence_kinds" text[] DEFAULT '{}' NOT NULL,
	"price_kind" text,
	"price_min" numeric(18, 2),
	"price_max" numeric(18, 2),
	CONSTRAINT "results_reference_unique" UNIQUE("reference"),
	CONSTRAINT "results_status_known" CHECK (status in ('draft', 'submitted', 'changes_requested', 'rejected', 'published', 'expired', 'withdrawn', 'transferred')),
	CONSTRAINT "results_contact_visibility_known" CHECK (contact_visibility in ('public', 'signed_in', 'accepted')),
	CONSTRAINT "results_price_kind_known" CHECK (price_kind in ('fixed', 'range', 'negotiable', 'appraised')),
	CONSTRAINT "results_maturity_range" CHECK (maturity between 1 and 9),
	CONSTRAINT "results_price_ordered" CHECK (price_min >= 0 and price_min <= price_max),
	CONSTRAINT "results_funding_not_negative" CHECK (funding >= 0),
	CONSTRAINT "results_completeness_range" CHECK (completeness between 0 and 100),
	CONSTRAINT "results_reviewed_is_complete" CHECK (status in ('draft', 'changes_requested', 'rejected', 'withdrawn') or (summary is not null and description is not null and field_code is not null and region_code is not null and maturity is not null and price_kind is not null and contact is not null and cardinality(cooperation_modes) > 0)),
	CONSTRAINT "results_published_has_dates" CHECK (status <> 'published' or (published_at is not null and valid_until is not null))
);
--> statement-breakpoint
CREATE TABLE "taxonomy_items" (
	"taxonomy" text NOT NULL,
	"code" text NOT NULL,
	"parent_code" text,
	"zh" text NOT NULL,
	"en" text NOT NULL,
	"attributes" jsonb,
	"position" integer NOT NULL,
	"origin" text NOT NULL,
	"active" boolean DEFAULT true NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "taxonomy_items_code" PRIMARY KEY("taxonomy","code"),
	CONSTRAINT "taxonomy_items_origin_known" CHECK (origin in ('built_in', 'operator'))
);
--> statement-breakpoint
ALTER TABLE "api_clients" ADD CONSTRAINT "api_clients_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "api_clients" ADD CONSTRAINT "api_clients_created_by_members_id_fk" FOREIGN KEY ("created_by") REFERENCES "public"."members"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "one_time_links" ADD CONSTRAINT "one_time_links_member_id_members_id_fk" FOREIGN KEY ("member_id") REFERENCES "public"."members"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "refresh_tokens" ADD CONSTRAINT "refresh_tokens_session_id_sessions_id_fk" FOREIGN KEY ("session_id") REFERENCES "public"."sessions"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sessions" ADD CONSTRAINT "sessions_member_id_members_id_fk" FOREIGN KEY ("member_id") REFERENCES "public"."members"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "broker_certificates" ADD CONSTRAINT "broker_certificates_member_id_members_id_fk" FOREIGN KEY ("member_id") REFERENCES "public"."members"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "broker_certificates" ADD CONSTRAINT "broker_certificates_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "needs" ADD CONSTRAINT "needs_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "needs" ADD CONSTRAINT "needs_created_by_members_id_fk" FOREIGN KEY ("created_by") REFERENCES "public"."members"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "members" ADD CONSTRAINT "members_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "results" ADD CONSTRAINT "results_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "results" ADD CONSTRAINT "results_created_by_members_id_fk" FOREIGN KEY ("created_by") REFERENCES "public"."members"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "api_clients_organization" ON "api_clients" USING btree ("organization_id","id");--> statement-breakpoint
CREATE UNIQUE INDEX "api_clients_name" ON "api_clients" USING btree ("organization_id","name") WHERE status = 'active';--> statement-breakpoint
CREATE INDEX "one_time_links_member" ON "one_time_links" USING btree ("member_id");--> statement-breakpoint
CREATE INDEX "refresh_tokens_session" ON "refresh_tokens" USING btree ("session_id");--> statement-breakpoint
CREATE UNIQUE INDEX "refresh_tokens_one_live" ON "refresh_tokens" USING btree ("session_id") WHERE used_at is null;--> statement-breakpoint
CREATE INDEX "sessions_member" ON "sessions" USING btree ("member_id");--> statement-breakpoint
CREATE INDEX "sessions_expiry" ON "sessions" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "sign_in_attempts_window" ON "sign_in_attempts" USING btree ("window_start");--> statement-breakpoint
CREATE UNIQUE INDEX "broker_certificates_one_applied" ON "broker_certificates" USING btree ("member_id") WHERE status = 'applied';--> statement-breakpoint
CREATE UNIQUE INDEX "broker_certificates_one_in_force" ON "broker_certificates" USING btree ("member_id") WHERE status in ('certified', 'suspended');--> statement-breakpoint
CREATE UNIQUE INDEX "broker_certificates_number_in_force" ON "broker_certificates" USING btree ("issuer","certificate_number") WHERE status in ('certified', 'suspended');--> statement-breakpoint
CREATE INDEX "broker_certificates_organization" ON "broker_certificates" USING btree ("organization_id","id");--> statement-breakpoint
CREATE INDEX "broker_certificates_status" ON "broker_certificates" USING btree ("status","id");--> statement-breakpoint
CREATE INDEX "broker_certificates_validity" ON "broker_certificates" USING btree ("valid_until") WHERE status in ('certified', 'suspended');--> statement-breakpoint
CREATE INDEX "broker_certificates_fields" ON "broker_certificates" USING gin ("field_codes");--> statement-breakpoint
CREATE INDEX "needs_newest" ON "needs" USING btree ("published_at","id") WHERE status = 'published';--> statement-breakpoint
CREATE INDEX "needs_field" ON "needs" USING btree ("field_top","published_at","id") WHERE status = 'published';--> statement-breakpoint
CREATE INDEX "needs_industry" ON "needs" USING btree ("industry_section","published_at","id") WHERE status = 'published';--> statement-breakpoint
CREATE INDEX "needs_province" ON "needs" USING btree ("province_code","published_at","id") WHERE status = 'published';--> statement-breakpoint
CREATE INDEX "needs_city" ON "needs" USING btree ("city_code","published_at","id") WHERE status = 'published';--> statement-breakpoint
CREATE INDEX "needs_region" ON "needs" USING btree ("region_code","published_at","id") WHERE status = 'published';--> statement-breakpoint
CREATE INDEX "needs_type" ON "needs" USING btree ("need_type","published_at","id") WHERE status = 'published';--> statement-breakpoint
CREATE INDEX "needs_urgency" ON "needs" USING btree ("urgency","published_at","id") WHERE status = 'published';--> statement-breakpoint
CREATE INDEX "needs_minimum_maturity" ON "needs" USING btree ("minimum_maturity","published_at","id") WHERE status = 'published';--> statement-breakpoint
CREATE INDEX "needs_budget" ON "needs" USING btree ("budget_max") WHERE status = 'published';--> statement-breakpoint
CREATE INDEX "needs_deadline" ON "needs" USING btree ("deadline","id") WHERE status = 'published';--> statement-breakpoint
CREATE INDEX "needs_validity" ON "needs" USING btree ("valid_until","id") WHERE status = 'published';--> statement-breakpoint
CREATE INDEX "needs_owner_published" ON "needs" USING btree ("organization_id","published_at","id") WHERE status = 'published';--> statement-breakpoint
CREATE INDEX "needs_cooperation" ON "needs" USING gin ("cooperation_modes") WHERE status = 'published';--> statement-breakpoint
CREATE INDEX "needs_tags" ON "needs" USING gin ("tags") WHERE status = 'published';--> statement-breakpoint
CREATE INDEX "needs_search" ON "needs" USING gin ("search_terms") WHERE status = 'published';--> statement-breakpoint
CREATE INDEX "needs_owner" ON "needs" USING btree ("organization_id","updated_at","id");--> statement-breakpoint
CREATE INDEX "needs_owner_created" ON "needs" USING btree ("organization_id","created_at","id");--> statement-breakpoint
CREATE INDEX "needs_status" ON "needs" USING btree ("status","updated_at","id");--> statement-breakpoint
CREATE INDEX "needs_updated" ON "needs" USING btree ("updated_at","id");--> statement-breakpoint
CREATE INDEX "needs_created" ON "needs" USING btree ("created_at","id");--> statement-breakpoint
CREATE UNIQUE INDEX "members_email" ON "members" USING btree ("email");--> statement-breakpoint
CREATE INDEX "members_organization" ON "members" USING btree ("organization_id","id");--> statement-breakpoint
CREATE UNIQUE INDEX "organizations_credit_code_verified" ON "organizations" USING btree ("credit_code") WHERE status in ('verified', 'suspended');--> statement-breakpoint
CREATE INDEX "organizations_credit_code" ON "organizations" USING btree ("credit_code");--> statement-breakpoint
CREATE INDEX "organizations_status" ON "organizations" USING btree ("status","id");--> statement-breakpoint
CREATE INDEX "organizations_kind" ON "organizations" USING btree ("kind","status","id");--> statement-breakpoint
CREATE INDEX "organizations_region" ON "organizations" USING btree ("region_code" text_pattern_ops,"id");--> statement-breakpoint
CREATE INDEX "audit_records_subject" ON "audit_records" USING btree ("subject_type","subject_id","id");--> statement-breakpoint
CREATE INDEX "audit_records_organization" ON "audit_records" USING btree ("organization_id","id");--> statement-breakpoint
CREATE INDEX "idempotency_keys_created" ON "idempotency_keys" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "results_newest" ON "results" USING btree ("published_at","id") WHERE status = 'published';--> statement-breakpoint
CREATE INDEX "results_field" ON "results" USING btree ("field_top","published_at","id") WHERE status = 'published';--> statement-breakpoint
CREATE INDEX "results_industry" ON "results" USING btree ("industry_section","published_at","id") WHERE status = 'published';--> statement-breakpoint
CREATE INDEX "results_province" ON "results" USING btree ("province_code","published_at","id") WHERE status = 'published';--> statement-breakpoint
CREATE INDEX "results_city" ON "results" USING btree ("city_code","published_at","id") WHERE status = 'published';--> statement-breakpoint
CREATE INDEX "results_region" ON "results" USING btree ("region_code","published_at","id") WHERE status = 'published';--> statement-breakpoint
CREATE INDEX "results_type" ON "results" USING btree ("result_type","published_at","id") WHERE status = 'published';--> statement-breakpoint
CREATE INDEX "results_maturity" ON "results" USING btree ("maturity","id") WHERE status = 'published';--> statement-breakpoint
CREATE INDEX "results_maturity_newest" ON "results" USING btree ("maturity","published_at","id") WHERE status = 'published';--> statement-breakpoint
CREATE INDEX "results_sample" ON "results" USING btree ("sample_status","published_at","id") WHERE status = 'published';--> statement-breakpoint
CREATE INDEX "results_price_kind" ON "results" USING btree ("price_kind","published_at","id") WHERE status = 'published';--> statement-breakpoint
CREATE INDEX "results_price" ON "results" USING btree ("price_min") WHERE status = 'published';--> statement-breakpoint
CREATE INDEX "results_validity" ON "results" USING btree ("valid_until","id") WHERE status = 'published';--> statement-breakpoint
CREATE INDEX "results_owner_published" ON "results" USING btree ("organization_id","published_at","id") WHERE status = 'published';--> statement-breakpoint
CREATE INDEX "results_cooperation" ON "results" USING gin ("cooperation_modes") WHERE status = 'published';--> statement-breakpoint
CREATE INDEX "results_tags" ON "results" USING gin ("tags") WHERE status = 'published';--> statement-breakpoint
CREATE INDEX "results_ip_types" ON "results" USING gin ("intellectual_property_types") WHERE status = 'published';--> statement-breakpoint
CREATE INDEX "results_search" ON "results" USING gin ("search_terms") WHERE status = 'published';--> statement-breakpoint
CREATE INDEX "results_owner" ON "results" USING btree ("organization_id","updated_at","id");--> statement-breakpoint
CREATE INDEX "results_owner_created" ON "results" USING btree ("organization_id","created_at","id");--> statement-breakpoint
CREATE INDEX "results_status" ON "results" USING btree ("status","updated_at","id");--> statement-breakpoint
CREATE INDEX "results_updated" ON "results" USING btree ("updated_at","id");--> statement-breakpoint
CREATE INDEX "results_created" ON "results" USING btree ("created_at","id");