/** A database as it was before some migrations, which can be applied again. */
import type pg from "pg";
import { readMigrations } from "../../src/database/migrations.ts";

/** What the migration of this name, and each one after it, has made, is undone. Of its rows all stay. */
export async function beforeOneGroupOfSynonyms(pool: pg.Pool): Promise<void> {
  for (const statement of [
    "alter table synonyms drop constraint synonyms_words",
    "drop function word_set",
    "drop table passkey_challenges, recovery_codes, second_factors",
    "alter table members drop column reset_at, drop column reset_by, drop column reset_by_organization_id, drop column barred_until",
    "alter table one_time_links drop column issued_by, drop column issued_by_organization_id",
    "alter table sessions drop column address, drop column user_agent, drop column used_at, drop column second_factor",
    "drop table job_faults, job_runs, rate_limits, volume_releases, released_volumes",
    "alter table sign_in_attempts drop column account",
    "alter table audit_log drop column format, drop column transaction_id",
    "drop index contracts_interest, needs_drafts, results_drafts, organizations_crowd",
    "drop index organizations_short_name_verified",
    "alter table api_clients drop column secret_used_at, drop column previous_secret_hash, drop column previous_secret_issued_at, drop column previous_secret_used_at, drop column previous_secret_expires_at",
    "alter table refresh_tokens drop column successor_salt",
    "drop table mails, mail_preferences",
    "drop table contract_external_ids",
    "alter table contract_payments drop column external_id",
    "alter table needs drop column external_id",
    "alter table results drop column external_id",
    "drop index contracts_updated, interests_owner_updated, interests_asker_updated, interests_updated, matches_result_owner_updated, matches_need_owner_updated, matches_brokerage_updated, matches_updated, needs_changed, results_changed, organizations_updated, registrations_office_updated, registrations_updated, saved_searches_owner_updated",
    "drop trigger contracts_prefilled_frozen on contracts",
    "drop function keep_prefilled",
    "alter table contracts drop column prefilled",
    "drop index needs_owner_validity, needs_owner_completeness, results_owner_validity, results_owner_completeness",
    "drop table event_readers, events, events_state",
  ]) {
    await pool.query(statement);
  }
  const first = readMigrations().find(({ name }) => name.endsWith("one_group_of_synonyms"));
  await pool.query("delete from drizzle.__drizzle_migrations where created_at >= $1", [
    first?.when,
  ]);
}
