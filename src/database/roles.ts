/**
 * The roles of a market's database on a server: one that owns everything and migrates, one that serves and runs the
 * jobs. What the latter may do is made of the schema itself: tables that refuse changes by a trigger
 * (`refuse_change`) are for it to read and to add to alone.
 */
import { type SQL, sql } from "drizzle-orm";
import type { Executor } from "./connect.ts";

export const ownerRole = "market_owner";
export const serviceRole = "market_api";

/** Passwords to set; null leaves a role as it is, a new one without any. */
export interface Passwords {
  owner: string | null;
  service: string | null;
}

const namesOf = async (tx: Executor, query: SQL): Promise<string[]> => {
  const { rows } = await tx.execute<{ name: string }>(query);
  return rows.map(({ name }) => name);
};

/** Runs what a query has written, as SQL cannot take names and passwords as parameters. */
async function runWritten(tx: Executor, query: SQL): Promise<void> {
  for (const statement of await namesOf(tx, query)) await tx.execute(sql.raw(statement));
}

/**
 * Makes the two roles where they are missing. Needs the right to make roles then, and to grant on the database; roles are
 * the server's, so several markets of one server share them.
 */
export async function makeRoles(tx: Executor, passwords: Passwords): Promise<void> {
  const wanted = { [ownerRole]: passwords.owner, [serviceRole]: passwords.service };
  for (const [role, password] of Object.entries(wanted)) {
    // Another market of this server may be making them just now.
    await tx.execute(
      sql.raw(`do $$ begin
        if not exists (select from pg_roles where rolname = '${role}') then create role ${role} login; end if;
      exception when duplicate_object or unique_violation then null; end $$`),
    );
    if (password === null) continue;
    await runWritten(
      tx,
      sql`select format('alter role %I password %L', ${role}::text, ${password}::text) as name`,
    );
  }
  // Who gives something away must be of the role that gets it.
  await runWritten(
    tx,
    sql`select format('grant %I to current_user', ${ownerRole}::text) as name
      from pg_roles where rolname = current_user and not rolsuper and rolname <> ${ownerRole}`,
  );
  await runWritten(
    tx,
    sql`select format(words, current_database()) as name from unnest(array[
      ${`grant connect, create, temporary on database %I to ${ownerRole}`},
      ${`grant connect on database %I to ${serviceRole}`},
      'revoke temporary on database %I from public']) words`,
  );
}

/** Whether this database has these roles: only where they were made for it is anything granted. */
export async function hasRoles(tx: Executor): Promise<boolean> {
  const owned = await namesOf(
    tx,
    sql`select nspname as name from pg_namespace
      where nspname = 'drizzle' and pg_get_userbyid(nspowner) = ${ownerRole}`,
  );
  return owned.length > 0;
}

/** The tables that are only ever added to. */
export const appendOnlyTables = (tx: Executor): Promise<string[]> =>
  namesOf(
    tx,
    sql`select distinct c.relname as name from pg_trigger t
      join pg_class c on c.oid = t.tgrelid join pg_proc p on p.oid = t.tgfoid
      where p.proname = 'refuse_change' and c.relnamespace = 'public'::regnamespace order by 1`,
  );

/**
 * Gives the owner what is not its own yet, and the service what it needs, no more. To be run after each
 * migration, in its transaction.
 */
export async function bringRights(tx: Executor): Promise<void> {
  await runWritten(
    tx,
    sql`with ours as (select oid from pg_namespace where nspname in ('public', 'drizzle')),
      owner as (select oid from pg_roles where rolname = ${ownerRole})
    select format('alter %s owner to %I', what, ${ownerRole}::text) as name from (
      select format('schema %I', nspname) as what, oid, nspowner as owner
        from pg_namespace where oid in (select oid from ours)
      union all select format('table %s', oid::regclass), oid, relowner from pg_class
        where relnamespace in (select oid from ours) and relkind in ('r', 'p', 'v', 'm')
      -- The sequence of a column goes with its table.
      union all select format('sequence %s', oid::regclass), oid, relowner from pg_class c
        where relnamespace in (select oid from ours) and relkind = 'S'
          and not exists (select from pg_depend d where d.objid = c.oid and d.deptype in ('a', 'i'))
      union all select format('routine %s', oid::regprocedure), oid, proowner from pg_proc
        where pronamespace in (select oid from ours)
      union all select format('type %s', oid::regtype), oid, typowner from pg_type
        where typnamespace in (select oid from ours) and typtype in ('e', 'd')
    ) things
    where owner <> (select oid from owner)
      and not exists (select from pg_depend d where d.objid = things.oid and d.deptype = 'e')`,
  );
  const appendOnly = (await appendOnlyTables(tx)).map((name) => `"${name}"`).join(", ");
  for (const statement of [
    `grant usage on schema public, drizzle to ${serviceRole}`,
    `grant select, insert, update, delete on all tables in schema public to ${serviceRole}`,
    `revoke update, delete on ${appendOnly} from ${serviceRole}`,
    `grant usage on all sequences in schema public to ${serviceRole}`,
    `grant execute on all functions in schema public to ${serviceRole}`,
    `grant select on all tables in schema drizzle to ${serviceRole}`,
  ]) {
    await tx.execute(sql.raw(statement));
  }
}
