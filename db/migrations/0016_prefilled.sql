ALTER TABLE "contracts" ADD COLUMN "prefilled" jsonb;--> statement-breakpoint
-- What a draft took over, and from where, is so for good; a step or a change of the content leaves it alone.
create function keep_prefilled() returns trigger language plpgsql as $$
begin
  raise exception using errcode = 'check_violation', constraint = tg_name,
    message = 'what a contract took over is not rewritten';
end $$;
--> statement-breakpoint
create trigger contracts_prefilled_frozen before update on contracts for each row
when (old.prefilled is distinct from new.prefilled) execute function keep_prefilled();
