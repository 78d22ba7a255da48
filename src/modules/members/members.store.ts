import { and, asc, eq, gt, ne, sql } from "drizzle-orm";
import type { z } from "zod";
import { members, organizations } from "../../../db/schema/organizations.ts";
import type { Executor } from "../../database/connect.ts";
import { countLimit } from "../../lib/pagination.ts";
import type { ListMembersQuery } from "./members.schema.ts";

export type MemberRow = typeof members.$inferSelect;

export const selectMember = async (db: Executor, id: string): Promise<MemberRow | undefined> =>
  (await db.select().from(members).where(eq(members.id, id)))[0];

export const selectMemberByEmail = async (db: Executor, email: string) =>
  (await db.select().from(members).where(eq(members.email, email)))[0];

/** A member of this organisation, locked until the transaction ends. */
export const lockMember = async (tx: Executor, organizationId: string, id: string) =>
  (
    await tx
      .select()
      .from(members)
      .where(and(eq(members.id, id), eq(members.organizationId, organizationId)))
      .for("update")
  )[0];

/** A person of any organisation, locked until the transaction ends. */
export const lockPerson = async (tx: Executor, id: string) =>
  (await tx.select().from(members).where(eq(members.id, id)).for("update"))[0];

/** Notes a sign-in, if the person may still sign in with the password that was checked. */
export const setLastSignIn = async (tx: Executor, row: MemberRow, at: string) =>
  (
    await tx
      .update(members)
      .set({ lastSignInAt: at })
      .where(
        and(
          eq(members.id, row.id),
          eq(members.status, "active"),
          eq(members.passwordHash, row.passwordHash ?? ""),
        ),
      )
      .returning()
  )[0];

/** Whether there is such an organisation. */
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

/** Serialises the changes of an organisation's admins: two must not both leave as the last but one. */
export const lockOrganization = (tx: Executor, id: string) =>
  tx
    .select({ id: organizations.id })
    .from(organizations)
    .where(eq(organizations.id, id))
    .for("update");

/** How many people can administer the organisation now, `except` for one. */
export const countActiveAdmins = (tx: Executor, organizationId: string, except?: string) =>
  tx.$count(
    members,
    and(
      eq(members.organizationId, organizationId),
      eq(members.isAdmin, true),
      eq(members.status, "active"),
      except ? ne(members.id, except) : undefined,
    ),
  );

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
  db
    .select()
    .from(members)
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
