-- Contracts have references too: C-2026-000123.
create or replace function next_reference(prefix text) returns text language plpgsql as $$
declare
  number text := nextval((case prefix when 'R' then 'result_references' when 'N' then 'need_references'
    when 'C' then 'contract_references' end)::regclass)::text;
begin
  return prefix || '-' || to_char(now() at time zone 'Asia/Shanghai', 'YYYY') || '-'
    || lpad(number, greatest(6, length(number)), '0');
end $$;
--> statement-breakpoint
-- The lifecycles' own guards; results and needs have gained steps.
drop trigger results_lifecycle on results;
--> statement-breakpoint
create trigger results_lifecycle before update of status on results
for each row when (old.status is distinct from new.status) execute function assert_transition(
  'changes_requested>submitted', 'draft>submitted', 'expired>published', 'expired>submitted',
  'expired>withdrawn', 'published>changes_requested', 'published>expired', 'published>transferred',
  'published>withdrawn', 'rejected>submitted', 'submitted>changes_requested', 'submitted>draft',
  'submitted>published', 'submitted>rejected', 'transferred>expired', 'transferred>published',
  'withdrawn>published', 'withdrawn>submitted');
--> statement-breakpoint
drop trigger needs_lifecycle on needs;
--> statement-breakpoint
create trigger needs_lifecycle before update of status on needs
for each row when (old.status is distinct from new.status) execute function assert_transition(
  'changes_requested>submitted', 'draft>submitted', 'expired>published', 'expired>submitted',
  'expired>withdrawn', 'published>changes_requested', 'published>closed', 'published>expired',
  'published>solved', 'published>withdrawn', 'rejected>submitted', 'solved>expired',
  'solved>published', 'submitted>changes_requested', 'submitted>draft', 'submitted>published',
  'submitted>rejected', 'withdrawn>published', 'withdrawn>submitted');
--> statement-breakpoint
create trigger interests_lifecycle before update of status on interests
for each row when (old.status is distinct from new.status) execute function assert_transition(
  'open>accepted', 'open>declined', 'open>lapsed', 'open>withdrawn');
--> statement-breakpoint
create trigger matches_lifecycle before update of status on matches
for each row when (old.status is distinct from new.status) execute function assert_transition(
  'agreed>contracted', 'agreed>failed', 'agreed>negotiating', 'contracted>failed',
  'negotiating>contracted', 'negotiating>failed', 'proposed>agreed', 'proposed>declined',
  'proposed>lapsed', 'proposed>withdrawn');
--> statement-breakpoint
create trigger contracts_lifecycle before update of status on contracts
for each row when (old.status is distinct from new.status) execute function assert_transition(
  'confirming>cancelled', 'confirming>draft', 'confirming>effective', 'draft>cancelled',
  'draft>confirming', 'effective>cancelled', 'effective>filed', 'filed>effective',
  'filed>registered', 'registered>cancelled', 'registered>effective');
--> statement-breakpoint
create trigger contract_amendments_lifecycle before update of status on contract_amendments
for each row when (old.status is distinct from new.status) execute function assert_transition(
  'confirming>effective', 'confirming>withdrawn');
--> statement-breakpoint
create trigger registrations_lifecycle before update of status on registrations
for each row when (old.status is distinct from new.status) execute function assert_transition(
  'accepted>expert_review', 'accepted>refused', 'accepted>registered',
  'accepted>supplement_requested', 'expert_review>accepted', 'filed>accepted', 'filed>refused',
  'filed>supplement_requested', 'filed>withdrawn', 'registered>cancelled', 'registered>revoked',
  'supplement_requested>accepted', 'supplement_requested>filed', 'supplement_requested>withdrawn');
--> statement-breakpoint
create trigger registration_offices_lifecycle before update of status on registration_offices
for each row when (old.status is distinct from new.status) execute function assert_transition(
  'active>closed');
--> statement-breakpoint
create trigger match_notes_append_only before update or delete or truncate on match_notes
for each statement execute function refuse_change();
--> statement-breakpoint
create trigger contract_revisions_append_only before update or delete or truncate on contract_revisions
for each statement execute function refuse_change();
--> statement-breakpoint
create trigger audit_log_append_only before update or delete or truncate on audit_log
for each statement execute function refuse_change();
--> statement-breakpoint
create trigger registry_entries_append_only before update or delete or truncate on registry_entries
for each statement execute function refuse_change();
--> statement-breakpoint
create trigger registry_feed_append_only before update or delete or truncate on registry_feed
for each statement execute function refuse_change();
--> statement-breakpoint
create trigger volume_entries_append_only before update or delete or truncate on volume_entries
for each statement execute function refuse_change();
--> statement-breakpoint
-- The sealer's one row.
insert into sealer_state (singleton) values (1);
