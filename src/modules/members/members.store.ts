import { and, asc, eq, gt, sql } from "drizzle-orm";
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

export const setLastSignIn = (tx: Executor, id: string, at: string) =>
  tx.update(members).set({ lastSignInAt: at }).where(eq(members.id, id));

/** Serialises the changes of an organisation's admins: two must not both leave as the last but one. */
export const lockOrganization = (tx: Executor, id: string) =>
  tx
    .select({ id: organizations.id })
    .from(organizations)
    .where(eq(organizations.id, id))
    .for("update");

/** How many people can administer the organisation now. */
export const countActiveAdmins = (tx: Executor, organizationId: string) =>
  tx.$count(
    members,
    and(
      eq(members.organizationId, organizationId),
      eq(members.isAdmin, true),
      eq(members.status, "active"),
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
