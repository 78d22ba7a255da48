import { and, asc, eq, exists, gt, inArray, ne, sql } from "drizzle-orm";
import { alias, type PgColumn } from "drizzle-orm/pg-core";
import type { z } from "zod";
import { members } from "../../../db/schema/members.ts";
import { organizations } from "../../../db/schema/organizations.ts";
import type { Executor } from "../../database/connect.ts";
import { countLimit } from "../../lib/pagination.ts";
import type { MemberFound } from "./members.lifecycle.ts";
import type { ListMembersQuery } from "./members.schema.ts";

export type MemberRow = typeof members.$inferSelect;

/** People, each with whether somebody else administers their organization now. */
function selectFound(db: Executor) {
  const other = alias(members, "other");
  const others = db
    .select({ id: other.id })
    .from(other)
    .where(
      and(
        eq(other.organizationId, members.organizationId),
        ne(other.id, members.id),
        isActiveAdmin(other),
      ),
    );
  const othersAdminister = sql<boolean>`${exists(others)}`;
  return db.select({ row: members, othersAdminister }).from(members);
}

const isActiveAdmin = ({ isAdmin, status }: Record<"isAdmin" | "status", PgColumn>) =>
  and(eq(isAdmin, true), eq(status, "active"));

export const selectMember = async (db: Executor, id: string): Promise<MemberFound | undefined> =>
  (await selectFound(db).where(eq(members.id, id)))[0];

export const selectMemberByEmail = async (db: Executor, email: string) =>
  (await db.select().from(members).where(eq(members.email, email)))[0];

/** A member of this organization, locked until the transaction ends. */
export const lockMember = async (tx: Executor, organizationId: string, id: string) =>
  (
    await selectFound(tx)
      .where(and(eq(members.id, id), eq(members.organizationId, organizationId)))
      .for("update")
  )[0];

/** A person of any organization, locked until the transaction ends. */
export const lockPerson = async (tx: Executor, id: string) =>
  (await selectFound(tx).where(eq(members.id, id)).for("update"))[0];

/** Who has this e-mail in an organization that nobody has verified yet, locked. */
export const lockUnverified = async (tx: Executor, email: string) =>
  (
    await selectFound(tx)
      .innerJoin(organizations, eq(organizations.id, members.organizationId))
      .where(and(eq(members.email, email), inArray(organizations.status, ["pending", "rejected"])))
      .for("update", { of: [members, organizations] })
  )[0];

/** Notes a sign-in, if the person may still sign in with the password that was checked. */
export const setLastSignIn = async (tx: Executor, row: MemberRow, at: string, endsBar: boolean) =>
  (
    await tx
      .update(members)
      .set({ lastSignInAt: at, ...(endsBar && { barredUntil: null }) })
      .where(
        and(
          eq(members.id, row.id),
          eq(members.status, "active"),
          eq(members.passwordHash, row.passwordHash ?? ""),
        ),
      )
      .returning()
  )[0];

/** Whether there is such an organization. */
export const organizationExists = async (
  db: Executor,
  id: string,
  status?: "verified",
): Promise<boolean> => {
  const inStatus = status && eq(organizations.status, status);
  return (await db.$count(organizations, and(eq(organizations.id, id), inStatus))) > 0;
};

export const deleteMember = (tx: Executor, id: string) =>
  tx.delete(members).where(eq(members.id, id));

/** Serialises the changes of an organization's admins: two must not both leave as the last but one. */
export const lockOrganization = (tx: Executor, id: string) =>
  tx
    .select({ id: organizations.id })
    .from(organizations)
    .where(eq(organizations.id, id))
    .for("update");

/** Whether somebody can administer the organization now. */
export const hasActiveAdmin = async (tx: Executor, organizationId: string): Promise<boolean> =>
  (await tx.$count(
    members,
    and(eq(members.organizationId, organizationId), isActiveAdmin(members)),
  )) > 0;

const matches = (organizationId: string, query: z.output<typeof ListMembersQuery>) =>
  and(
    eq(members.organizationId, organizationId),
    query.status ? eq(members.status, query.status) : undefined,
  );

export const selectMembers = (
  db: Executor,
  organizationId: string,
  query: z.output<typeof ListMembersQuery>,
  after: { id: string } | null,
) =>
  selectFound(db)
    .where(and(matches(organizationId, query), after ? gt(members.id, after.id) : undefined))
    .orderBy(asc(members.id))
    .limit(query.limit + 1);

export const countMembers = (
  db: Executor,
  organizationId: string,
  query: z.output<typeof ListMembersQuery>,
) =>
  db.$count(
    db
      .select({ one: sql`1` })
      .from(members)
      .where(matches(organizationId, query))
      .limit(countLimit + 1)
      .as("counted"),
  );
