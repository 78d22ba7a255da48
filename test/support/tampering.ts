/** What somebody who owns the database does to the log, and what is found then. */
import { asc } from "drizzle-orm";
import { auditLog } from "../../db/schema/audit.ts";
import type { Database, Executor } from "../../src/database/connect.ts";
import { selectWhatever } from "../../src/modules/audit/audit.store.ts";
import type { Head } from "../../src/modules/audit/head.service.ts";
import { chain } from "../../src/modules/audit/sealer.service.ts";
import {
  type Finding,
  inspectLog,
  type Looked,
} from "../../src/modules/audit/verification.service.ts";

/** Runs statements with no trigger and no foreign key in the way. */
export async function asOwner({ pool }: Pick<Database, "pool">, statements: string): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query(
      `begin; set local session_replication_role = replica; ${statements}; commit`,
    );
  } catch (error) {
    await client.query("rollback");
    throw error;
  } finally {
    client.release();
  }
}

const tables = ["audit_records", "audit_log", "sealer_state", "registry_entries"];

/**
 * Keeps the log as it is.
 * @param name of what is kept, where more than one is
 * @returns puts it back
 */
export async function keepLog(
  database: Pick<Database, "pool">,
  name = "first",
): Promise<() => Promise<void>> {
  await asOwner(
    database,
    tables.map((table) => `create table ${name}_${table} as table ${table}`).join(";"),
  );
  return () =>
    asOwner(
      database,
      tables
        .flatMap((table) => [
          `delete from ${table}`,
          `insert into ${table} select * from ${name}_${table}`,
          `drop table ${name}_${table}`,
        ])
        .join(";"),
    );
}

/** All entries, by position. */
export const entriesOf = (db: Executor) =>
  db.select().from(auditLog).orderBy(asc(auditLog.position));

/** Reckons the whole chain anew, as a careful forger does, and has the sealer believe it. */
export async function reckonAnew(database: Pick<Database, "db" | "pool">): Promise<void> {
  let hash: Buffer = Buffer.alloc(0);
  const updates: string[] = [];
  for (const { record, ...entry } of await selectWhatever(database.db, null, 1_000_000)) {
    if (!record) throw new Error("an entry has no record");
    hash = chain(hash, { ...entry, record });
    updates.push(`(${entry.position}, '\\x${hash.toString("hex")}'::bytea)`);
  }
  await asOwner(
    database,
    `update audit_log l set hash = v.hash from (values ${updates.join(",")}) as v (position, hash)
     where l.position = v.position;
     update sealer_state set (position, hash) = (select position, hash from audit_log order by position desc limit 1)`,
  );
}

/** Looks at the whole log as `npm run verify-log` does. */
export const inspect = ({ db }: Pick<Database, "db">, heads: readonly Head[]) =>
  db.transaction(
    async (tx): Promise<{ findings: Finding[]; looked: Looked }> => {
      const found: Finding[] = [];
      const inspection = inspectLog(tx, heads);
      for (;;) {
        const { done, value } = await inspection.next();
        if (done) return { findings: found, looked: value };
        found.push(value);
      }
    },
    { isolationLevel: "repeatable read", accessMode: "read only" },
  );
