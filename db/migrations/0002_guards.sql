-- The database's own guard of the lifecycles: a status changes along a listed pair or not at all,
-- whatever the code does. A test holds these pairs and the lifecycle tables in src/ equal.
create function assert_transition() returns trigger language plpgsql as $$
begin
  if not (old.status || '>' || new.status) = any (tg_argv) then
    raise exception using errcode = 'check_violation', constraint = tg_name,
      message = format('%s may not go from %s to %s', tg_table_name, old.status, new.status);
  end if;
  return new;
end $$;
--> statement-breakpoint
create trigger organizations_lifecycle before update of status on organizations
for each row when (old.status is distinct from new.status) execute function assert_transition(
  'pending>rejected', 'pending>verified', 'rejected>pending', 'suspended>closed', 'suspended>verified',
  'verified>closed', 'verified>suspended');
--> statement-breakpoint
create trigger members_lifecycle before update of status on members
for each row when (old.status is distinct from new.status) execute function assert_transition(
  'active>suspended', 'invited>active', 'suspended>active');
--> statement-breakpoint
create trigger api_clients_lifecycle before update of status on api_clients
for each row when (old.status is distinct from new.status) execute function assert_transition(
  'active>revoked');
--> statement-breakpoint
create trigger broker_certificates_lifecycle before update of status on broker_certificates
for each row when (old.status is distinct from new.status) execute function assert_transition(
  'applied>certified', 'applied>rejected', 'applied>withdrawn', 'certified>expired', 'certified>revoked',
  'certified>suspended', 'suspended>certified', 'suspended>expired', 'suspended>revoked');
--> statement-breakpoint
create trigger results_lifecycle before update of status on results
for each row when (old.status is distinct from new.status) execute function assert_transition(
  'changes_requested>submitted', 'draft>submitted', 'expired>published', 'expired>submitted',
  'expired>withdrawn', 'published>changes_requested', 'published>expired', 'published>withdrawn',
  'rejected>submitted', 'submitted>changes_requested', 'submitted>draft', 'submitted>published',
  'submitted>rejected', 'withdrawn>published', 'withdrawn>submitted');
--> statement-breakpoint
create trigger needs_lifecycle before update of status on needs
for each row when (old.status is distinct from new.status) execute function assert_transition(
  'changes_requested>submitted', 'draft>submitted', 'expired>published', 'expired>submitted',
  'expired>withdrawn', 'published>changes_requested', 'published>closed', 'published>expired',
  'published>solved', 'published>withdrawn', 'rejected>submitted', 'submitted>changes_requested',
  'submitted>draft', 'submitted>published', 'submitted>rejected', 'withdrawn>published',
  'withdrawn>submitted');
--> statement-breakpoint
create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception using errcode = 'check_violation', constraint = tg_name,
    message = format('%s is append-only', tg_table_name);
end $$;
--> statement-breakpoint
create trigger audit_records_append_only before update or delete or truncate on audit_records
for each statement execute function refuse_change();
