/** The SQL of the demo market's own: everything else goes through the features. */
import { eq, inArray, sql } from "drizzle-orm";
import type { PgTable } from "drizzle-orm/pg-core";
import { members } from "../../db/schema/members.ts";
import { organizations } from "../../db/schema/organizations.ts";
import type { Executor } from "../database/connect.ts";

export const hasOrganizations = async (db: Executor): Promise<boolean> =>
  (await db.$count(organizations)) > 0;

/** Lets one program load at a time; the next one waits, however long. */
export async function waitForTurn(tx: Executor): Promise<void> {
  await tx.execute(sql`set local lock_timeout = 0`);
  await tx.execute(sql`set local statement_timeout = 0`);
  await tx.execute(sql`select pg_advisory_xact_lock(hashtext('grand-market demo'))`);
}

/** The rows that were written, table by table, and when in the story. */
export type Written = Map<PgTable, { id: string; at: string }[]>;

/**
 * The database dates new rows itself, so they would all be of the day of loading: this gives them
 * their day of the story. A row of version 1 was never changed, so that was its last change too.
 */
export async function dateBack(tx: Executor, written: Written): Promise<void> {
  for (const [table, rows] of written) {
    const [ids, instants] = [rows.map(({ id }) => id), rows.map(({ at }) => at)];
    await tx.execute(sql`
      update ${table} as t set created_at = day.at,
        updated_at = case version when 1 then day.at else updated_at end
      from unnest(${sql.param(ids)}::uuid[], ${sql.param(instants)}::timestamptz[]) as day (row_id, at)
      where t.id = day.row_id`);
  }
}

/** Who has an account under one of these e-mails, and what opens it. */
export const selectAccounts = (db: Executor, emails: string[]) =>
  db
    .select({
      email: members.email,
      status: members.status,
      passwordHash: members.passwordHash,
      kind: organizations.kind,
    })
    .from(members)
    .innerJoin(organizations, eq(organizations.id, members.organizationId))
    .where(inArray(members.email, emails));
