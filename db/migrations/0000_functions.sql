-- The next public reference of a listing, such as R-2026-000123: prefix, year in Asia/Shanghai,
-- at least six digits. From a sequence: unique, gaps allowed.
create function next_reference(prefix text) returns text language plpgsql as $$
declare
  number text := nextval((case prefix when 'R' then 'result_references' when 'N' then 'need_references' end)::regclass)::text;
begin
  return prefix || '-' || to_char(now() at time zone 'Asia/Shanghai', 'YYYY') || '-'
    || lpad(number, greatest(6, length(number)), '0');
end $$;
