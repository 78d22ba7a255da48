CREATE SEQUENCE "public"."contract_references" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1;--> statement-breakpoint
CREATE TABLE "attachments" (
	"id" uuid PRIMARY KEY NOT NULL,
	"subject_type" text NOT NULL,
	"subject_id" uuid NOT NULL,
	"organization_id" uuid NOT NULL,
	"created_by" uuid,
	"purpose" text NOT NULL,
	"visibility" text DEFAULT 'accepted' NOT NULL,
	"revision" integer,
	"file_name" text NOT NULL,
	"media_type" text NOT NULL,
	"size" bigint NOT NULL,
	"sha256" text NOT NULL,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "attachments_subject_known" CHECK (subject_type in ('result', 'need', 'contract', 'registration')),
	CONSTRAINT "attachments_purpose_known" CHECK (purpose in ('document', 'contract_text', 'annex', 'signed_copy', 'cancellation_copy', 'payment_proof', 'supplement')),
	CONSTRAINT "attachments_visibility_known" CHECK (visibility in ('public', 'signed_in', 'accepted')),
	CONSTRAINT "attachments_sha256_shape" CHECK (sha256 ~ '^[0-9a-f]{64}$'),
	CONSTRAINT "attachments_size_positive" CHECK (size > 0)
);
--> statement-breakpoint
CREATE TABLE "contract_amendments" (
	"id" uuid PRIMARY KEY NOT NULL,
	"contract_id" uuid NOT NULL,
	"status" text DEFAULT 'confirming' NOT NULL,
	"revision" integer NOT NULL,
	"organization_id" uuid NOT NULL,
	"created_by" uuid,
	"reason" text NOT NULL,
	"patch" jsonb NOT NULL,
	"content" jsonb NOT NULL,
	"content_sha256" text NOT NULL,
	"effective_at" timestamp(3) with time zone,
	"version" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "contract_amendments_status_known" CHECK (status in ('confirming', 'effective', 'withdrawn'))
);
--> statement-breakpoint
CREATE TABLE "contract_confirmations" (
	"id" uuid PRIMARY KEY NOT NULL,
	"contract_id" uuid NOT NULL,
	"action" text NOT NULL,
	"revision" integer NOT NULL,
	"content_sha256" text NOT NULL,
	"side" text NOT NULL,
	"position" smallint NOT NULL,
	"organization_id" uuid,
	"member_id" uuid,
	"attachment_id" uuid,
	"voided_at" timestamp(3) with time zone,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "contract_confirmations_side_known" CHECK (side in ('seller', 'buyer')),
	CONSTRAINT "contract_confirmations_by_whom" CHECK (num_nonnulls(organization_id, attachment_id) >= 1)
);
--> statement-breakpoint
CREATE TABLE "contract_parties" (
	"id" uuid PRIMARY KEY NOT NULL,
	"contract_id" uuid NOT NULL,
	"side" text NOT NULL,
	"position" smallint NOT NULL,
	"organization_id" uuid,
	"name" text NOT NULL,
	"credit_code" text,
	"nature_code" text,
	"country_code" text DEFAULT 'CN' NOT NULL,
	"region_code" text,
	"industry_code" text,
	"scale" text,
	"address" text,
	"postal_code" text,
	"legal_representative" text,
	"contact" jsonb,
	"is_transfer_institution" boolean DEFAULT false NOT NULL,
	"is_research_institution" boolean DEFAULT false NOT NULL,
	"is_high_tech_zone" boolean DEFAULT false NOT NULL,
	"is_listed" boolean DEFAULT false NOT NULL,
	CONSTRAINT "contract_parties_side_known" CHECK (side in ('seller', 'buyer'))
);
--> statement-breakpoint
CREATE TABLE "contract_payments" (
	"id" uuid PRIMARY KEY NOT NULL,
	"contract_id" uuid NOT NULL,
	"paid_on" date NOT NULL,
	"amount" numeric(18, 2) NOT NULL,
	"voucher_number" text,
	"invoice_number" text,
	"note" text,
	"organization_id" uuid NOT NULL,
	"created_by" uuid,
	"voided_at" timestamp(3) with time zone,
	"void_reason" text,
	"version" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "contract_payments_positive" CHECK (amount > 0)
);
--> statement-breakpoint
CREATE TABLE "contract_revisions" (
	"id" uuid PRIMARY KEY NOT NULL,
	"contract_id" uuid NOT NULL,
	"revision" integer NOT NULL,
	"content" jsonb NOT NULL,
	"content_sha256" text NOT NULL,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "contracts" (
	"id" uuid PRIMARY KEY NOT NULL,
	"reference" text DEFAULT next_reference('C') NOT NULL,
	"status" text DEFAULT 'draft' NOT NULL,
	"organization_id" uuid NOT NULL,
	"created_by" uuid,
	"match_id" uuid,
	"interest_id" uuid,
	"result_id" uuid,
	"need_id" uuid,
	"broker_id" uuid,
	"broker_organization_id" uuid,
	"revision" integer DEFAULT 1 NOT NULL,
	"content_sha256" text,
	"title" text NOT NULL,
	"type" text NOT NULL,
	"subtype" text NOT NULL,
	"subject" text,
	"field_code" text,
	"industry_code" text,
	"intellectual_property_type" text,
	"rights" jsonb DEFAULT '[]' NOT NULL,
	"licence_kind" text,
	"plan_source_code" text,
	"objective_code" text,
	"related_parties" boolean DEFAULT false NOT NULL,
	"signed_on" date,
	"valid_from" date,
	"valid_until" date,
	"total_amount" numeric(18, 2),
	"technology_amount" numeric(18, 2),
	"amount_status" text DEFAULT 'final' NOT NULL,
	"deductions" jsonb DEFAULT '[]' NOT NULL,
	"foreign_amount" jsonb,
	"payment_mode" text,
	"instalments" jsonb DEFAULT '[]' NOT NULL,
	"expected_investment" numeric(18, 2),
	"expected_output" numeric(18, 2),
	"pricing" jsonb,
	"commission" jsonb,
	"confidentiality" text DEFAULT 'internal' NOT NULL,
	"terms" text,
	"submitted_at" timestamp(3) with time zone,
	"effective_at" timestamp(3) with time zone,
	"pending_action" text,
	"pending_by" uuid,
	"pending_since" timestamp(3) with time zone,
	"pending_reason" text,
	"cancellation_agreed_at" timestamp(3) with time zone,
	"cancelled_at" timestamp(3) with time zone,
	"version" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "contracts_reference_unique" UNIQUE("reference"),
	CONSTRAINT "contracts_status_known" CHECK (status in ('draft', 'confirming', 'effective', 'filed', 'registered', 'cancelled')),
	CONSTRAINT "contracts_type_known" CHECK (type in ('development', 'transfer', 'licence', 'consulting', 'service')),
	CONSTRAINT "contracts_amount_status_known" CHECK (amount_status in ('provisional', 'final')),
	CONSTRAINT "contracts_confidentiality_known" CHECK (confidentiality in ('public', 'internal', 'trade_secret')),
	CONSTRAINT "contracts_amounts" CHECK (technology_amount > 0 and total_amount > 0 and technology_amount <= total_amount),
	CONSTRAINT "contracts_dates_ordered" CHECK (valid_from <= valid_until),
	CONSTRAINT "contracts_pending_whole" CHECK (num_nulls(pending_action, pending_since) in (0, 2)),
	CONSTRAINT "contracts_beyond_draft_is_complete" CHECK (status in ('draft', 'cancelled') or (content_sha256 is not null and subject is not null and field_code is not null and industry_code is not null and intellectual_property_type is not null and plan_source_code is not null and objective_code is not null and signed_on is not null and valid_from is not null and valid_until is not null and total_amount is not null and technology_amount is not null and payment_mode is not null))
);
--> statement-breakpoint
CREATE TABLE "interests" (
	"id" uuid PRIMARY KEY NOT NULL,
	"status" text DEFAULT 'open' NOT NULL,
	"result_id" uuid,
	"need_id" uuid,
	"owner_organization_id" uuid NOT NULL,
	"asker_organization_id" uuid NOT NULL,
	"created_by" uuid,
	"field_code" text,
	"message" text NOT NULL,
	"cooperation_mode" text,
	"questions" jsonb DEFAULT '[]' NOT NULL,
	"contact" jsonb,
	"due_on" date NOT NULL,
	"answered_at" timestamp(3) with time zone,
	"answered_by" uuid,
	"decline_reason" text,
	"note" text,
	"version" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "interests_status_known" CHECK (status in ('open', 'accepted', 'declined', 'withdrawn', 'lapsed')),
	CONSTRAINT "interests_one_listing" CHECK (num_nonnulls(result_id, need_id) = 1),
	CONSTRAINT "interests_two_sides" CHECK (owner_organization_id <> asker_organization_id),
	CONSTRAINT "interests_declined_has_reason" CHECK ((status = 'declined') = (decline_reason is not null))
);
--> statement-breakpoint
CREATE TABLE "audit_log" (
	"position" bigint PRIMARY KEY NOT NULL,
	"record_id" uuid NOT NULL,
	"hash" "bytea" NOT NULL,
	"sealed_at" timestamp(3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "registry_entries" (
	"id" uuid PRIMARY KEY NOT NULL,
	"audit_record_id" uuid NOT NULL,
	"transaction_id" "xid8" DEFAULT pg_current_xact_id() NOT NULL,
	"kind" text NOT NULL,
	"registration_id" uuid NOT NULL,
	"office_organization_id" uuid NOT NULL,
	"number" text NOT NULL,
	"revision" integer NOT NULL,
	"facts" jsonb NOT NULL,
	"registered_on" date NOT NULL,
	"total_amount" numeric(18, 2) NOT NULL,
	"technology_amount" numeric(18, 2) NOT NULL,
	CONSTRAINT "registry_entries_kind_known" CHECK (kind in ('registered', 'amended', 'cancelled', 'revoked'))
);
--> statement-breakpoint
CREATE TABLE "registry_feed" (
	"position" bigint PRIMARY KEY NOT NULL,
	"entry_id" uuid NOT NULL,
	"office_organization_id" uuid NOT NULL,
	"sealed_at" timestamp(3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "sealer_state" (
	"singleton" smallint PRIMARY KEY DEFAULT 1 NOT NULL,
	"position" bigint DEFAULT 0 NOT NULL,
	"hash" "bytea" DEFAULT '\x' NOT NULL,
	"floor" "xid8" DEFAULT '0' NOT NULL,
	"sealed_through" timestamp(3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "sealer_state_one" CHECK (singleton = 1)
);
--> statement-breakpoint
CREATE TABLE "volume_entries" (
	"id" uuid PRIMARY KEY NOT NULL,
	"audit_record_id" uuid NOT NULL,
	"transaction_id" "xid8" DEFAULT pg_current_xact_id() NOT NULL,
	"kind" text NOT NULL,
	"sign" smallint NOT NULL,
	"registration_id" uuid NOT NULL,
	"office_organization_id" uuid NOT NULL,
	"origin" text NOT NULL,
	"registered_on" date NOT NULL,
	"signed_on" date NOT NULL,
	"paid_on" date,
	"payment_id" uuid,
	"type" text NOT NULL,
	"subtype" text NOT NULL,
	"field" text NOT NULL,
	"intellectual_property" text NOT NULL,
	"plan_source" text NOT NULL,
	"industry" text NOT NULL,
	"seller_nature" text NOT NULL,
	"buyer_nature" text NOT NULL,
	"seller_region" text NOT NULL,
	"buyer_region" text NOT NULL,
	"size_band" text NOT NULL,
	"total_amount" numeric(18, 2) NOT NULL,
	"technology_amount" numeric(18, 2) NOT NULL,
	CONSTRAINT "volume_entries_kind_known" CHECK (kind in ('contract', 'payment')),
	CONSTRAINT "volume_entries_sign_known" CHECK (sign in (-1, 1)),
	CONSTRAINT "volume_entries_payment_is_whole" CHECK ((kind = 'payment') = (paid_on is not null and payment_id is not null))
);
--> statement-breakpoint
CREATE TABLE "volume_sums" (
	"basis" text NOT NULL,
	"dimension" text NOT NULL,
	"month" date NOT NULL,
	"value" text NOT NULL,
	"count" bigint NOT NULL,
	"total_amount" numeric(24, 2) NOT NULL,
	"technology_amount" numeric(24, 2) NOT NULL,
	CONSTRAINT "volume_sums_cell" PRIMARY KEY("basis","dimension","month","value")
);
--> statement-breakpoint
CREATE TABLE "match_notes" (
	"id" uuid PRIMARY KEY NOT NULL,
	"match_id" uuid NOT NULL,
	"kind" text NOT NULL,
	"action" text,
	"held_at" timestamp(3) with time zone NOT NULL,
	"text" text,
	"created_by" uuid,
	"organization_id" uuid,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "match_notes_kind_known" CHECK (kind in ('step', 'introduction', 'note', 'meeting')),
	CONSTRAINT "match_notes_says_something" CHECK (text is not null or action is not null)
);
--> statement-breakpoint
CREATE TABLE "matches" (
	"id" uuid PRIMARY KEY NOT NULL,
	"status" text DEFAULT 'proposed' NOT NULL,
	"result_id" uuid NOT NULL,
	"need_id" uuid NOT NULL,
	"result_organization_id" uuid NOT NULL,
	"need_organization_id" uuid NOT NULL,
	"broker_id" uuid NOT NULL,
	"broker_organization_id" uuid NOT NULL,
	"interest_id" uuid,
	"previous_match_id" uuid,
	"proposal" text NOT NULL,
	"result_accepted_at" timestamp(3) with time zone,
	"result_accepted_by" uuid,
	"need_accepted_at" timestamp(3) with time zone,
	"need_accepted_by" uuid,
	"expires_on" date NOT NULL,
	"agreed_at" timestamp(3) with time zone,
	"ended_at" timestamp(3) with time zone,
	"ended_by" uuid,
	"end_reason" text,
	"end_note" text,
	"version" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "matches_status_known" CHECK (status in ('proposed', 'agreed', 'negotiating', 'contracted', 'failed', 'declined', 'withdrawn', 'lapsed')),
	CONSTRAINT "matches_broker_is_neutral" CHECK (broker_organization_id not in (result_organization_id, need_organization_id)),
	CONSTRAINT "matches_two_sides" CHECK (result_organization_id <> need_organization_id),
	CONSTRAINT "matches_agreed_by_both" CHECK (status not in ('agreed', 'negotiating', 'contracted') or (result_accepted_at is not null and need_accepted_at is not null)),
	CONSTRAINT "matches_failed_has_reason" CHECK (status not in ('declined', 'failed') or end_reason is not null)
);
--> statement-breakpoint
CREATE TABLE "registration_counters" (
	"office_code" text NOT NULL,
	"year" smallint NOT NULL,
	"last" integer NOT NULL,
	CONSTRAINT "registration_counters_office_year" PRIMARY KEY("office_code","year"),
	CONSTRAINT "registration_counters_range" CHECK (last between 1 and 999999)
);
--> statement-breakpoint
CREATE TABLE "registration_office_regions" (
	"region_code" text NOT NULL,
	"office_id" uuid NOT NULL,
	CONSTRAINT "registration_office_regions_region" PRIMARY KEY("region_code")
);
--> statement-breakpoint
CREATE TABLE "registration_offices" (
	"id" uuid PRIMARY KEY NOT NULL,
	"organization_id" uuid NOT NULL,
	"status" text DEFAULT 'active' NOT NULL,
	"code" text NOT NULL,
	"name" text NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "registration_offices_status_known" CHECK (status in ('active', 'closed')),
	CONSTRAINT "registration_offices_code_shape" CHECK (code ~ '^[0-9]{6}$')
);
--> statement-breakpoint
CREATE TABLE "registration_rules" (
	"code" text PRIMARY KEY NOT NULL,
	"zh" text NOT NULL,
	"en" text NOT NULL,
	"applies_from" date NOT NULL,
	"rules" jsonb NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp(3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "registrations" (
	"id" uuid PRIMARY KEY NOT NULL,
	"status" text DEFAULT 'filed' NOT NULL,
	"origin" text DEFAULT 'here' NOT NULL,
	"contract_id" uuid,
	"contract_revision" integer,
	"office_id" uuid NOT NULL,
	"office_code" text NOT NULL,
	"office_organization_id" uuid NOT NULL,
	"region_code" text,
	"applicant_organization_id" uuid,
	"applicant_member_id" uuid,
	"rule_set" text NOT NULL,
	"rules" jsonb NOT NULL,
	"facts" jsonb NOT NULL,
	"technology_amount" numeric(18, 2) NOT NULL,
	"screening" jsonb DEFAULT '[]' NOT NULL,
	"filed_at" timestamp(3) with time zone NOT NULL,
	"accepted_at" timestamp(3) with time zone,
	"due_on" date,
	"due_provisional" boolean DEFAULT false NOT NULL,
	"due_reason" text,
	"disputed" boolean DEFAULT false NOT NULL,
	"expert_review_needed" boolean DEFAULT false NOT NULL,
	"expert_review_concluded_at" timestamp(3) with time zone,
	"expert_conclusion" text,
	"first_reviewer_id" uuid,
	"second_reviewer_id" uuid,
	"supplement_note" text,
	"supplement_grounds" text[] DEFAULT '{}' NOT NULL,
	"supplement_due_on" date,
	"supplement_from" text,
	"supplemented_at" timestamp(3) with time zone,
	"grounds" text[] DEFAULT '{}' NOT NULL,
	"decision_note" text,
	"decided_at" timestamp(3) with time zone,
	"number" text,
	"number_year" smallint,
	"serial" integer,
	"registered_at" timestamp(3) with time zone,
	"registered_on" date,
	"revision" integer DEFAULT 1 NOT NULL,
	"check_code" text,
	"pending_action" text,
	"pending_by" uuid,
	"pending_organization_id" uuid,
	"pending_reviewer_id" uuid,
	"pending_since" timestamp(3) with time zone,
	"pending_revision" integer,
	"pending_ground" text,
	"pending_note" text,
	"version" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "registrations_status_known" CHECK (status in ('filed', 'supplement_requested', 'accepted', 'expert_review', 'registered', 'refused', 'withdrawn', 'cancelled', 'revoked')),
	CONSTRAINT "registrations_origin_known" CHECK (origin in ('here', 'imported')),
	CONSTRAINT "registrations_here_has_contract" CHECK (origin = 'imported' or (contract_id is not null and contract_revision is not null)),
	CONSTRAINT "registrations_number_shape" CHECK (number is null or origin = 'imported' or number ~ '^[0-9]{16}$'),
	CONSTRAINT "registrations_registered_is_whole" CHECK (status not in ('registered', 'cancelled', 'revoked') or (number is not null and registered_at is not null and registered_on is not null and check_code is not null)),
	CONSTRAINT "registrations_two_reviewers" CHECK (second_reviewer_id is null or first_reviewer_id is null or second_reviewer_id <> first_reviewer_id or not (rules ->> 'twoReviewers')::boolean),
	CONSTRAINT "registrations_refused_has_ground" CHECK (status not in ('refused', 'revoked') or cardinality(grounds) > 0)
);
--> statement-breakpoint
ALTER TABLE "needs" ADD COLUMN "solved_contract_id" uuid;--> statement-breakpoint
ALTER TABLE "audit_records" ADD COLUMN "reader_ids" uuid[] DEFAULT '{}' NOT NULL;--> statement-breakpoint
ALTER TABLE "audit_records" ADD COLUMN "confidential" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "audit_records" ADD COLUMN "transaction_id" "xid8" DEFAULT pg_current_xact_id() NOT NULL;--> statement-breakpoint
ALTER TABLE "audit_records" ADD COLUMN "recorded_at" timestamp(6) with time zone DEFAULT clock_timestamp() NOT NULL;--> statement-breakpoint
ALTER TABLE "results" ADD COLUMN "transferred_contract_id" uuid;--> statement-breakpoint
ALTER TABLE "attachments" ADD CONSTRAINT "attachments_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "attachments" ADD CONSTRAINT "attachments_created_by_members_id_fk" FOREIGN KEY ("created_by") REFERENCES "public"."members"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "contract_amendments" ADD CONSTRAINT "contract_amendments_contract_id_contracts_id_fk" FOREIGN KEY ("contract_id") REFERENCES "public"."contracts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "contract_amendments" ADD CONSTRAINT "contract_amendments_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "contract_amendments" ADD CONSTRAINT "contract_amendments_created_by_members_id_fk" FOREIGN KEY ("created_by") REFERENCES "public"."members"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "contract_confirmations" ADD CONSTRAINT "contract_confirmations_contract_id_contracts_id_fk" FOREIGN KEY ("contract_id") REFERENCES "public"."contracts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "contract_confirmations" ADD CONSTRAINT "contract_confirmations_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "contract_confirmations" ADD CONSTRAINT "contract_confirmations_member_id_members_id_fk" FOREIGN KEY ("member_id") REFERENCES "public"."members"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "contract_confirmations" ADD CONSTRAINT "contract_confirmations_attachment_id_attachments_id_fk" FOREIGN KEY ("attachment_id") REFERENCES "public"."attachments"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "contract_parties" ADD CONSTRAINT "contract_parties_contract_id_contracts_id_fk" FOREIGN KEY ("contract_id") REFERENCES "public"."contracts"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "contract_parties" ADD CONSTRAINT "contract_parties_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "contract_payments" ADD CONSTRAINT "contract_payments_contract_id_contracts_id_fk" FOREIGN KEY ("contract_id") REFERENCES "public"."contracts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "contract_payments" ADD CONSTRAINT "contract_payments_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "contract_payments" ADD CONSTRAINT "contract_payments_created_by_members_id_fk" FOREIGN KEY ("created_by") REFERENCES "public"."members"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "contract_revisions" ADD CONSTRAINT "contract_revisions_contract_id_contracts_id_fk" FOREIGN KEY ("contract_id") REFERENCES "public"."contracts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "contracts" ADD CONSTRAINT "contracts_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "contracts" ADD CONSTRAINT "contracts_created_by_members_id_fk" FOREIGN KEY ("created_by") REFERENCES "public"."members"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "contracts" ADD CONSTRAINT "contracts_match_id_matches_id_fk" FOREIGN KEY ("match_id") REFERENCES "public"."matches"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "contracts" ADD CONSTRAINT "contracts_interest_id_interests_id_fk" FOREIGN KEY ("interest_id") REFERENCES "public"."interests"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "contracts" ADD CONSTRAINT "contracts_result_id_results_id_fk" FOREIGN KEY ("result_id") REFERENCES "public"."results"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "contracts" ADD CONSTRAINT "contracts_need_id_needs_id_fk" FOREIGN KEY ("need_id") REFERENCES "public"."needs"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "contracts" ADD CONSTRAINT "contracts_broker_id_members_id_fk" FOREIGN KEY ("broker_id") REFERENCES "public"."members"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "contracts" ADD CONSTRAINT "contracts_broker_organization_id_organizations_id_fk" FOREIGN KEY ("broker_organization_id") REFERENCES "public"."organizations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "contracts" ADD CONSTRAINT "contracts_pending_by_members_id_fk" FOREIGN KEY ("pending_by") REFERENCES "public"."members"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "interests" ADD CONSTRAINT "interests_result_id_results_id_fk" FOREIGN KEY ("result_id") REFERENCES "public"."results"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "interests" ADD CONSTRAINT "interests_need_id_needs_id_fk" FOREIGN KEY ("need_id") REFERENCES "public"."needs"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "interests" ADD CONSTRAINT "interests_owner_organization_id_organizations_id_fk" FOREIGN KEY ("owner_organization_id") REFERENCES "public"."organizations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "interests" ADD CONSTRAINT "interests_asker_organization_id_organizations_id_fk" FOREIGN KEY ("asker_organization_id") REFERENCES "public"."organizations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "interests" ADD CONSTRAINT "interests_created_by_members_id_fk" FOREIGN KEY ("created_by") REFERENCES "public"."members"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "interests" ADD CONSTRAINT "interests_answered_by_members_id_fk" FOREIGN KEY ("answered_by") REFERENCES "public"."members"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "audit_log" ADD CONSTRAINT "audit_log_record_id_audit_records_id_fk" FOREIGN KEY ("record_id") REFERENCES "public"."audit_records"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "registry_entries" ADD CONSTRAINT "registry_entries_audit_record_id_audit_records_id_fk" FOREIGN KEY ("audit_record_id") REFERENCES "public"."audit_records"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "registry_entries" ADD CONSTRAINT "registry_entries_registration_id_registrations_id_fk" FOREIGN KEY ("registration_id") REFERENCES "public"."registrations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "registry_feed" ADD CONSTRAINT "registry_feed_entry_id_registry_entries_id_fk" FOREIGN KEY ("entry_id") REFERENCES "public"."registry_entries"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "volume_entries" ADD CONSTRAINT "volume_entries_audit_record_id_audit_records_id_fk" FOREIGN KEY ("audit_record_id") REFERENCES "public"."audit_records"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "match_notes" ADD CONSTRAINT "match_notes_match_id_matches_id_fk" FOREIGN KEY ("match_id") REFERENCES "public"."matches"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "match_notes" ADD CONSTRAINT "match_notes_created_by_members_id_fk" FOREIGN KEY ("created_by") REFERENCES "public"."members"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "match_notes" ADD CONSTRAINT "match_notes_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "matches" ADD CONSTRAINT "matches_result_id_results_id_fk" FOREIGN KEY ("result_id") REFERENCES "public"."results"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "matches" ADD CONSTRAINT "matches_need_id_needs_id_fk" FOREIGN KEY ("need_id") REFERENCES "public"."needs"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "matches" ADD CONSTRAINT "matches_result_organization_id_organizations_id_fk" FOREIGN KEY ("result_organization_id") REFERENCES "public"."organizations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "matches" ADD CONSTRAINT "matches_need_organization_id_organizations_id_fk" FOREIGN KEY ("need_organization_id") REFERENCES "public"."organizations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "matches" ADD CONSTRAINT "matches_broker_id_members_id_fk" FOREIGN KEY ("broker_id") REFERENCES "public"."members"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "matches" ADD CONSTRAINT "matches_broker_organization_id_organizations_id_fk" FOREIGN KEY ("broker_organization_id") REFERENCES "public"."organizations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "matches" ADD CONSTRAINT "matches_interest_id_interests_id_fk" FOREIGN KEY ("interest_id") REFERENCES "public"."interests"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "matches" ADD CONSTRAINT "matches_previous_match_id_matches_id_fk" FOREIGN KEY ("previous_match_id") REFERENCES "public"."matches"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "matches" ADD CONSTRAINT "matches_result_accepted_by_members_id_fk" FOREIGN KEY ("result_accepted_by") REFERENCES "public"."members"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "matches" ADD CONSTRAINT "matches_need_accepted_by_members_id_fk" FOREIGN KEY ("need_accepted_by") REFERENCES "public"."members"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "matches" ADD CONSTRAINT "matches_ended_by_members_id_fk" FOREIGN KEY ("ended_by") REFERENCES "public"."members"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "registration_office_regions" ADD CONSTRAINT "registration_office_regions_office_id_registration_offices_id_fk" FOREIGN KEY ("office_id") REFERENCES "public"."registration_offices"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "registration_offices" ADD CONSTRAINT "registration_offices_organization_id_organizations_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "registrations" ADD CONSTRAINT "registrations_contract_id_contracts_id_fk" FOREIGN KEY ("contract_id") REFERENCES "public"."contracts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "registrations" ADD CONSTRAINT "registrations_office_id_registration_offices_id_fk" FOREIGN KEY ("office_id") REFERENCES "public"."registration_offices"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "registrations" ADD CONSTRAINT "registrations_office_organization_id_organizations_id_fk" FOREIGN KEY ("office_organization_id") REFERENCES "public"."organizations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "registrations" ADD CONSTRAINT "registrations_applicant_organization_id_organizations_id_fk" FOREIGN KEY ("applicant_organization_id") REFERENCES "public"."organizations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "registrations" ADD CONSTRAINT "registrations_applicant_member_id_members_id_fk" FOREIGN KEY ("applicant_member_id") REFERENCES "public"."members"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "registrations" ADD CONSTRAINT "registrations_first_reviewer_id_members_id_fk" FOREIGN KEY ("first_reviewer_id") REFERENCES "public"."members"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "registrations" ADD CONSTRAINT "registrations_second_reviewer_id_members_id_fk" FOREIGN KEY ("second_reviewer_id") REFERENCES "public"."members"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "registrations" ADD CONSTRAINT "registrations_pending_by_members_id_fk" FOREIGN KEY ("pending_by") REFERENCES "public"."members"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "registrations" ADD CONSTRAINT "registrations_pending_organization_id_organizations_id_fk" FOREIGN KEY ("pending_organization_id") REFERENCES "public"."organizations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "registrations" ADD CONSTRAINT "registrations_pending_reviewer_id_members_id_fk" FOREIGN KEY ("pending_reviewer_id") REFERENCES "public"."members"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "attachments_subject" ON "attachments" USING btree ("subject_type","subject_id","id");--> statement-breakpoint
CREATE INDEX "attachments_organization" ON "attachments" USING btree ("organization_id","id");--> statement-breakpoint
CREATE INDEX "attachments_sha256" ON "attachments" USING btree ("sha256");--> statement-breakpoint
CREATE UNIQUE INDEX "contract_amendments_one_open" ON "contract_amendments" USING btree ("contract_id") WHERE status = 'confirming';--> statement-breakpoint
CREATE INDEX "contract_amendments_contract" ON "contract_amendments" USING btree ("contract_id","id");--> statement-breakpoint
CREATE UNIQUE INDEX "contract_confirmations_one" ON "contract_confirmations" USING btree ("contract_id","action","revision","side","position") WHERE voided_at is null;--> statement-breakpoint
CREATE UNIQUE INDEX "contract_parties_position" ON "contract_parties" USING btree ("contract_id","side","position");--> statement-breakpoint
CREATE UNIQUE INDEX "contract_parties_once" ON "contract_parties" USING btree ("contract_id","organization_id");--> statement-breakpoint
CREATE INDEX "contract_parties_organization" ON "contract_parties" USING btree ("organization_id","contract_id");--> statement-breakpoint
CREATE INDEX "contract_parties_credit_code" ON "contract_parties" USING btree ("credit_code","side");--> statement-breakpoint
CREATE INDEX "contract_payments_contract" ON "contract_payments" USING btree ("contract_id","paid_on","id");--> statement-breakpoint
CREATE UNIQUE INDEX "contract_payments_voucher" ON "contract_payments" USING btree ("contract_id","voucher_number") WHERE voided_at is null and voucher_number is not null;--> statement-breakpoint
CREATE UNIQUE INDEX "contract_revisions_revision" ON "contract_revisions" USING btree ("contract_id","revision");--> statement-breakpoint
CREATE INDEX "contracts_organization" ON "contracts" USING btree ("organization_id","id");--> statement-breakpoint
CREATE INDEX "contracts_brokerage" ON "contracts" USING btree ("broker_organization_id","id");--> statement-breakpoint
CREATE INDEX "contracts_broker" ON "contracts" USING btree ("broker_id","status","id");--> statement-breakpoint
CREATE INDEX "contracts_match" ON "contracts" USING btree ("match_id");--> statement-breakpoint
CREATE INDEX "contracts_result" ON "contracts" USING btree ("result_id");--> statement-breakpoint
CREATE INDEX "contracts_need" ON "contracts" USING btree ("need_id");--> statement-breakpoint
CREATE INDEX "contracts_status" ON "contracts" USING btree ("status","id");--> statement-breakpoint
CREATE INDEX "contracts_type" ON "contracts" USING btree ("type","id");--> statement-breakpoint
CREATE INDEX "contracts_signed" ON "contracts" USING btree ("signed_on","id");--> statement-breakpoint
CREATE INDEX "contracts_title" ON "contracts" USING btree ("title");--> statement-breakpoint
CREATE UNIQUE INDEX "contracts_one_of_match" ON "contracts" USING btree ("match_id") WHERE match_id is not null and status <> 'cancelled';--> statement-breakpoint
CREATE UNIQUE INDEX "interests_one_open_result" ON "interests" USING btree ("asker_organization_id","result_id") WHERE status = 'open';--> statement-breakpoint
CREATE UNIQUE INDEX "interests_one_open_need" ON "interests" USING btree ("asker_organization_id","need_id") WHERE status = 'open';--> statement-breakpoint
CREATE INDEX "interests_owner" ON "interests" USING btree ("owner_organization_id","id");--> statement-breakpoint
CREATE INDEX "interests_owner_due" ON "interests" USING btree ("owner_organization_id","due_on","id") WHERE status = 'open';--> statement-breakpoint
CREATE INDEX "interests_asker" ON "interests" USING btree ("asker_organization_id","id");--> statement-breakpoint
CREATE INDEX "interests_result" ON "interests" USING btree ("result_id","id");--> statement-breakpoint
CREATE INDEX "interests_need" ON "interests" USING btree ("need_id","id");--> statement-breakpoint
CREATE INDEX "interests_status" ON "interests" USING btree ("status","id");--> statement-breakpoint
CREATE UNIQUE INDEX "audit_log_record" ON "audit_log" USING btree ("record_id");--> statement-breakpoint
CREATE INDEX "audit_log_sealed" ON "audit_log" USING btree ("sealed_at","position");--> statement-breakpoint
CREATE UNIQUE INDEX "registry_entries_record" ON "registry_entries" USING btree ("audit_record_id");--> statement-breakpoint
CREATE INDEX "registry_entries_registration" ON "registry_entries" USING btree ("registration_id","id");--> statement-breakpoint
CREATE INDEX "registry_feed_office" ON "registry_feed" USING btree ("office_organization_id","position");--> statement-breakpoint
CREATE INDEX "volume_entries_record" ON "volume_entries" USING btree ("audit_record_id");--> statement-breakpoint
CREATE INDEX "volume_entries_transaction" ON "volume_entries" USING btree ("transaction_id");--> statement-breakpoint
CREATE INDEX "volume_entries_registration" ON "volume_entries" USING btree ("registration_id","kind");--> statement-breakpoint
CREATE INDEX "volume_entries_registered" ON "volume_entries" USING btree ("registered_on") WHERE kind = 'contract';--> statement-breakpoint
CREATE INDEX "volume_entries_signed" ON "volume_entries" USING btree ("signed_on") WHERE kind = 'contract';--> statement-breakpoint
CREATE INDEX "volume_entries_paid" ON "volume_entries" USING btree ("paid_on") WHERE kind = 'payment';--> statement-breakpoint
CREATE INDEX "match_notes_match" ON "match_notes" USING btree ("match_id","id");--> statement-breakpoint
CREATE UNIQUE INDEX "matches_one_open" ON "matches" USING btree ("result_id","need_id") WHERE status in ('proposed', 'agreed', 'negotiating');--> statement-breakpoint
CREATE INDEX "matches_result_owner" ON "matches" USING btree ("result_organization_id","id");--> statement-breakpoint
CREATE INDEX "matches_need_owner" ON "matches" USING btree ("need_organization_id","id");--> statement-breakpoint
CREATE INDEX "matches_broker" ON "matches" USING btree ("broker_id","status","id");--> statement-breakpoint
CREATE INDEX "matches_brokerage" ON "matches" USING btree ("broker_organization_id","id");--> statement-breakpoint
CREATE INDEX "matches_result" ON "matches" USING btree ("result_id","id");--> statement-breakpoint
CREATE INDEX "matches_need" ON "matches" USING btree ("need_id","id");--> statement-breakpoint
CREATE INDEX "matches_status" ON "matches" USING btree ("status","id");--> statement-breakpoint
CREATE INDEX "matches_expiry" ON "matches" USING btree ("expires_on","id") WHERE status = 'proposed';--> statement-breakpoint
CREATE INDEX "registration_office_regions_office" ON "registration_office_regions" USING btree ("office_id");--> statement-breakpoint
CREATE UNIQUE INDEX "registration_offices_code" ON "registration_offices" USING btree ("code");--> statement-breakpoint
CREATE INDEX "registration_offices_organization" ON "registration_offices" USING btree ("organization_id","id");--> statement-breakpoint
CREATE UNIQUE INDEX "registrations_one_living" ON "registrations" USING btree ("contract_id") WHERE status not in ('refused', 'withdrawn', 'cancelled', 'revoked');--> statement-breakpoint
CREATE UNIQUE INDEX "registrations_number" ON "registrations" USING btree ("number") WHERE origin = 'here';--> statement-breakpoint
CREATE UNIQUE INDEX "registrations_imported_number" ON "registrations" USING btree ("office_code","number") WHERE origin = 'imported';--> statement-breakpoint
CREATE UNIQUE INDEX "registrations_serial" ON "registrations" USING btree ("office_code","number_year","serial");--> statement-breakpoint
CREATE INDEX "registrations_queue" ON "registrations" USING btree ("office_organization_id","status","id");--> statement-breakpoint
CREATE INDEX "registrations_due" ON "registrations" USING btree ("office_organization_id","due_on","id");--> statement-breakpoint
CREATE INDEX "registrations_office" ON "registrations" USING btree ("office_organization_id","id");--> statement-breakpoint
CREATE INDEX "registrations_applicant" ON "registrations" USING btree ("applicant_organization_id","id");--> statement-breakpoint
CREATE INDEX "registrations_contract" ON "registrations" USING btree ("contract_id","id");--> statement-breakpoint
CREATE INDEX "registrations_status" ON "registrations" USING btree ("status","id");--> statement-breakpoint
CREATE INDEX "registrations_supplement_due" ON "registrations" USING btree ("supplement_due_on","id") WHERE status = 'supplement_requested';--> statement-breakpoint
CREATE INDEX "registrations_registered" ON "registrations" USING btree ("registered_on","id");--> statement-breakpoint
ALTER TABLE "needs" ADD CONSTRAINT "needs_solved_contract_id_contracts_id_fk" FOREIGN KEY ("solved_contract_id") REFERENCES "public"."contracts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "results" ADD CONSTRAINT "results_transferred_contract_id_contracts_id_fk" FOREIGN KEY ("transferred_contract_id") REFERENCES "public"."contracts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "needs_solved_contract" ON "needs" USING btree ("solved_contract_id");--> statement-breakpoint
CREATE INDEX "audit_records_readers" ON "audit_records" USING gin ("reader_ids") WHERE reader_ids <> '{}';--> statement-breakpoint
CREATE INDEX "audit_records_transaction" ON "audit_records" USING btree ("transaction_id");--> statement-breakpoint
CREATE INDEX "audit_records_type" ON "audit_records" USING btree ("type","id");--> statement-breakpoint
CREATE INDEX "audit_records_actor" ON "audit_records" USING btree ("actor_id","id");--> statement-breakpoint
CREATE INDEX "results_transferred_contract" ON "results" USING btree ("transferred_contract_id");